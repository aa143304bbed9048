/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "hostile.h"

#include "real_clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE     16
#define OPS         4
#define HANG_MS     250               /* the first deadline where nothing else ends a call */
#define NO_HURRY_MS (2 * PATIENCE_MS) /* one that no answer meets */
#define ATTEMPTS    3                 /* of one call, at most */

#define MAYBE    BIT(EMQX_TLS_DELIVERY_MAYBE)
#define ANSWERED BIT(EMQX_TLS_DELIVERY_ANSWERED)
#define PENDING  EMQX_TLS_STATE_PENDING

/* -- verdicts ---------------------------------------------------------------------------------- */

enum {
    OK = BIT(EMQX_TLS_OK),
    TRANSPORT = BIT(EMQX_TLS_E_TRANSPORT),
    PROTOCOL = BIT(EMQX_TLS_E_PROTOCOL),
    TIMEOUT = BIT(EMQX_TLS_E_TIMEOUT),
    HTTP = BIT(EMQX_TLS_E_HTTP),
    BAD = TRANSPORT | PROTOCOL
};

/* A good answer, however odd; and one that says itself that it has no body. */
const verdict taken = {OK, OK, OK, ANSWERED, PENDING, .reads = 1};
const verdict taken_empty = {OK, OK, OK, ANSWERED, EMQX_TLS_STATE_ABSENT, .reads = 1};

/* A success whose body is not the platform's, has no end, or may have been one. A deletion needs
 * none. */
const verdict not_json = {PROTOCOL, PROTOCOL, OK, ANSWERED, .reads = 1};
const verdict too_long = {PROTOCOL, PROTOCOL, OK, ANSWERED, .reads = 1};
const verdict cut_head = {PROTOCOL, PROTOCOL, OK, ANSWERED, .reads = 1};

/* A success that broke off: a read asks again. Or one with what is no HTTP: that can't help. Of
 * chunks that are none libcurl says the same as of a lost connection. */
const verdict broken = {TRANSPORT, TRANSPORT, OK, ANSWERED, .reads = 3};
const verdict broken_head = {BAD, BAD, OK, ANSWERED, .reads = 1};
const verdict broken_chunks = {TRANSPORT, TRANSPORT, OK, ANSWERED, .reads = 0};

/* No success, in more than one way; and where it may be one too: whole, or not at all. */
const verdict not_taken = {BAD, BAD, OK | BAD, MAYBE | ANSWERED, .reads = 0};
const verdict careless = {OK | BAD, OK | BAD, OK | BAD, MAYBE | ANSWERED, PENDING, .reads = 0};

/* No answer, not so much of one as its status, or another protocol. */
const verdict lost = {TRANSPORT, TRANSPORT, TRANSPORT, MAYBE, .reads = 3, .unread = true};
const verdict no_status = {BAD, BAD, BAD, MAYBE | ANSWERED, .reads = 1};
const verdict no_http = {TRANSPORT, TRANSPORT, TRANSPORT, MAYBE, .reads = 1};
const verdict switched = {BAD, BAD, BAD, MAYBE, .reads = 0};

/* Cut off in its status line. */
const verdict cut_status = {TRANSPORT, TRANSPORT, TRANSPORT, MAYBE, .reads = 0};

/* Only the deadline ends it. */
const verdict hung = {TIMEOUT, TIMEOUT, TIMEOUT, MAYBE, .hangs = true, .unread = true};
const verdict hung_answered = {TIMEOUT, TIMEOUT, OK, ANSWERED, .hangs = true, .unread = true};

/* TLS: a certificate that is not good, no handshake, nothing. No byte of a request has left. */
#define NOT_SENT BIT(EMQX_TLS_DELIVERY_NOT_SENT)
const verdict not_trusted = {TRANSPORT, TRANSPORT, TRANSPORT, NOT_SENT, .permanent = true};
const verdict no_handshake = {TRANSPORT, TRANSPORT, TRANSPORT, NOT_SENT, .reads = 3};
const verdict not_sent = {TRANSPORT | TIMEOUT, TRANSPORT | TIMEOUT, TRANSPORT | TIMEOUT, NOT_SENT,
                          .hangs = true};
const verdict silent = {TIMEOUT, TIMEOUT, TIMEOUT, NOT_SENT, .hangs = true};

/* HTTP/2: the stream or its connection failed before a head; behind one, which libcurl drops if what
 * follows in the same record is bad; or either. And a head that says that no body comes, which not
 * every libcurl tells. */
#define EITHER MAYBE | ANSWERED
const verdict no_stream = {BAD, BAD, BAD, MAYBE, .unread = true};
const verdict cut_stream = {BAD, BAD, OK | BAD, EITHER, .reads = 0};
const verdict no_success = {BAD, BAD, BAD, EITHER, .unread = true};
const verdict early_goodbye = {BAD, BAD, BAD, MAYBE | NOT_SENT, .unread = true};
const verdict forbidden_or_lost = {BIT(EMQX_TLS_E_FORBIDDEN) | BAD, BAD, BAD, EITHER, .reads = 0};
const verdict empty_stream = {OK | PROTOCOL, OK | PROTOCOL,         OK,
                              ANSWERED,      EMQX_TLS_STATE_ABSENT, .reads = 1};

