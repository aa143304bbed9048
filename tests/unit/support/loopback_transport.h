/* SPDX-License-Identifier: MIT
 *
 * The libcurl transport against a server on loopback.
 */
#ifndef LOOPBACK_TRANSPORT_H
#define LOOPBACK_TRANSPORT_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/test.h>

#include "loopback.h"
#include "transport/transport.h"

#define LOGIN  "Authorization: Basic dGhlLWtleTp0aGUtc2VjcmV0"
#define SECRET "dGhlLWtleTp0aGUtc2VjcmV0"

typedef struct fixture {
    emqx_tls_test_allocator *allocator;
    emqxi_curl_options options;
    emqx_tls_transport transport;
    loopback *server;
    char url[128];
} fixture;

/* What done was told; the strings are copies. */
typedef struct outcome {
    int done;
    emqx_tls_code code;
    uint32_t delivery, flags;
    int32_t status;
    size_t body_len;
    char body[256], date[80], retry_after[80], detail[256];
    void *handle;
    emqx_tls_exchange exchange;
} outcome;

static inline void copy(char *to, size_t room, const char *text)
{
    snprintf(to, room, "%s", text ? text : "(null)");
}

static inline void on_done(void *user, const emqx_tls_reply *r)
{
    outcome *o = user;
    o->done++;
    o->code = r->code;
    o->delivery = r->delivery;
    o->flags = r->flags;
    o->status = r->http_status;
    o->body_len = r->body_len;
    snprintf(o->body, sizeof o->body, "%.*s", (int)r->body_len, r->body ? r->body : "");
    copy(o->date, sizeof o->date, r->date);
    copy(o->retry_after, sizeof o->retry_after, r->retry_after);
    copy(o->detail, sizeof o->detail, r->detail);
}

static inline void open_transport(fixture *f)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    if (emqxi_curl_transport(&f->options, &f->transport, &error) != EMQX_TLS_OK)
        fail_msg("transport: %s", error.message);
}

/* A server with these answers, and a transport. */
#define SERVE(f, ...)                                                                              \
    static const loopback_answer answers_[] = {__VA_ARGS__};                                       \
    serve_with(f, &(loopback_options){.answers = answers_,                                         \
                                      .count = sizeof answers_ / sizeof answers_[0]})

static inline void serve_with(fixture *f, const loopback_options *options)
{
    f->server = loopback_start(options);
    snprintf(f->url, sizeof f->url, "%s://127.0.0.1:%d/public_api/v1/deployments/d1/tls",
             options->tls ? "https" : "http", loopback_port(f->server));
    open_transport(f);
}

static inline outcome *exchange(outcome *o, fixture *f, const char *method, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", LOGIN, NULL};
    memset(o, 0, sizeof *o);
    o->exchange = (emqx_tls_exchange){
        .size = sizeof o->exchange,
        .flags = *method == 'G' ? 0 : EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT,
        .method = method,
        .url = f->url,
        .headers = headers + (body ? 0 : 1),
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .connect_timeout_ms = 20000,
        .timeout_ms = 20000,
        .reply_max = 16384,
        .done = on_done,
        .done_user = o};
    return o;
}

static inline void begin(fixture *f, outcome *o)
{
    assert_int_equal(f->transport.start(f->transport.context, &o->exchange, &o->handle),
                     EMQX_TLS_OK);
}

static inline int64_t real_ms(void)
{
    return emqxi_now(&emqxi_system_clock);
}

/* Polls until it is done; half a minute is a bug. */
static inline void finish(fixture *f, outcome *o)
{
    for (int64_t end = real_ms() + 30000; !o->done && real_ms() < end;)
        assert_int_equal(f->transport.poll(f->transport.context, 1000), EMQX_TLS_OK);
    assert_int_equal(o->done, 1);
}

static inline outcome run(fixture *f, const char *method, const char *body)
{
    outcome o;
    begin(f, exchange(&o, f, method, body));
    finish(f, &o);
    return o;
}

static inline uint32_t cancel(fixture *f, outcome *o)
{
    return f->transport.cancel(f->transport.context, o->handle);
}

static inline void poll_once(fixture *f, int timeout_ms)
{
    assert_int_equal(f->transport.poll(f->transport.context, timeout_ms), EMQX_TLS_OK);
}

static inline bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

/* An event loop knows nothing but the descriptor. */
static inline void drive_by_descriptor(fixture *f, int fd, const outcome *o)
{
    for (int64_t end = real_ms() + 30000; !o->done && real_ms() < end;) {
        assert_true(readable(fd, 6000));
        poll_once(f, 0);
    }
    assert_int_equal(o->done, 1);
}

#define assert_answered(o, wanted)                                                                 \
    do {                                                                                           \
        if ((o).code != EMQX_TLS_OK)                                                               \
            fail_msg("%s: %s", emqx_tls_code_name((o).code), (o).detail);                          \
        assert_int_equal((o).delivery, EMQX_TLS_DELIVERY_ANSWERED);                                \
        assert_int_equal((o).status, wanted);                                                      \
    } while (0)

#define assert_failed(o, code_, delivery_)                                                         \
    do {                                                                                           \
        assert_string_equal(emqx_tls_code_name((o).code), #code_);                                 \
        assert_int_equal((o).delivery, EMQX_TLS_DELIVERY_##delivery_);                             \
    } while (0)

#define assert_begins(text, beginning)                                                             \
    do {                                                                                           \
        const char *text_ = text;                                                                  \
        if (strncmp(text_, beginning, strlen(beginning)) != 0)                                     \
            fail_msg("does not begin with %s: %s", beginning, text_);                              \
    } while (0)

static int setup(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    f.allocator = emqx_tls_test_allocator_new();
    emqx_tls_test_allocator_watch(f.allocator, SECRET, strlen(SECRET));
    f.options.allocator = emqx_tls_test_allocator_vtable(f.allocator);
    f.options.clock = &emqxi_system_clock;
    f.options.proxy = "";
    *state = &f;
    return 0;
}

/* Every test ends with: nothing leaked, no secret in memory given back. */
static int teardown(void **state)
{
    fixture *f = *state;
    if (f->transport.context)
        f->transport.destroy(f->transport.context);
    if (f->server)
        loopback_stop(f->server);
    const char *problem = emqx_tls_test_allocator_problem(f->allocator);
    if (problem)
        print_error("%s\n", problem);
    emqx_tls_test_allocator_free(f->allocator);
    return problem ? -1 : 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
