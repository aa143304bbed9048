/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure where something goes wrong on the way: lost answers, refusals, 429, no quota.
 */
#include "support/provision_world.h"

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

/* -- reads ------------------------------------------------------------------------------------- */

static void a_first_read_that_fails_ends_it_without_time(void **state)
{
    (void)state;
    get_lost(EMQX_TLS_DELIVERY_MAYBE, EMQX_TLS_E_TRANSPORT);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 3, 0);
    get_lost(EMQX_TLS_DELIVERY_NOT_SENT, EMQX_TLS_E_TRANSPORT);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 0, 0); /* what never left costs nothing */
}

static void what_no_repeat_can_mend_ends_it_at_once(void **state)
{
    (void)state;
    emqx_tls_test_step no_tls = {.method = "GET",
                                 .code = EMQX_TLS_E_TRANSPORT,
                                 .delivery = EMQX_TLS_DELIVERY_NOT_SENT,
                                 .flags = EMQX_TLS_TEST_PERMANENT};
    w.options.wait_ms = MINUTES(10);
    get_says(401);
    expect_end(EMQX_TLS_E_UNAUTHORIZED, NONE, 1, 0);
    get_says(403);
    expect_end(EMQX_TLS_E_FORBIDDEN, NONE, 1, 0);
    get_is("garbage");
    expect_end(EMQX_TLS_E_PROTOCOL, NONE, 1, 0);
    expect(w.f, &no_tls); /* such as a certificate that does not verify */
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 0, 0);
    assert_int_equal(now(w.f), 1000000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_UNKNOWN);
    assert_true(w.f->status.expire == INT64_MIN);
}

static void what_may_pass_is_tried_again_until_the_time_is_over(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_lost(EMQX_TLS_DELIVERY_NOT_SENT, EMQX_TLS_E_TRANSPORT);
    get_lost(EMQX_TLS_DELIVERY_MAYBE, EMQX_TLS_E_TRANSPORT);
    expect_many(w.f, 3, "GET", 503, "");
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 7, 0);
    assert_in_range(came_at(9), 20000, 30000); /* it polls */
    w.options.wait_ms = 12000;
    for (int i = 0; i < 3; i++)
        get_lost(EMQX_TLS_DELIVERY_NOT_SENT, EMQX_TLS_E_TRANSPORT);
    int64_t began = now(w.f);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 0, 0); /* and says why */
    assert_int_equal(now(w.f) - began, 12000);
    assert_non_null(strstr(w.f->error.message, "could not be read: could not reach"));
}

static void a_later_read_that_fails_is_made_good_by_the_next(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    post_is(SAME_PENDING);
    get_lost(EMQX_TLS_DELIVERY_MAYBE, EMQX_TLS_E_TRANSPORT);
    get_is("garbage");
    get_says(500);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, CREATED, 7, 1);
}

static void a_later_read_that_no_repeat_can_mend_ends_it(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    post_is(SAME_PENDING);
    get_says(401);
    expect_end(EMQX_TLS_E_UNAUTHORIZED, CREATED, 2, 1);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
}

/* Absence is told by the platform alone. */
static void what_is_not_the_platform_s_answer_is_no_reason_to_write(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        const char *body;
        emqx_tls_code code;
    } cases[] = {{404, "<html>not here</html>", EMQX_TLS_E_HTTP},
                 {404, " \r\n<!doctype html>", EMQX_TLS_E_HTTP},
                 {404, "no such page", EMQX_TLS_E_HTTP},
                 {200, "<html>welcome</html>", EMQX_TLS_E_PROTOCOL},
                 {403, "<html>go away</html>", EMQX_TLS_E_FORBIDDEN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_answer(w.f, "GET", cases[i].status, cases[i].body);
        expect_end(cases[i].code, NONE, 1, 0);
        assert_non_null(strstr(w.f->error.message, "https://api.example/public_api/v1"));
        expect_answer(w.f, "GET", cases[i].status, cases[i].body);
        assert_int_equal(emqx_tls_remove(w.f->client, "d1", 0, &w.f->error), cases[i].code);
    }
    expect_answer(w.f, "GET", 404, "{\"code\":\"NOT_FOUND\"}");
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
}

/* -- writes that got lost ---------------------------------------------------------------------- */

static void a_lost_write_that_shows_is_not_repeated(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    get_is(OLD_RUNNING); /* not yet */
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 4, 1);
    w.options.wait_ms = 0;
    get_is("{}");
    write_lost("POST");
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 2, 1);
}

static void a_lost_write_is_repeated_once_a_read_has_shown_that_it_did_not_arrive(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    gets_are(5, OLD_RUNNING); /* 5, 10, 20, 40, 60 s */
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 7, 2);
    /* the read before the second write: until then the first might have arrived */
    assert_true(came_at(6) >= 60000);
    assert_true(came_at(7) >= 60000);
}

