/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is repeated, what never is, and what each exchange costs.
 */
#include "support/scripted_client.h"

#define OK_BODY "{\"status\":\"running\"}"

static void expect_failure(fixture *f, const char *method, emqx_tls_code code, uint32_t delivery,
                           uint32_t flags)
{
    emqx_tls_test_step step = {
        .method = method, .code = code, .delivery = delivery, .flags = flags};
    expect(f, &step);
}

static void reads_are_repeated_twice_and_each_is_paid_for(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "GET", 502, NULL);
    expect_answer(f, "GET", 503, NULL);
    expect_answer(f, "GET", 504, NULL);
    assert_int_equal(get(f), EMQX_TLS_E_HTTP);
    assert_int_equal(f->error.http_status, 504);
    assert_int_equal(f->error.attempts, 3);
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 3);
}

static void a_server_in_a_hurry_is_asked_again_by_reads_alone(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "GET", 408, NULL);
    expect_answer(f, "GET", 425, NULL);
    expect_answer(f, "GET", 200, OK_BODY);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(f->error.attempts, 3);
    expect_answer(f, "PUT", 408, NULL);
    assert_int_equal(update(f), EMQX_TLS_E_HTTP);
    assert_int_equal(f->error.attempts, 1);
}

static void a_read_that_got_lost_is_repeated(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_failure(f, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE, 0);
    expect_failure(f, "GET", EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_MAYBE, 0);
    expect_answer(f, "GET", 200, OK_BODY);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(f->error.attempts, 3);
    assert_string_equal(f->error.message, "");
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 3);
}

static void what_was_not_sent_gives_its_slot_back(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_failure(f, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT, 0);
    expect_failure(f, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT,
                   EMQX_TLS_TEST_START_FAILS);
    expect_answer(f, "GET", 200, OK_BODY);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 1);
}

static void a_start_that_fails_may_say_why(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.method = "PUT",
                               .times = 3,
                               .flags = EMQX_TLS_TEST_START_FAILS,
                               .code = EMQX_TLS_E_TRANSPORT,
                               .detail = "no socket is free"};
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_TRANSPORT);
    assert_non_null(strstr(f->error.message, ": no socket is free"));
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
}

static void a_write_is_repeated_only_if_it_was_not_sent(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_failure(f, "PUT", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT, 0);
    expect_failure(f, "PUT", EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_NOT_SENT, 0);
    expect_answer(f, "PUT", 200, OK_BODY);
    assert_int_equal(update(f), EMQX_TLS_OK);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 1);

    expect_failure(f, "PUT", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE, 0);
    assert_int_equal(update(f), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(f->error.attempts, 1);
    expect_failure(f, "PUT", EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_MAYBE, 0);
    assert_int_equal(update(f), EMQX_TLS_E_TIMEOUT);
    expect_answer(f, "PUT", 503, NULL);
    assert_int_equal(update(f), EMQX_TLS_E_HTTP);
    assert_int_equal(f->error.attempts, 1);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 4);
}

static void a_transport_that_does_not_say_means_maybe(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_failure(f, "DELETE", EMQX_TLS_E_TRANSPORT, 0, 0);
    assert_int_equal(emqx_tls_delete(f->client, "d1", &f->error), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(quota(f, EMQX_TLS_OP_DELETE).used, 1);
}

static void a_certificate_that_does_not_verify_is_final(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_failure(f, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT,
                   EMQX_TLS_TEST_PERMANENT);
    assert_int_equal(get(f), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f->error.attempts, 1);
    assert_int_equal(f->error.permanent, 1);
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 0);
}

/* -- a store that went away while the call ran ------------------------------------------------- */

static emqx_tls_code grant_all(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                               emqx_tls_error *error)
{
    (void)context, (void)ask, (void)error;
    grant->granted = 1;
    return EMQX_TLS_OK;
}

static emqx_tls_code not_settled(void *context, const uint64_t *ticket, uint32_t outcome,
                                 int64_t retry_after_ms, emqx_tls_error *error)
{
    (void)context, (void)ticket, (void)outcome, (void)retry_after_ms, (void)error;
    return EMQX_TLS_E_STORE;
}

static emqx_tls_code not_told(void *context, uint32_t op, const char *deployment_id,
                              emqx_tls_quota *quota, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id, (void)quota, (void)error;
    return EMQX_TLS_E_STORE;
}

static void nothing(void *context)
{
    (void)context;
}

