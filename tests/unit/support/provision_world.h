/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the tests of ensure, wait and remove share: real leaves, replies about them, receipts in a
 * folder of the test's own.
 */
#ifndef PROVISION_WORLD_H
#define PROVISION_WORLD_H

#include "folder.h"
#include "scripted_client.h"
#include "self_signed.h"

#include <stdlib.h>
#include <unistd.h>

#define END      1931913600 /* when the wanted leaf ends */
#define END_TEXT "2031-03-22 02:40:00"
#define OLD_TEXT "2026-06-01 00:00:00"
#define NEW_TEXT "2033-01-01 00:00:00"
#define NAME     "mqtt.example"

#define TLS(status, expire)                                                                        \
    "{\"tlsType\":\"one-way\",\"status\":\"" status "\",\"expire\":\"" expire "\",\"cn\":\"" NAME  \
    "\"}"
#define BARE(status) "{\"status\":\"" status "\"}"

#define SAME_RUNNING TLS("running", END_TEXT)
#define SAME_PENDING TLS("pending", END_TEXT)
#define OLD_RUNNING  TLS("running", OLD_TEXT)
#define OLD_PENDING  TLS("pending", OLD_TEXT)

#define MINUTES(n) ((n)*60 * 1000)

typedef struct world {
    fixture *f;
    made made;
    char *leaf; /* of it */
    char folder[64];
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
} world;

extern world w;
int world_set_up(void **state);
int world_tear_down(void **state);
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

emqx_tls_code ensure(void);

/* ensure shall end so, having done this and spent these. */
#define expect_end(end, done, get_count, write_count)                                              \
    do {                                                                                           \
        emqx_tls_code got_ = ensure();                                                             \
        if (got_ != (end))                                                                         \
            fail_msg("ensure ended with %s: %s", emqx_tls_code_name(got_), w.f->error.message);    \
        assert_int_equal(w.f->error.code, got_);                                                   \
        assert_int_equal(w.result.action, (done));                                                 \
        assert_int_equal(w.result.reads, (get_count));                                             \
        assert_int_equal(w.result.writes, (write_count));                                          \
        const char *problem_ = emqx_tls_test_transport_problem(w.f->script);                       \
        if (problem_)                                                                              \
            fail_msg("%s", problem_);                                                              \
    } while (0)

/* An ensure that was submitted, and how it ended: `user` of note_end is an `ended`. */
typedef struct ended {
    int count;
    emqx_tls_code code;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
} ended;
void note_end(void *user, emqx_tls_call *call, emqx_tls_code code);
emqx_tls_call *start_ensure(ended *e);
void run_all(void);

/* The script. */
void get_is(const char *body);
void gets_are(uint32_t times, const char *body);
void get_says(int32_t status);
void put_is(const char *body);
void post_is(const char *body);
void get_lost(uint32_t delivery, emqx_tls_code code); /* three times: what a call tries */
void write_lost(const char *method);

/* The i-th request came so long after the first call began. */
int64_t came_at(size_t i);

#endif
