/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The store suite on a real Redis, in virtual time: on the unix socket, and by TCP with a password.
 * The script of this program reads the time from two keys, which the test sets (see meson.build);
 * all else is the library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"
#include "support/store_suite.h"

#include "redis/store.h"

#include <stdio.h>

typedef struct subject {
    const server *server;
    const char *url;
    int64_t now_ms;
    int64_t own_ms; /* of this process's clock, which is never stepped back */
    int *opened;
} subject;

static int64_t own_now(void *context)
{
    return ((const subject *)context)->own_ms;
}

static void set_time(const subject *s)
{
    server_command(s->server, "MSET virtual:s %lld virtual:us %lld", (long long)(s->now_ms / 1000),
                   (long long)(s->now_ms % 1000 * 1000));
}

static void pass_time(void *context, int64_t ms)
{
    subject *s = context;
    s->now_ms += ms;
    s->own_ms += ms > 0 ? ms : 0;
    set_time(s);
}

/* A prefix of its own each time, so that the store is empty. */
static emqx_tls_code open_redis(void *context, const emqx_tls_limiter_config *config,
                                emqx_tls_store *store)
{
    subject *s = context;
    emqx_tls_error error;
    char prefix[32];
    emqx_tls_clock clock;
    emqx_tls_limiter_config with_clock = *config;
    emqx_tls_clock_init(&clock);
    clock.context = s;
    clock.now_ms = own_now;
    with_clock.clock = &clock;
    emqx_tls_error_init(&error);
    snprintf(prefix, sizeof prefix, "suite-%d", (*s->opened)++);
    emqxi_settings settings;
    emqx_tls_code code = emqxi_redis_open(s->url, prefix, &with_clock, store, &settings, &error);
    if (code != EMQX_TLS_OK)
        fprintf(stderr, "%s\n", error.message);
    return code;
}

static int run(const server *on, const char *name, const char *url)
{
    static int opened; /* no prefix is used twice */
    subject context = {.server = on, .url = url, .now_ms = 1700000000000, .opened = &opened};
    const store_subject redis = {.name = name,
                                 .context = &context,
                                 .open = open_redis,
                                 .advance = pass_time,
                                 .window_ms = 3600000,
                                 .patience_ms = INT64_MAX};
    set_time(&context);
    return store_suite_run(&redis);
}

/* -- Redis's own clock ------------------------------------------------------------------------- */

#define HOUR_MS 3600000
#define HELD_MS (HOUR_MS + 1000 + HOUR_MS / 2000)
/* quota.lua counts from another time when so much has passed */
#define BASE_MS    1073741824
#define WRITE      EMQX_TLS_OP_UPDATE
#define DEPLOYMENT "d1"

static void open_at(void **state, subject *s, emqx_tls_store *store)
{
    static int opened;
    const server *on = *state;
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    opened += 1000;
    *s = (subject){.server = on, .url = on->socket_url, .now_ms = 1700000000000, .opened = &opened};
    set_time(s);
    assert_int_equal(open_redis(s, &config, store), EMQX_TLS_OK);
}

static void use(emqx_tls_store *store, uint32_t outcome, int64_t retry_after_ms)
{
    const emqx_tls_ask ask = {
        .size = sizeof ask, .op = WRITE, .deployment_id = DEPLOYMENT, .lease_ms = 1000};
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(store->reserve(store->context, &ask, &grant, &error), EMQX_TLS_OK);
    assert_int_equal(grant.granted, 1);
    assert_int_equal(store->settle(store->context, grant.ticket, outcome, retry_after_ms, &error),
                     EMQX_TLS_OK);
}

static emqx_tls_quota ask_quota(emqx_tls_store *store)
{
    emqx_tls_quota quota = {.size = sizeof quota};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(store->query(store->context, WRITE, DEPLOYMENT, &quota, &error), EMQX_TLS_OK);
    return quota;
}

static void stepped_back_nothing_frees_early_and_no_more_than_the_time_since_is_lost(void **state)
{
    subject s;
    emqx_tls_store store;
    open_at(state, &s, &store);
    for (int i = 0; i < 6; i++)
        use(&store, EMQX_TLS_OUTCOME_ANSWERED, -1);
    pass_time(&s, HOUR_MS / 2);
    assert_int_equal(ask_quota(&store).next_ms, HELD_MS - HOUR_MS / 2);
    pass_time(&s, -24 * HOUR_MS); /* nothing was taken or settled since the six */
    assert_int_equal(ask_quota(&store).next_ms, HELD_MS);
    pass_time(&s, -1);
    assert_int_equal(ask_quota(&store).next_ms, HELD_MS);
    store.destroy(store.context);
}

/* Three are held after each: of now, of half an hour and of an hour ago. */
static void a_key_in_use_for_months_counts_on(void **state)
{
    subject s;
    emqx_tls_store store;
    open_at(state, &s, &store);
    for (int i = 0; i < 60 * 48; i++) {
        use(&store, EMQX_TLS_OUTCOME_ANSWERED, -1);
        assert_int_equal(ask_quota(&store).used, i < 2 ? i + 1 : 3);
        pass_time(&s, HOUR_MS / 2);
    }
    store.destroy(store.context);
}

static void a_429_goes_on_where_the_counting_begins_anew(void **state)
{
    subject s;
    emqx_tls_store store;
    open_at(state, &s, &store);
    int64_t passed = 0;
    for (; passed < BASE_MS - HOUR_MS; passed += HOUR_MS / 2) {
        use(&store, EMQX_TLS_OUTCOME_ANSWERED, -1);
        pass_time(&s, HOUR_MS / 2);
    }
    pass_time(&s, BASE_MS - 1000 - passed);
    use(&store, EMQX_TLS_OUTCOME_REFUSED, HOUR_MS / 2);
    int64_t shut = ask_quota(&store).next_ms;
    assert_in_range(shut, HOUR_MS / 2, HOUR_MS / 2 + HOUR_MS / 20);
    pass_time(&s, 10000);
    assert_int_equal(ask_quota(&store).next_ms, shut - 10000);
    store.destroy(store.context);
}

static int run_clock(server *on)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(
            stepped_back_nothing_frees_early_and_no_more_than_the_time_since_is_lost, on),
        cmocka_unit_test_prestate(a_key_in_use_for_months_counts_on, on),
        cmocka_unit_test_prestate(a_429_goes_on_where_the_counting_begins_anew, on),
    };
    return cmocka_run_group_tests_name("store in Redis, its clock", tests, NULL, NULL);
}

int main(void)
{
    server s;
    server_new(&s, true);
    int failed = run(&s, "store in Redis, unix socket", s.socket_url) +
                 run(&s, "store in Redis, TCP", s.tcp_url) + run_clock(&s);
    server_free(&s);
    return failed;
}