static void a_429_never_asks_to_try_again_at_once_though_the_store_can_not_be_asked(void **state)
{
    fixture *f = *state;
    emqx_tls_store store;
    emqx_tls_store_init(&store);
    store.reserve = grant_all;
    store.settle = not_settled;
    store.query = not_told;
    store.destroy = nothing;
    assert_int_equal(
        emqx_tls_limiter_open_store(&store, f->config.clock, NULL, &f->config.limiter, &f->error),
        EMQX_TLS_OK);
    open_client(f);
    emqx_tls_limiter_unref(f->config.limiter);
    emqx_tls_test_step step = {.method = "GET", .http_status = 429};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.retry_after_ms, 60000);
    step.method = "PUT";
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.retry_after_ms, 600000);
    step.retry_after = "7";
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.retry_after_ms, 7000);
    static const char *const hour[] = {"soon", "999999999999999999999"};
    for (size_t i = 0; i < 2; i++) {
        step.retry_after = hour[i];
        expect(f, &step);
        assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(f->error.retry_after_ms, 3600000);
    }
}

static void a_429_whose_retry_after_is_not_plausible_shuts_for_one_window(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.method = "PUT",
                               .http_status = 429,
                               .retry_after = "Mon, 01 Jan 2001 00:00:00 GMT",
                               .date = "Mon, 01 Jan 2001 00:00:01 GMT"};
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.http_status, 429);
    assert_in_range(f->error.retry_after_ms, 3600000, 3960000);
}

static void a_429_is_never_repeated_and_tells_how_long(void **state)
{
    fixture *f = *state;
    if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        skip();
    open_client(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 429, .retry_after = "120"};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f->error.http_status, 429);
    assert_int_equal(f->error.attempts, 1);
    /* up to a tenth of jitter, never shorter */
    assert_in_range(f->error.retry_after_ms, 120000, 132000);

    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED); /* shut: nothing is sent */
    assert_int_equal(f->error.http_status, 0);
    assert_int_equal(f->error.attempts, 0);
    emqx_tls_test_clock_advance(f->clock, f->error.retry_after_ms);
    expect_answer(f, "GET", 200, OK_BODY);
    assert_int_equal(get(f), EMQX_TLS_OK);
}

/* A gateway's error page may be longer than any reply of the platform, or break off. */
static void interrupt(void *client)
{
    emqx_tls_client_interrupt(client);
}

static void only_a_missing_quota_tells_when_to_try_again(void **state)
{
    fixture *f = *state;
    if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        skip();
    open_client(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 429, .retry_after = "120"};
    expect(f, &step);
    emqx_tls_test_clock_at(f->clock, now(f) + 60000, interrupt, f->client);
    assert_int_equal(emqx_tls_wait(f->client, "d1", NULL, 3600000, NULL, &f->error),
                     EMQX_TLS_E_CANCELLED);
    assert_int_equal(f->error.retry_after_ms, -1);
}

static void a_refusal_whose_body_can_not_be_read_is_a_refusal_all_the_same(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const struct {
        int32_t status;
        emqx_tls_code code;
    } cases[] = {{401, EMQX_TLS_E_UNAUTHORIZED},
                 {404, EMQX_TLS_E_NOT_FOUND},
                 {422, EMQX_TLS_E_UNPROCESSABLE},
                 {302, EMQX_TLS_E_HTTP},
                 {500, EMQX_TLS_E_HTTP}};
    static const emqx_tls_code ends[] = {EMQX_TLS_E_PROTOCOL, EMQX_TLS_E_TRANSPORT,
                                         EMQX_TLS_E_TIMEOUT};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t j = 0; j < sizeof ends / sizeof ends[0]; j++) {
            emqx_tls_test_step step = {.method = "GET",
                                       .http_status = cases[i].status,
                                       .code = ends[j],
                                       .delivery = EMQX_TLS_DELIVERY_ANSWERED};
            expect(f, &step);
            assert_int_equal(get(f), cases[i].code);
            assert_int_equal(f->error.http_status, cases[i].status);
            assert_int_equal(f->error.attempts, 1);
            assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
        }
    }
    emqx_tls_test_step step = {.method = "GET",
                               .http_status = 429,
                               .retry_after = "120",
                               .code = EMQX_TLS_E_TRANSPORT,
                               .delivery = EMQX_TLS_DELIVERY_ANSWERED};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED);
    assert_in_range(f->error.retry_after_ms, 120000, 132000);
    assert_int_equal(get(f), EMQX_TLS_E_RATE_LIMITED); /* shut: nothing is sent */
    assert_int_equal(f->error.attempts, 0);
}

