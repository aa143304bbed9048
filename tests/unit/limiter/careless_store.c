/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A store of a user's own that does what it must not, or what no other does.
 */
#include "support/limiter_use.h"

#include <emqxtls/test.h>

static emqx_tls_test_clock *timer;

static emqx_tls_code careless_code;
static int64_t careless_early, careless_late;

/* When a settle was asked for, where the store is busy. */
static bool careless_busy;
static int64_t asked_ms[8];
static size_t asked;
static size_t settled; /* so often was one asked for */

static emqx_tls_code careless_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                      emqx_tls_error *error)
{
    (void)context, (void)ask, (void)error;
    grant->early_ms = careless_early;
    grant->late_ms = careless_late;
    return careless_code;
}

static emqx_tls_code careless_settle(void *context, const uint64_t *ticket, uint32_t outcome,
                                     int64_t retry_after_ms, emqx_tls_error *error)
{
    (void)context, (void)ticket, (void)outcome, (void)retry_after_ms;
    settled++;
    if (!careless_busy)
        return careless_code;
    const emqx_tls_clock *clock = emqx_tls_test_clock_vtable(timer);
    if (asked < sizeof asked_ms / sizeof asked_ms[0])
        asked_ms[asked++] = clock->now_ms(clock->context);
    error->retry_after_ms = 10;
    return EMQX_TLS_E_STORE;
}

static emqx_tls_code careless_query(void *context, uint32_t op, const char *deployment_id,
                                    emqx_tls_quota *quota, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id, (void)quota, (void)error;
    return careless_code;
}

static void careless_destroy(void *context)
{
    (void)context;
}

static emqx_tls_store careless_store(void)
{
    emqx_tls_store store;
    emqx_tls_store_init(&store);
    store.reserve = careless_reserve;
    store.settle = careless_settle;
    store.query = careless_query;
    store.destroy = careless_destroy;
    return store;
}

static emqx_tls_limiter *careless_limiter(bool shared)
{
    emqx_tls_limiter *limiter;
    emqx_tls_store store = careless_store();
    store.shared = shared;
    assert_int_equal(emqx_tls_limiter_open_store(&store, emqx_tls_test_clock_vtable(timer), NULL,
                                                 &limiter, NULL),
                     EMQX_TLS_OK);
    return limiter;
}

static void a_store_that_fails_without_a_word_or_with_any_code_is_told_as_store(void **state)
{
    (void)state;
    static const emqx_tls_code codes[] = {EMQX_TLS_E_STORE, -1, 99, EMQX_TLS_E_RATE_LIMITED};
    static const uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_limiter *limiter = careless_limiter(false);
    emqxi_reserve r;
    emqxi_error error;
    emqx_tls_error told;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    emqx_tls_error_init(&told);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        careless_code = codes[i];
        assert_int_equal(reserve(limiter, EMQX_TLS_OP_GET, "d1", &r, &error), EMQX_TLS_E_STORE);
        assert_int_equal(error.code, EMQX_TLS_E_STORE);
        assert_non_null(strstr(error.message, "store"));
        assert_int_equal(emqxi_limiter_settle(limiter, ticket, ANSWERED, -1, 0, &error),
                         EMQX_TLS_E_STORE);
        assert_non_null(strstr(error.message, "store"));
        assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, NULL, &quota, &told),
                         EMQX_TLS_E_STORE);
        assert_non_null(strstr(told.message, "store"));
    }
    emqx_tls_limiter_unref(limiter);
}

static void open_fails(const emqx_tls_store *store, const emqx_tls_clock *clock,
                       const emqx_tls_allocator *allocator, const char *word)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(emqx_tls_limiter_open_store(store, clock, allocator, &limiter, &error),
                     EMQX_TLS_E_INVALID);
    assert_null(limiter);
    assert_non_null(strstr(error.message, word));
}

static void what_a_store_needs_is_named(void **state)
{
    (void)state;
    emqx_tls_store store = careless_store();
    emqx_tls_clock clock;
    emqx_tls_allocator allocator;
    emqx_tls_clock_init(&clock);
    emqx_tls_allocator_init(&allocator);
    open_fails(&store, &clock, NULL, "clock");
    open_fails(&store, NULL, &allocator, "allocator");
    store.reserve = NULL;
    open_fails(&store, NULL, NULL, "reserve");
    store = careless_store();
    store.settle = NULL;
    open_fails(&store, NULL, NULL, "settle");
    store = careless_store();
    store.query = NULL;
    open_fails(&store, NULL, NULL, "query");
    store = careless_store();
    store.destroy = NULL;
    open_fails(&store, NULL, NULL, "destroy");
}