static void a_read_that_began_too_early_proves_nothing_however_late_its_answer(void **state)
{
    (void)state;
    emqx_tls_test_step slow = {
        .method = "GET", .http_status = 200, .body = OLD_RUNNING, .delay_ms = 29000};
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    gets_are(3, OLD_RUNNING); /* 5, 10, 20 s */
    expect(w.f, &slow);       /* asked at 40 s */
    get_is(SAME_PENDING);     /* it had only just arrived */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 7, 1);
}

static void a_lost_write_is_not_repeated_while_something_is_pending(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(20);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    get_is(OLD_RUNNING);
    gets_are(9,
             /* the platform took something: until it is over it may tell the end of what was there
         * before */
             OLD_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 12, 1);
}

static void a_lost_creation_is_repeated_as_one(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_says(404);
    write_lost("POST");
    expect_many(w.f, 5, "GET", 404, "");
    post_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, CREATED, 7, 2);
}

static void a_second_loss_is_the_last_write(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    gets_are(5, OLD_RUNNING);
    write_lost("PUT");
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 7, 2);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
}

static void without_time_to_prove_it_the_loss_itself_is_told(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    write_lost("PUT");
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 2, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_non_null(strstr(w.f->error.message, "may have been carried out"));
    w.options.wait_ms = 30000;
    get_is(OLD_RUNNING);
    write_lost("PUT");
    gets_are(4, OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 5, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(SAME_RUNNING); /* it did arrive: the next call sees it */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
}

static void a_write_that_hangs_until_the_deadline_is_in_doubt(void **state)
{
    (void)state;
    emqx_tls_test_step hangs = {.method = "PUT", .flags = EMQX_TLS_TEST_NEVER};
    w.options.wait_ms = 10000;
    get_is(OLD_RUNNING);
    expect(w.f, &hangs);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(now(w.f), 1010000);
}

static void answers_that_do_not_tell_count_as_lost(void **state)
{
    (void)state;
    static const emqx_tls_test_step answers[] = {
        {.method = "PUT", .http_status = 500},
        {.method = "PUT", .http_status = 502},
        {.method = "PUT", .http_status = 200, .body = "garbage"},
        {.method = "PUT", .code = EMQX_TLS_E_PROTOCOL, .delivery = EMQX_TLS_DELIVERY_ANSWERED},
        {.method = "PUT", .code = EMQX_TLS_E_TIMEOUT, .delivery = EMQX_TLS_DELIVERY_MAYBE}};
    w.options.wait_ms = MINUTES(10);
    for (size_t i = 0; i < 5; i++) {
        get_is(OLD_RUNNING);
        expect(w.f, &answers[i]);
        get_is(SAME_RUNNING);
        expect_end(EMQX_TLS_OK, UPDATED, 2, 1);
    }
}

static void what_never_left_is_no_write(void **state)
{
    (void)state;
    emqx_tls_test_step refused = {.method = "PUT",
                                  .code = EMQX_TLS_E_TRANSPORT,
                                  .delivery = EMQX_TLS_DELIVERY_NOT_SENT,
                                  .times = 3};
    get_is(OLD_RUNNING);
    expect(w.f, &refused);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 1, 0);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    expect(w.f, &refused);
    get_is(OLD_RUNNING); /* it looks before it tries again */
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
}

/* A write over "failed" that got lost: "failed" may be that of before. */
static void a_lost_write_over_failed_stays_in_doubt(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(TLS("failed", END_TEXT));
    write_lost("PUT");
    gets_are(5, TLS("failed", END_TEXT));
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 6, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(TLS("failed", END_TEXT));
    write_lost("PUT");
    get_is(SAME_RUNNING); /* only that write can have done it */
    expect_end(EMQX_TLS_OK, UPDATED, 2, 1);
}

static void a_lost_write_of_one_that_looks_alike_can_not_be_told(void **state)
{
    (void)state;
    w.options.flags = EMQX_TLS_FORCE;
    w.options.wait_ms = MINUTES(10);
    get_is(SAME_RUNNING);
    write_lost("PUT");
    gets_are(5, SAME_RUNNING);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 6, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(SAME_RUNNING);
    write_lost("PUT");
    get_is(SAME_PENDING); /* but this shows it */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
}

static void a_lost_write_that_failed_is_told(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    get_is(TLS("failed", END_TEXT));
    expect_end(EMQX_TLS_E_FAILED, NONE, 2, 1);
}

static void reads_that_fail_after_a_loss_do_not_hide_it(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_lost("PUT");
    get_says(401);
    expect_end(EMQX_TLS_E_UNAUTHORIZED, NONE, 2, 1);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_non_null(strstr(w.f->error.message, "may have been carried out"));
}