static void a_status_that_http_does_not_have_is_an_unusable_answer(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "GET", 599, NULL); /* the last one that there is */
    assert_int_equal(get(f), EMQX_TLS_E_HTTP);
    assert_int_equal(f->error.http_status, 599);
    expect_answer(f, "GET", 600, NULL);
    assert_int_equal(get(f), EMQX_TLS_E_PROTOCOL);
    assert_int_equal(f->error.http_status, 0);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
    /* what is no HTTP was an answer, whatever the transport says of the delivery */
    expect_failure(f, "PUT", EMQX_TLS_E_PROTOCOL, EMQX_TLS_DELIVERY_NOT_SENT, 0);
    assert_int_equal(update(f), EMQX_TLS_E_PROTOCOL);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 1);
}

static void a_success_that_breaks_off_tells_its_status(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.method = "PUT",
                               .http_status = 200,
                               .code = EMQX_TLS_E_TRANSPORT,
                               .delivery = EMQX_TLS_DELIVERY_ANSWERED};
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f->error.http_status, 200);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
}

static void a_write_answered_with_5xx_says_that_it_may_have_been_carried_out(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "PUT", 502, NULL);
    assert_int_equal(update(f), EMQX_TLS_E_HTTP);
    assert_non_null(strstr(f->error.message, "may have been carried out"));
    expect_answer(f, "PUT", 400, NULL);
    assert_int_equal(update(f), EMQX_TLS_E_HTTP);
    assert_null(strstr(f->error.message, "carried out"));
}

static void an_exchange_that_never_ends_is_ended(void **state)
{
    fixture *f = *state;
    open_client(f);
    int64_t began = now(f);
    emqx_tls_test_step step = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER, .times = 2};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_TIMEOUT);
    /* one exchange gets half of timeout_ms, all together timeout_ms */
    assert_in_range(now(f) - began, 15000, 30000);
    assert_int_equal(emqx_tls_test_transport_seen(f->script, 0)->timeout_ms, 15000);
    assert_int_equal(emqx_tls_test_transport_seen(f->script, 0)->connect_timeout_ms, 10000);
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 2);

    began = now(f);
    step.method = "PUT";
    step.times = 1;
    expect(f, &step);
    assert_int_equal(update(f), EMQX_TLS_E_TIMEOUT);
    assert_int_equal(now(f) - began, 30000); /* a write is not repeated: it gets all the time */
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
}

static void a_repeat_without_quota_tells_the_first_failure(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_many(f, 59, "GET", 200, OK_BODY);
    for (int i = 0; i < 59; i++)
        assert_int_equal(get(f), EMQX_TLS_OK);
    expect_answer(f, "GET", 503, NULL);
    assert_int_equal(get(f), EMQX_TLS_E_HTTP);
    assert_int_equal(f->error.http_status, 503);
    assert_int_equal(f->error.attempts, 1);
}

static void a_repeat_rests_as_long_as_the_answer_asks(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step busy = {.method = "GET", .http_status = 503, .retry_after = "2"};
    int64_t begun = now(f);
    expect(f, &busy);
    expect_answer(f, "GET", 200, OK_BODY);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_in_range(now(f) - begun, 2000, 2500);
}

static void a_503_that_asks_for_more_time_than_there_is_ends_at_once(void **state)
{
    fixture *f = *state;
    open_client(f);
    int64_t began = now(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 503, .retry_after = "3600"};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_HTTP);
    assert_int_equal(now(f), began);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_are_repeated_twice_and_each_is_paid_for),
        TEST(a_server_in_a_hurry_is_asked_again_by_reads_alone),
        TEST(a_read_that_got_lost_is_repeated),
        TEST(what_was_not_sent_gives_its_slot_back),
        TEST(a_start_that_fails_may_say_why),
        TEST(a_write_is_repeated_only_if_it_was_not_sent),
        TEST(a_transport_that_does_not_say_means_maybe),
        TEST(a_certificate_that_does_not_verify_is_final),
        TEST(a_429_never_asks_to_try_again_at_once_though_the_store_can_not_be_asked),
        TEST(a_429_whose_retry_after_is_not_plausible_shuts_for_one_window),
        TEST(a_429_is_never_repeated_and_tells_how_long),
        TEST(only_a_missing_quota_tells_when_to_try_again),
        TEST(a_refusal_whose_body_can_not_be_read_is_a_refusal_all_the_same),
        TEST(a_status_that_http_does_not_have_is_an_unusable_answer),
        TEST(a_success_that_breaks_off_tells_its_status),
        TEST(a_write_answered_with_5xx_says_that_it_may_have_been_carried_out),
        TEST(an_exchange_that_never_ends_is_ended),
        TEST(a_repeat_without_quota_tells_the_first_failure),
        TEST(a_repeat_rests_as_long_as_the_answer_asks),
        TEST(a_503_that_asks_for_more_time_than_there_is_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
