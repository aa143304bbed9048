/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota as a caller meets it: refused at once, or waited for.
 */
#include "support/scripted_client.h"

#define HELD_MS (3600000 + 1000 + 1800) /* the window, a second, and 0.05 % of it */

static void use_up_writes(fixture *f)
{
    expect_many(f, 6, "PUT", 200, "{}");
    for (int i = 0; i < 6; i++)
        assert_int_equal(update(f), EMQX_TLS_OK);
}

static void the_61st_read_and_the_7th_write_are_not_sent(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_many(f, 60, "GET", 200, "{}");
    for (int i = 0; i < 60; i++)
        assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.http_status, 0);
    assert_int_equal(f->error.attempts, 0);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(f->error.retry_after_ms, HELD_MS);
    use_up_writes(f); /* the writes have a quota of their own, and one for all three */
    assert_int_equal(emqx_tls_delete(f->client, "d2", &f->error), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(emqx_tls_create(f->client, "d2", &f->request, NULL, NULL),
                     EMQX_TLS_E_RATE_LIMITED);
}

/* Where pointers have 32 bits the second of two reads was once counted for another deployment. */
static void reads_of_one_deployment_again_and_again_are_counted_for_it(void **state)
{
    fixture *f = *state;
    emqx_tls_limiter_config c;
    emqx_tls_limiter_config_init(&c);
    c.flags = EMQX_TLS_PER_DEPLOYMENT;
    c.clock = f->config.clock;
    assert_int_equal(emqx_tls_limiter_new(&c, &f->config.limiter, &f->error), EMQX_TLS_OK);
    open_client(f);
    emqx_tls_limiter_unref(f->config.limiter);
    expect_many(f, 60, "GET", 200, "{}");
    for (uint32_t i = 1; i <= 60; i++) {
        assert_int_equal(get(f), EMQX_TLS_OK);
        assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, i);
    }
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED);
}

static void a_slot_frees_to_the_millisecond(void **state)
{
    fixture *f = *state;
    open_client(f);
    use_up_writes(f);
    emqx_tls_test_clock_advance(f->clock, HELD_MS - 1);
    assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.retry_after_ms, 1);
    emqx_tls_test_clock_advance(f->clock, 1);
    expect_answer(f, "PUT", 200, "{}");
    assert_int_equal(update(f), EMQX_TLS_OK);
}

static void a_wait_that_is_long_enough_is_waited(void **state)
{
    fixture *f = *state;
    f->config.quota_wait_ms = HELD_MS;
    open_client(f);
    use_up_writes(f);
    int64_t began = now(f);
    uint64_t reads = emqx_tls_test_clock_reads(f->clock);
    expect_answer(f, "PUT", 200, "{}");
    assert_int_equal(update(f), EMQX_TLS_OK);
    assert_int_equal(now(f) - began, HELD_MS);
    assert_true(emqx_tls_test_clock_reads(f->clock) - reads < 200); /* no busy waiting */
}

static void a_wait_that_can_not_be_covered_fails_at_once(void **state)
{
    fixture *f = *state;
    f->config.quota_wait_ms = HELD_MS - 1;
    open_client(f);
    use_up_writes(f);
    int64_t began = now(f);
    assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(now(f), began);
    assert_int_equal(f->error.retry_after_ms, HELD_MS);
}

static void waiting_for_quota_does_not_eat_the_time_of_the_call(void **state)
{
    fixture *f = *state;
    f->config.quota_wait_ms = HELD_MS;
    f->config.timeout_ms = 4000;
    open_client(f);
    use_up_writes(f);
    emqx_tls_test_step step = {.method = "PUT", .http_status = 200, .delay_ms = 3999};
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_OK);
}

static void interrupt(void *context)
{
    emqx_tls_client_interrupt(context);
}

static void a_clock_may_begin_below_zero(void **state)
{
    fixture *f = *state;
    emqx_tls_test_clock_set(f->clock, -10000000);
    f->config.quota_wait_ms = 2 * 3600 * 1000;
    open_client(f);
    expect_many(f, 61, "GET", 200, "{}");
    for (int i = 0; i < 61; i++)
        assert_int_equal(get(f), EMQX_TLS_OK);
}

static void a_wait_for_quota_can_be_interrupted(void **state)
{
    fixture *f = *state;
    f->config.quota_wait_ms = HELD_MS;
    open_client(f);
    use_up_writes(f);
    int64_t began = now(f);
    emqx_tls_test_clock_at(f->clock, began + 500000, interrupt, f->client);
    assert_int_equal(update(f), EMQX_TLS_E_CANCELLED);
    assert_in_range(now(f) - began, 500000, 500100);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 6);
}

static void an_exchange_can_be_interrupted(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.method = "PUT", .flags = EMQX_TLS_TEST_NEVER};
    expect(f, &step);
    emqx_tls_test_clock_at(f->clock, now(f) + 500, interrupt, f->client);
    assert_int_equal(update(f), EMQX_TLS_E_CANCELLED);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 1); /* it may have arrived */
}

static void an_interrupt_before_the_call_ends_it_and_no_other(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_client_interrupt(f->client);
    assert_int_equal(get(f), EMQX_TLS_E_CANCELLED);
    assert_int_equal(f->error.attempts, 0);
    expect_answer(f, "GET", 200, "{}");
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(f->error.attempts, 1);
}

/* A store that is locked by another process until it is told otherwise. */
typedef struct locked_store {
    fixture *f;
    int64_t until;
    int asked;
    bool settle_locked;
    const char *words; /* why, if it says so */
} locked_store;

