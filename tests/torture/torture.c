/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Every exchange is made to fail in every way, and every allocation once, in a loop over all of
 * them: while a small platform is played in virtual time, ensure is called again and again as a
 * timer would, until it succeeds. Whatever failed, the wanted certificate is in place at the end,
 * it was written exactly once, no secret is left in memory, and nothing leaks.
 */
#include "support/scripted_client.h"

#include <stdlib.h>

#include "folder.h"
#include "support/self_signed.h"

#define WANTED_END  1931913600 /* 2031-03-22 02:40:00 UTC */
#define WANTED_TEXT "2031-03-22 02:40:00"
#define OLD_TEXT    "2026-06-01 00:00:00"
#define PENDING_MS  15000
#define CALLS_MAX   8

/* How the chosen exchange fails. */
enum fault {
    NOT_SENT,
    LOST_BEFORE, /* no answer, not carried out */
    LOST_AFTER,  /* no answer, carried out */
    TIMEOUT_AFTER,
    STATUS_500, /* carried out all the same */
    STATUS_503, /* not carried out */
    STATUS_429,
    STATUS_403,
    GARBAGE, /* carried out, and an answer that is no JSON */
    TOO_LARGE,
    FAULTS
};
static const char *const fault_names[] = {"not sent", "lost before", "lost after", "timeout after",
                                          "500",      "503",         "429",        "403",
                                          "garbage",  "too large"};

/* The platform: one deployment. */
typedef struct platform {
    emqx_tls_test_clock *clock;
    bool there, wanted;
    int64_t running_at;
    int exchanges, writes;
    int fail_at; /* 0: none */
    enum fault fault;
} platform;

static platform p;

static bool is_write(const emqx_tls_exchange *x)
{
    return strcmp(x->method, "GET") != 0;
}

static void carry_out(const emqx_tls_exchange *x)
{
    if (!is_write(x))
        return;
    p.writes++;
    p.there = p.wanted = true;
    p.running_at = emqx_tls_test_clock_now(p.clock) + PENDING_MS;
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    emqx_tls_reply reply = {
        .size = sizeof reply, .http_status = 200, .delivery = EMQX_TLS_DELIVERY_ANSWERED};
    char body[256] = "{}";
    (void)context;
    (void)handle;
    emqx_tls_test_clock_advance(p.clock, 20);
    bool fails = ++p.exchanges == p.fail_at;
    enum fault fault = fails ? p.fault : FAULTS;
    bool refused = fault == NOT_SENT || fault == LOST_BEFORE || fault == STATUS_503 ||
                   fault == STATUS_429 || fault == STATUS_403;
    if (!refused)
        carry_out(x);
    if (p.there)
        snprintf(body, sizeof body, "{\"tlsType\":\"one-way\",\"status\":\"%s\",\"expire\":\"%s\"}",
                 emqx_tls_test_clock_now(p.clock) < p.running_at ? "pending" : "running",
                 p.wanted ? WANTED_TEXT : OLD_TEXT);
    reply.body = body;
    reply.body_len = strlen(body);
    switch (fault) {
    case NOT_SENT:
        reply.code = EMQX_TLS_E_TRANSPORT;
        reply.delivery = EMQX_TLS_DELIVERY_NOT_SENT;
        break;
    case LOST_BEFORE:
    case LOST_AFTER:
        reply.code = EMQX_TLS_E_TRANSPORT;
        reply.delivery = EMQX_TLS_DELIVERY_MAYBE;
        break;
    case TIMEOUT_AFTER:
        emqx_tls_test_clock_advance(p.clock, x->timeout_ms);
        reply.code = EMQX_TLS_E_TIMEOUT;
        reply.delivery = EMQX_TLS_DELIVERY_MAYBE;
        break;
    case STATUS_500:
    case STATUS_503:
    case STATUS_429:
    case STATUS_403:
        reply.http_status = fault == STATUS_500   ? 500
                            : fault == STATUS_503 ? 503
                            : fault == STATUS_429 ? 429
                                                  : 403;
        reply.body = "{\"code\":\"TORTURE\"}";
        reply.body_len = strlen(reply.body);
        break;
    case GARBAGE:
        reply.body = "<html>";
        reply.body_len = 6;
        break;
    case TOO_LARGE:
        reply.code = EMQX_TLS_E_PROTOCOL;
        break;
    case FAULTS:
        break;
    }
    x->done(x->done_user, &reply);
    return EMQX_TLS_OK;
}

static char *cert, *key, folder[FOLDER_SIZE];