/* Refusals. Whatever becomes of their bodies, their status counts. */
#define REFUSED(code) BIT(code), BIT(code), BIT(code), ANSWERED
const verdict unauthorized = {REFUSED(EMQX_TLS_E_UNAUTHORIZED), .reads = 1};
const verdict forbidden = {REFUSED(EMQX_TLS_E_FORBIDDEN), .reads = 1};
const verdict forbidden_late = {REFUSED(EMQX_TLS_E_FORBIDDEN), .hangs = true, .unread = true};
const verdict not_found = {REFUSED(EMQX_TLS_E_NOT_FOUND), .reads = 1};
const verdict unprocessable = {REFUSED(EMQX_TLS_E_UNPROCESSABLE), .reads = 1};
const verdict rate_limited = {REFUSED(EMQX_TLS_E_RATE_LIMITED), .reads = 1};
const verdict other_status = {HTTP, HTTP, HTTP, ANSWERED, .reads = 1};
const verdict passing = {HTTP, HTTP, HTTP, ANSWERED, .reads = 3}; /* a read asks again */

/* -- one call ---------------------------------------------------------------------------------- */

static const char *const methods[OPS] = {"GET", "POST", "PUT", "DELETE"};
static const uint32_t ops[OPS] = {EMQX_TLS_OP_GET, EMQX_TLS_OP_CREATE, EMQX_TLS_OP_UPDATE,
                                  EMQX_TLS_OP_DELETE};

typedef struct trial {
    const hostile_suite *suite;
    const behaviour *row;
    size_t op;
    uint32_t timeout_ms;
    peer peer;
    loopback *server;
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_error error;
    int64_t took_ms;
    size_t arrived;
    bool failed;
} trial;

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

__attribute__((format(printf, 2, 3))) static void complain(trial *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&printing);
    printf("%s: %s, %s: ", t->suite->name, t->row->name, methods[t->op]);
    vprintf(format, arguments);
    printf("\n    %s, %s, status %d, %u attempts, %zu arrived: %s\n",
           emqx_tls_code_name(t->error.code), emqx_tls_delivery_name(t->error.delivery),
           t->error.http_status, t->error.attempts, t->arrived, t->error.message);
    pthread_mutex_unlock(&printing);
    va_end(arguments);
    t->failed = true;
}

static void open_client(trial *t)
{
    char endpoint[64];
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    snprintf(endpoint, sizeof endpoint, "https://127.0.0.1:%d/public_api/v1",
             loopback_port(t->server));
    config.endpoint = endpoint;
    config.api_key = "the-key";
    config.api_secret = "the-secret";
    config.flags = EMQX_TLS_SKIP_CHECK;
    config.ca_file = t->suite->ca_file;
    config.proxy = "";
    config.timeout_ms = t->timeout_ms;
    config.connect_timeout_ms = NO_HURRY_MS;
    if (emqx_tls_client_new(&config, &t->client, &t->error) != EMQX_TLS_OK)
        abort();
}

static void call(trial *t, size_t op)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    emqx_tls_request request;
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = request.key = pem;
    request.cert_len = request.key_len = sizeof pem - 1;
    emqx_tls_status_init(&t->status);
    emqx_tls_error_init(&t->error);
    emqx_tls_code code;
    int64_t began = real_ms();
    if (op == 0)
        code = emqx_tls_get(t->client, "d1", &t->status, &t->error);
    else if (op == 3)
        code = emqx_tls_delete(t->client, "d1", &t->error);
    else
        code = (op == 1 ? emqx_tls_create : emqx_tls_update)(t->client, "d1", &request, &t->status,
                                                             &t->error);
    t->took_ms = real_ms() - began;
    if (code != t->error.code)
        complain(t, "the call returned another code than its error has");
}

static uint32_t slots_used(trial *t, size_t op)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    if (emqx_tls_limiter_query(emqx_tls_client_limiter(t->client), ops[op], "d1", &quota, NULL))
        abort();
    return quota.used;
}

/* -- what has to hold -------------------------------------------------------------------------- */

static const verdict *expected_of(const trial *t)
{
    return t->op > 0 && t->suite->writes ? t->suite->writes : t->row->expected;
}

static unsigned codes_of(const verdict *v, size_t op)
{
    return op == 0 ? v->read : op == 3 ? v->delete : v->write;
}

/* Did it come so far as it should? Where only the deadline ends it a slow machine may not. */
static bool came_so_far(const trial *t)
{
    return (codes_of(expected_of(t), t->op) & BIT(t->error.code)) &&
           (expected_of(t)->deliveries & BIT(t->error.delivery));
}