/* -- refusals ---------------------------------------------------------------------------------- */

static void a_refused_write_is_not_repeated(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        emqx_tls_code code;
    } cases[] = {{401, EMQX_TLS_E_UNAUTHORIZED},
                 {403, EMQX_TLS_E_FORBIDDEN},
                 {422, EMQX_TLS_E_UNPROCESSABLE},
                 {400, EMQX_TLS_E_HTTP}};
    w.options.wait_ms = MINUTES(10);
    for (size_t i = 0; i < 4; i++) {
        get_is(OLD_RUNNING);
        expect_answer(w.f, "PUT", cases[i].status, "");
        expect_end(cases[i].code, NONE, 1, 1);
    }
}

static void one_that_is_busy_is_told_to_be_tried_later(void **state)
{
    (void)state;
    static const int32_t busy[] = {409, 423};
    w.options.wait_ms = MINUTES(10);
    for (size_t i = 0; i < 2; i++) {
        get_is(OLD_RUNNING);
        expect_answer(w.f, "PUT", busy[i], "");
        expect_end(EMQX_TLS_E_HTTP, NONE, 1, 1);
        assert_non_null(strstr(w.f->error.message, "busy with an earlier change"));
        assert_non_null(strstr(w.f->error.message, "later"));
    }
}

static void an_answer_that_it_exists_is_checked_and_updated(void **state)
{
    (void)state;
    get_is("{}");
    expect_answer(w.f, "POST", 422, "{\"code\":\"EXISTS\"}");
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 2, 2);
    get_is("{}");
    expect_answer(w.f, "POST", 422, "");
    get_is(SAME_RUNNING); /* somebody else was quicker with the same one */
    expect_end(EMQX_TLS_OK, UNCHANGED, 2, 1);
}

static void a_bad_certificate_costs_one_write(void **state)
{
    (void)state;
    get_is("{}");
    expect_answer(w.f, "POST", 422, "{\"code\":\"BAD_CERT\"}");
    get_is("{}");
    expect_end(EMQX_TLS_E_UNPROCESSABLE, NONE, 2, 1);
    assert_string_equal(w.f->error.api_code, "BAD_CERT");
}

static void an_answer_that_it_is_gone_is_checked_and_created(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    expect_answer(w.f, "PUT", 404, "");
    get_says(404);
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 2, 2);
    get_is(OLD_RUNNING);
    expect_answer(w.f, "PUT", 404, "");
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_NOT_FOUND, NONE, 2, 1);
}

static void a_deployment_that_is_not_there_costs_one_write(void **state)
{
    (void)state;
    get_says(404);
    expect_answer(w.f, "POST", 404, "");
    expect_end(EMQX_TLS_E_NOT_FOUND, NONE, 1, 1);
}

static void two_writes_are_the_most_whatever_comes(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    expect_answer(w.f, "POST", 422, "");
    get_is(OLD_RUNNING);
    expect_answer(w.f, "PUT", 404, "");
    expect_end(EMQX_TLS_E_NOT_FOUND, NONE, 2, 2);
    get_is("{}");
    write_lost("POST");
    gets_are(5, "{}");
    expect_answer(w.f, "POST", 422, "");
    expect_end(EMQX_TLS_E_UNPROCESSABLE, NONE, 6, 2);
}

/* -- 429 and quota ----------------------------------------------------------------------------- */

static void a_429_for_a_read_is_waited_out_if_there_is_time(void **state)
{
    (void)state;
    emqx_tls_test_step refused = {.method = "GET", .http_status = 429, .retry_after = "90"};
    expect(w.f, &refused);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_in_range(w.f->error.retry_after_ms, 90000, 99000);
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING); /* waits until the class is open */
    put_is(SAME_PENDING);
    expect(w.f, &refused);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
    w.options.wait_ms = 60000;
    expect(w.f, &refused);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0); /* 90 s do not fit: at once, not at the end */
    assert_true(w.f->error.retry_after_ms > 60000);
}

static void a_429_that_can_not_be_waited_out_is_told_as_one(void **state)
{
    (void)state;
    emqx_tls_test_step refused = {.method = "GET", .http_status = 429, .retry_after = "90"};
    w.options.wait_ms = 60000;
    expect(w.f, &refused);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_int_equal(w.f->error.http_status, 429);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
}

static void a_429_for_a_write_ends_it(void **state)
{
    (void)state;
    emqx_tls_test_step refused = {.method = "PUT", .http_status = 429, .retry_after = "300"};
    w.options.wait_ms = MINUTES(30);
    get_is(OLD_RUNNING);
    expect(w.f, &refused);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 1);
    assert_in_range(w.f->error.retry_after_ms, 300000, 330000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING);
    get_is(OLD_RUNNING); /* the next call goes on: it waits, and writes */
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 2, 1);
}

