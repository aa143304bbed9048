/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The libcurl transport against a server on loopback.
 */
#ifndef LOOPBACK_TRANSPORT_H
#define LOOPBACK_TRANSPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/test.h>

#include "loopback.h"
#include "real_clock.h"
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

int loopback_set_up(void **state);
/* Every test ends with: nothing leaked, no secret in memory given back. */
int loopback_tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, loopback_set_up, loopback_tear_down)

void open_transport(fixture *f);
void serve_with(fixture *f, const loopback_options *options);
/* A server with these answers, and a transport. */
#define SERVE(f, ...)                                                                              \
    static const loopback_answer answers_[] = {__VA_ARGS__};                                       \
    serve_with(f, &(loopback_options){.answers = answers_,                                         \
                                      .count = sizeof answers_ / sizeof answers_[0]})

void on_done(void *user, const emqx_tls_reply *r);
/* Sets up o->exchange, done with on_done. */
outcome *exchange(outcome *o, fixture *f, const char *method, const char *body);
void begin(fixture *f, outcome *o);
/* Polls until it is done; half a minute is a bug. */
void finish(fixture *f, outcome *o);
/* The three of them. */
outcome run(fixture *f, const char *method, const char *body);
uint32_t cancel(fixture *f, outcome *o);

void poll_once(fixture *f, int timeout_ms);
bool readable(int fd, int timeout_ms);
/* Finishes it as an event loop does, which knows nothing but the descriptor. */
void drive_by_descriptor(fixture *f, int fd, const outcome *o);

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

#endif