/* Plays one life, in which that exchange fails so, or that allocation (0: none) of the first call;
 * returns the exchanges that it took. */
static int live(bool old_there, bool receipts, int fail_at, enum fault fault, size_t allocation,
                bool *reached)
{
    void *state;
    client_set_up(&state);
    fixture *f = state;
    emqx_tls_transport transport;
    emqx_tls_ensure_options options;
    emqx_tls_limiter *limiter;
    emqx_tls_limiter_config shared;
    p = (platform){.clock = f->clock, .there = old_there, .fail_at = fail_at, .fault = fault};
    emqx_tls_transport_init(&transport);
    transport.start = start;
    emqx_tls_ensure_options_init(&options);
    options.wait_ms = 5 * 60 * 1000;
    if (!folder_make(folder, "torture"))
        fail_msg("no folder");
    if (receipts)
        options.receipt_dir = folder;
    emqx_tls_test_allocator_watch(f->allocator, key + 60, 40);
    f->config.flags = 0;
    f->config.transport = &transport;
    f->request.cert = cert;
    f->request.cert_len = strlen(cert);
    f->request.key = key;
    f->request.key_len = strlen(key);
    emqx_tls_limiter_config_init(&shared);
    shared.clock = f->config.clock;
    assert_int_equal(emqx_tls_limiter_new(&shared, &limiter, NULL), EMQX_TLS_OK);
    f->config.limiter = limiter;

    emqx_tls_code code = EMQX_TLS_E_FAILED;
    int calls = 0;
    for (; code != EMQX_TLS_OK && calls < CALLS_MAX; calls++) {
        /* Each call is a new process of a renewal job; what it shares is quota and receipts. */
        emqx_tls_client *client = NULL;
        emqx_tls_test_allocator_fail(f->allocator, calls == 0 ? allocation : 0, 0);
        code = emqx_tls_client_new(&f->config, &client, &f->error);
        if (code == EMQX_TLS_OK)
            code =
                emqx_tls_ensure(client, "d1", &f->request, &options, NULL, &f->status, &f->error);
        assert_int_equal(f->error.code, code);
        if (code != EMQX_TLS_OK && !*f->error.message)
            fail_msg("%s without a message", emqx_tls_code_name(code));
        if (calls == 0 && reached)
            *reached = emqx_tls_test_allocator_failed(f->allocator);
        emqx_tls_test_allocator_fail(f->allocator, 0, 0);
        emqx_tls_client_free(client);
        if (code != EMQX_TLS_OK)
            emqx_tls_test_clock_advance(f->clock, 65 * 60 * 1000);
    }
    if (code != EMQX_TLS_OK || p.writes != 1 || !p.wanted)
        fail_msg("%s, %s, exchange %d %s, allocation %zu: after %d calls %s (%s), %d writes",
                 old_there ? "another in place" : "absent", receipts ? "receipts" : "no receipts",
                 fail_at, fail_at ? fault_names[fault] : "", allocation, calls,
                 emqx_tls_code_name(code), f->error.message, p.writes);
    if (f->status.state != EMQX_TLS_STATE_RUNNING)
        fail_msg("it does not run");
    emqx_tls_limiter_unref(limiter);
    folder_remove(folder);
    int exchanges = p.exchanges;
    if (client_tear_down(&state) != 0)
        fail_msg("exchange %d, allocation %zu: see above", fail_at, allocation);
    return exchanges;
}

static void every_exchange_may_fail_in_every_way(void **state)
{
    (void)state;
    for (int start_with = 0; start_with < 4; start_with++) {
        bool old_there = start_with & 1, receipts = start_with & 2;
        int exchanges = live(old_there, receipts, 0, FAULTS, 0, NULL);
        assert_in_range(exchanges, 3, 10);
        for (int i = 1; i <= exchanges; i++)
            for (enum fault fault = 0; fault < FAULTS; fault++)
                live(old_there, receipts, i, fault, 0, NULL);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int start_with = 0; start_with < 4; start_with++) {
        bool reached = true;
        size_t i = 1;
        for (; reached; i++)
            live(start_with & 1, start_with & 2, 0, FAULTS, i, &reached);
        assert_true(i > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exchange_may_fail_in_every_way),
        cmocka_unit_test(every_allocation_may_fail),
    };
    made m = make("torture", WANTED_END, 0);
    cert = made_pem(&m);
    key = made_key_pem(&m);
    made_free(&m);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(cert);
    free(key);
    return failed;
}