static void use_up(uint32_t op, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        expect_answer(w.f, op == EMQX_TLS_OP_GET ? "GET" : "PUT", 200, SAME_RUNNING);
        assert_int_equal(op == EMQX_TLS_OP_GET ? get(w.f) : update(w.f), EMQX_TLS_OK);
    }
}

static void without_quota_for_the_write_nothing_is_written(void **state)
{
    (void)state;
    use_up(EMQX_TLS_OP_UPDATE, 6);
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_int_equal(w.f->error.http_status, 0);
    assert_in_range(w.f->error.retry_after_ms, 3600000, 3610000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING); /* what it knows */
    w.options.wait_ms = MINUTES(30);
    get_is(OLD_RUNNING);
    int64_t began = now(w.f);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_int_equal(now(w.f), began); /* an hour does not fit: at once, not at the end */
    w.options.wait_ms = MINUTES(70);
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 2, 1);
}

static void without_quota_for_reads_it_says_what_it_knows(void **state)
{
    (void)state;
    use_up(EMQX_TLS_OP_GET, 59);
    w.options.wait_ms = MINUTES(10);
    get_is(SAME_PENDING);
    int64_t began = now(w.f);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_int_equal(now(w.f), began); /* no other read fits in */
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    assert_in_range(w.f->error.retry_after_ms, 3590000, 3610000);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 0, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_UNKNOWN);
}

/* A blocking transport can't be stopped: what it is given must end by itself in time. */
static void a_blocking_transport_keeps_wait_ms(void **state)
{
    (void)state;
    emqx_tls_test_step slow = {.method = "PUT", .http_status = 200, .delay_ms = MINUTES(10)};
    emqx_tls_client_free(w.f->client);
    w.f->config.transport = emqx_tls_test_transport_blocking(w.f->script);
    open_client(w.f);
    use_up(EMQX_TLS_OP_UPDATE, 6);
    int64_t free_in = quota(w.f, EMQX_TLS_OP_UPDATE).next_ms;
    emqx_tls_test_clock_advance(w.f->clock, free_in - 50000); /* the next slot comes after 50 s */
    w.options.wait_ms = 60000;
    int64_t began = now(w.f);
    get_is(OLD_RUNNING);
    expect(w.f, &slow);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 1);
    assert_in_range(now(w.f) - began, 55000, 60000);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_read_that_fails_ends_it_without_time),
        TEST(what_no_repeat_can_mend_ends_it_at_once),
        TEST(what_may_pass_is_tried_again_until_the_time_is_over),
        TEST(a_later_read_that_fails_is_made_good_by_the_next),
        TEST(a_later_read_that_no_repeat_can_mend_ends_it),
        TEST(what_is_not_the_platform_s_answer_is_no_reason_to_write),
        TEST(a_lost_write_that_shows_is_not_repeated),
        TEST(a_lost_write_is_repeated_once_a_read_has_shown_that_it_did_not_arrive),
        TEST(a_read_that_began_too_early_proves_nothing_however_late_its_answer),
        TEST(a_lost_write_is_not_repeated_while_something_is_pending),
        TEST(a_lost_creation_is_repeated_as_one),
        TEST(a_second_loss_is_the_last_write),
        TEST(without_time_to_prove_it_the_loss_itself_is_told),
        TEST(a_write_that_hangs_until_the_deadline_is_in_doubt),
        TEST(answers_that_do_not_tell_count_as_lost),
        TEST(what_never_left_is_no_write),
        TEST(a_lost_write_over_failed_stays_in_doubt),
        TEST(a_lost_write_of_one_that_looks_alike_can_not_be_told),
        TEST(a_lost_write_that_failed_is_told),
        TEST(reads_that_fail_after_a_loss_do_not_hide_it),
        TEST(a_refused_write_is_not_repeated),
        TEST(one_that_is_busy_is_told_to_be_tried_later),
        TEST(an_answer_that_it_exists_is_checked_and_updated),
        TEST(a_bad_certificate_costs_one_write),
        TEST(an_answer_that_it_is_gone_is_checked_and_created),
        TEST(a_deployment_that_is_not_there_costs_one_write),
        TEST(two_writes_are_the_most_whatever_comes),
        TEST(a_429_for_a_read_is_waited_out_if_there_is_time),
        TEST(a_429_that_can_not_be_waited_out_is_told_as_one),
        TEST(a_429_for_a_write_ends_it),
        TEST(without_quota_for_the_write_nothing_is_written),
        TEST(without_quota_for_reads_it_says_what_it_knows),
        TEST(a_blocking_transport_keeps_wait_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