static emqx_tls_code locked_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                    emqx_tls_error *error)
{
    (void)ask;
    locked_store *s = context;
    s->asked++;
    if (s->words)
        snprintf(error->message, sizeof error->message, "%s", s->words);
    grant->granted = now(s->f) >= s->until;
    grant->busy = !grant->granted;
    grant->early_ms = grant->late_ms = 10;
    return EMQX_TLS_OK;
}

static emqx_tls_code locked_settle(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                                   uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    (void)ticket, (void)outcome, (void)retry_after_ms;
    locked_store *s = context;
    if (!s->settle_locked)
        return EMQX_TLS_OK;
    error->retry_after_ms = 10;
    return EMQX_TLS_E_STORE;
}

static emqx_tls_code locked_query(void *context, uint32_t op, const char *deployment_id,
                                  emqx_tls_quota *q, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id, (void)q, (void)error;
    return EMQX_TLS_OK;
}

static void locked_destroy(void *context)
{
    (void)context;
}

static void open_client_on(locked_store *s)
{
    fixture *f = s->f;
    emqx_tls_store store;
    emqx_tls_store_init(&store);
    store.context = s;
    store.reserve = locked_reserve;
    store.settle = locked_settle;
    store.query = locked_query;
    store.destroy = locked_destroy;
    assert_int_equal(
        emqx_tls_limiter_open_store(&store, f->config.clock, NULL, &f->config.limiter, NULL),
        EMQX_TLS_OK);
    open_client(f);
}

static void count_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call;
    *(int *)user += code == EMQX_TLS_OK;
}

static void many_that_end_while_the_store_is_locked_wait_for_it_once(void **state)
{
    enum { CALLS = 30 };
    fixture *f = *state;
    int ok = 0;
    locked_store s = {.f = f, .settle_locked = true};
    open_client_on(&s);
    expect_many(f, CALLS, "GET", 200, "{}");
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(
            emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, count_done, &ok, NULL, NULL),
            EMQX_TLS_OK);
    int64_t began = now(f);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(ok, CALLS);
    assert_in_range(now(f) - began, 2000, 2100);
    emqx_tls_limiter_unref(f->config.limiter);
}

static void a_store_that_stays_locked_is_asked_less_and_less_often(void **state)
{
    fixture *f = *state;
    locked_store s = {.f = f, .until = now(f) + 25};
    open_client_on(&s);
    int64_t began = now(f);
    expect_many(f, 2, "GET", 200, "{}");
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_in_range(now(f) - began, 25, 40); /* soon after it was free */
    began = now(f);
    s.until = began + 20000;
    s.asked = 0;
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_in_range(now(f) - began, 20000, 21000);
    assert_in_range(s.asked, 2, 40);
    s.until = INT64_MAX;
    assert_int_equal(get(f), EMQX_TLS_E_STORE);
    assert_non_null(strstr(f->error.message, "stayed locked"));
    emqx_tls_limiter_unref(f->config.limiter);
}

static void a_wait_for_quota_also_waits_for_its_store(void **state)
{
    fixture *f = *state;
    locked_store s = {.f = f, .until = now(f) + 10000};
    f->config.timeout_ms = 2000;
    f->config.quota_wait_ms = 60000;
    open_client_on(&s);
    emqx_tls_test_step step = {.method = "GET",
                               .http_status = 200,
                               .body = "{}",
                               .delay_ms = 900}; /* half of timeout_ms */
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_OK);
    int64_t began = now(f);
    s.until = INT64_MAX;
    assert_int_equal(get(f), EMQX_TLS_E_STORE);
    assert_int_equal(now(f) - began, 62000);
    emqx_tls_limiter_unref(f->config.limiter);
}

static void a_store_that_stays_away_is_told_in_its_own_words(void **state)
{
    fixture *f = *state;
    locked_store s = {.f = f, .until = INT64_MAX, .words = "the shelf is empty"};
    open_client_on(&s);
    assert_int_equal(get(f), EMQX_TLS_E_STORE);
    assert_string_equal(f->error.message, "the shelf is empty; nothing was sent");
    emqx_tls_limiter_unref(f->config.limiter);
}

static void two_clients_share_a_limiter(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_client *other;
    emqx_tls_config config = f->config;
    config.limiter = emqx_tls_client_limiter(f->client);
    assert_int_equal(emqx_tls_client_new(&config, &other, NULL), EMQX_TLS_OK);
    use_up_writes(f);
    assert_int_equal(emqx_tls_delete(other, "d1", &f->error), EMQX_TLS_E_RATE_LIMITED);
    emqx_tls_client_free(other);
    assert_int_equal(emqx_tls_test_transport_destroyed(f->script), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_61st_read_and_the_7th_write_are_not_sent),
        TEST(reads_of_one_deployment_again_and_again_are_counted_for_it),
        TEST(a_slot_frees_to_the_millisecond),
        TEST(a_wait_that_is_long_enough_is_waited),
        TEST(a_wait_that_can_not_be_covered_fails_at_once),
        TEST(waiting_for_quota_does_not_eat_the_time_of_the_call),
        TEST(a_clock_may_begin_below_zero),
        TEST(a_wait_for_quota_can_be_interrupted),
        TEST(an_exchange_can_be_interrupted),
        TEST(an_interrupt_before_the_call_ends_it_and_no_other),
        TEST(many_that_end_while_the_store_is_locked_wait_for_it_once),
        TEST(a_store_that_stays_locked_is_asked_less_and_less_often),
        TEST(a_wait_for_quota_also_waits_for_its_store),
        TEST(a_store_that_stays_away_is_told_in_its_own_words),
        TEST(two_clients_share_a_limiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