static void look_at_the_slots(trial *t)
{
    uint32_t used = slots_used(t, t->op), tries = t->error.attempts;
    bool given_back = t->error.delivery == EMQX_TLS_DELIVERY_NOT_SENT || expected_of(t)->hangs;
    if (used < t->arrived || used > tries || (!given_back && used != tries))
        complain(t, "%u slots used", used);
    /* an early answer may have come before the server has looked */
    bool may_differ = expected_of(t)->unread || t->row->how & EARLY;
    if (!may_differ && t->arrived != (given_back ? 0 : tries))
        complain(t, "not as many requests as attempts");
}

static void look_at_a_read(trial *t)
{
    unsigned wanted = expected_of(t)->reads;
    if (t->error.attempts > ATTEMPTS || (wanted && t->error.attempts != wanted))
        complain(t, "a read asks %u times here", wanted);
}

static void look_at_a_write(trial *t)
{
    bool stayed = t->error.delivery == EMQX_TLS_DELIVERY_NOT_SENT;
    if (t->arrived > 1 || (t->error.attempts != 1 && !stayed))
        complain(t, "a write twice");
    if (stayed && t->arrived > 0)
        complain(t, "a write that was not sent has arrived");
}

static void look_at_the_answer(trial *t)
{
    const verdict *v = expected_of(t);
    bool ok = t->error.code == EMQX_TLS_OK, has_status = t->op < 3;
    bool answered = t->error.delivery == EMQX_TLS_DELIVERY_ANSWERED;
    if (!(codes_of(v, t->op) & BIT(t->error.code)))
        complain(t, "another code is right");
    if (!(v->deliveries & BIT(t->error.delivery)))
        complain(t, "another delivery is right");
    if ((t->error.http_status != 0) != answered && t->error.code != EMQX_TLS_E_PROTOCOL)
        complain(t, "an answer has a status, and nothing else has");
    if (has_status && t->status.state != (ok ? v->state : EMQX_TLS_STATE_UNKNOWN))
        complain(t, "the state %s", emqx_tls_state_name(t->status.state));
    if (v->permanent && (!t->error.permanent || t->error.attempts != 1))
        complain(t, "nothing can mend it");
    if (strstr(t->error.message, "hostile"))
        complain(t, "the message has something of the answer");
    if (t->took_ms > (int64_t)t->timeout_ms + PATIENCE_MS)
        complain(t, "it took %lld ms", (long long)t->took_ms);
}

/* Nothing of it is left for the client's next call: the server behaves from now on. */
static void look_at_the_next(trial *t)
{
    const verdict *v = expected_of(t);
    bool refused = t->error.code == EMQX_TLS_E_RATE_LIMITED;
    uint32_t used = slots_used(t, 0);
    if (t->op == 0 && refused)
        return; /* reads are shut */
    atomic_store(&t->peer.good, true);
    call(t, 0);
    if (v->hangs && t->error.code == EMQX_TLS_E_TIMEOUT)
        return; /* its deadline is as short */
    if (t->error.code != EMQX_TLS_OK || strcmp(t->status.common_name, "good") != 0)
        complain(t, "the next read has %s for %s", t->status.state_text, t->status.common_name);
    if (slots_used(t, 0) - used != t->error.attempts)
        complain(t, "the next read used %u slots", slots_used(t, 0) - used);
}

/* -- trials ------------------------------------------------------------------------------------ */

/* True: it is to be tried once more with more time, since this machine was too slow. */
static bool try_once(trial *t)
{
    t->peer.row = t->row;
    atomic_init(&t->peer.good, false);
    t->server = loopback_start(
        &(loopback_options){.serve = t->suite->serve, .user = &t->peer, .tls = t->suite->tls});
    open_client(t);
    call(t, t->op);
    t->arrived = loopback_requests(t->server);
    bool again = expected_of(t)->hangs && t->error.code == EMQX_TLS_E_TIMEOUT && !came_so_far(t) &&
                 t->timeout_ms < PATIENCE_MS;
    look_at_the_slots(t);
    if (t->op > 0)
        look_at_a_write(t);
    if (!again) {
        if (t->op == 0)
            look_at_a_read(t);
        look_at_the_answer(t);
        look_at_the_next(t);
    }
    emqx_tls_client_free(t->client);
    loopback_stop(t->server);
    return again;
}

typedef struct course {
    const hostile_suite *suite;
    atomic_size_t next, failed;
} course;

static void *work(void *argument)
{
    course *c = argument;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->suite->count * OPS;) {
        const behaviour *row = &c->suite->rows[i / OPS];
        trial t = {.suite = c->suite, .row = row, .op = i % OPS};
        t.timeout_ms = expected_of(&t)->hangs ? HANG_MS : NO_HURRY_MS;
        while (try_once(&t))
            t.timeout_ms *= 2;
        c->failed += t.failed;
    }
    return NULL;
}

int hostile_run(const hostile_suite *suite)
{
    course c = {.suite = suite};
    pthread_t workers[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++)
        if (pthread_create(&workers[i], NULL, work, &c) != 0)
            abort();
    for (size_t i = 0; i < AT_ONCE; i++)
        pthread_join(workers[i], NULL);
    printf("%s: %zu behaviours, %d calls each, %zu went wrong\n", suite->name, suite->count, OPS,
           (size_t)c.failed);
    return c.failed > 0;
}