static void a_store_that_has_failed_is_not_asked_again(void **state)
{
    (void)state;
    static const uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_limiter *limiter = careless_limiter(false);
    emqxi_error error;
    careless_code = EMQX_TLS_E_STORE; /* and no word on when to ask again */
    assert_int_equal(emqxi_limiter_settle(limiter, ticket, ANSWERED, -1, 2000, &error),
                     EMQX_TLS_E_STORE);
    assert_int_equal(settled, 1);
    emqx_tls_limiter_unref(limiter);
}

static emqx_tls_limiter *rested;
static size_t entered;

static void enter_while_it_rests(void *context, int64_t ms)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    entered += emqx_tls_limiter_query(rested, EMQX_TLS_OP_GET, NULL, &quota, NULL) == EMQX_TLS_OK;
    emqx_tls_test_clock_vtable(timer)->sleep_ms(context, ms);
}

static void others_may_enter_while_one_waits_for_a_busy_store(void **state)
{
    (void)state;
    static const uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_store store = careless_store();
    emqx_tls_clock clock = *emqx_tls_test_clock_vtable(timer);
    emqxi_error error;
    clock.sleep_ms = enter_while_it_rests;
    assert_int_equal(emqx_tls_limiter_open_store(&store, &clock, NULL, &rested, NULL), EMQX_TLS_OK);
    careless_code = EMQX_TLS_OK;
    careless_busy = true;
    entered = 0;
    assert_int_equal(emqxi_limiter_settle(rested, ticket, ANSWERED, -1, 100, &error),
                     EMQX_TLS_E_STORE);
    careless_busy = false;
    assert_true(asked > 1);
    assert_int_equal(entered, asked - 1);
    emqx_tls_limiter_unref(rested);
}

static void a_store_that_tells_times_that_can_not_be_leads_to_no_nonsense(void **state)
{
    (void)state;
    static const int64_t times[][3] = {
        {-5, -5, 0}, {INT64_MIN, INT64_MIN, 0}, {INT64_MIN, INT64_MAX, INT64_MAX}, {700, 3, 700}};
    emqx_tls_limiter *limiter = careless_limiter(false);
    emqxi_error error;
    careless_code = EMQX_TLS_OK;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_GET, .deployment_id = "d1", .lease_ms = 30000};
        careless_early = times[i][0];
        careless_late = times[i][1];
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error),
                         EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(error.retry_after_ms, times[i][2]);
        r.wait_ms = 1000;
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error), EMQX_TLS_OK);
        assert_false(r.granted);
        assert_in_range(r.look_again_ms, 1, 1000);
        emqxi_limiter_leave(limiter, &waiter);
    }
    emqx_tls_limiter_unref(limiter);
}

static void the_first_in_line_looks_every_second_at_a_store_that_others_use(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        emqx_tls_limiter *limiter = careless_limiter(shared != 0);
        emqxi_error error;
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {
            .op = EMQX_TLS_OP_GET, .deployment_id = "d1", .lease_ms = 30000, .wait_ms = 90000};
        careless_code = EMQX_TLS_OK;
        careless_early = careless_late = 50001;
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error), EMQX_TLS_OK);
        assert_int_equal(r.look_again_ms, shared ? 1000 : 50001);
        emqxi_limiter_leave(limiter, &waiter);
        r.wait_ms = 0;
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error),
                         EMQX_TLS_E_RATE_LIMITED);
        assert_non_null(strstr(error.message, "in 51 s"));
        emqx_tls_limiter_unref(limiter);
    }
}

static void a_busy_store_is_asked_again_in_twice_as_long_each_time(void **state)
{
    (void)state;
    static const uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_limiter *limiter = careless_limiter(false);
    emqxi_error error;
    careless_busy = true;
    assert_int_equal(emqxi_limiter_settle(limiter, ticket, ANSWERED, -1, 600, &error),
                     EMQX_TLS_E_STORE);
    careless_busy = false;
    assert_int_equal(asked, 7); /* 10, 20, 40, 80, 160 ms later, and when the time is over */
    for (size_t i = 1; i < 6; i++)
        assert_int_equal(asked_ms[i] - asked_ms[i - 1], 5 << i);
    emqx_tls_limiter_unref(limiter);
}

static int start(void **state)
{
    (void)state;
    timer = emqx_tls_test_clock_new(1000, 0);
    asked = settled = 0;
    return timer ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    emqx_tls_test_clock_free(timer);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_that_fails_without_a_word_or_with_any_code_is_told_as_store),
        TEST(others_may_enter_while_one_waits_for_a_busy_store),
        TEST(a_store_that_has_failed_is_not_asked_again),
        TEST(what_a_store_needs_is_named),
        TEST(a_store_that_tells_times_that_can_not_be_leads_to_no_nonsense),
        TEST(a_busy_store_is_asked_again_in_twice_as_long_each_time),
        TEST(the_first_in_line_looks_every_second_at_a_store_that_others_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
