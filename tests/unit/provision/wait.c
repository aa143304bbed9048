/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * wait: until a certificate runs, or the wanted one does.
 */
#include "support/provision_world.h"

static emqx_tls_code wait_for(uint32_t wait_ms)
{
    return emqx_tls_wait(w.f->client, "d1", NULL, wait_ms, &w.f->status, &w.f->error);
}

static emqx_tls_code wait_for_it(uint32_t wait_ms)
{
    return emqx_tls_wait(w.f->client, "d1", &w.f->request, wait_ms, &w.f->status, &w.f->error);
}

static void answers(uint32_t times, const char *method, emqx_tls_code code, uint32_t delivery)
{
    emqx_tls_test_step step = {
        .method = method, .times = times, .code = code, .delivery = delivery};
    expect(w.f, &step);
}

static void done(void)
{
    const char *problem = emqx_tls_test_transport_problem(w.f->script);
    if (problem)
        fail_msg("%s", problem);
}

static void running_is_seen_at_once(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    assert_int_equal(now(w.f), 1000000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING);
    get_is(OLD_RUNNING);
    assert_int_equal(wait_for(0), EMQX_TLS_OK);
    done();
}

static void it_polls_after_5_10_20_40_and_then_every_60_s(void **state)
{
    (void)state;
    static const int64_t at[] = {0, 5, 10, 20, 40, 100, 160, 220};
    gets_are(7, SAME_PENDING);
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    for (size_t i = 0; i < 8; i++)
        assert_in_range(came_at(i), at[i] * 1000, at[i] * 1100);
    done();
}

static void polls_are_jittered(void **state)
{
    (void)state;
    bool differs = false;
    gets_are(20, SAME_PENDING);
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(30)), EMQX_TLS_OK);
    for (size_t i = 6; i + 1 < emqx_tls_test_transport_count(w.f->script); i++) {
        int64_t gap = came_at(i + 1) - came_at(i);
        assert_in_range(gap, 60000, 66000);
        differs = differs || gap != came_at(6) - came_at(5);
    }
    assert_true(differs);
}

static void at_the_deadline_the_last_status_is_told(void **state)
{
    (void)state;
    gets_are(4, SAME_PENDING); /* at once, after 5 and 10 s, and a last look */
    assert_int_equal(wait_for(20000), EMQX_TLS_E_TIMEOUT);
    assert_int_equal(now(w.f), 1020000);
    assert_int_equal(came_at(3), 18000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    assert_string_equal(w.f->status.expire_text, END_TEXT);
    assert_non_null(strstr(w.f->error.message, "pending"));
    get_is(SAME_PENDING);
    assert_int_equal(wait_for(0), EMQX_TLS_E_TIMEOUT);
    done();
}

static void what_runs_at_the_last_look_is_seen(void **state)
{
    (void)state;
    gets_are(5, SAME_PENDING); /* the last after 40 s */
    get_is(SAME_RUNNING);      /* since 45 s */
    assert_int_equal(wait_for(100000), EMQX_TLS_OK);
    assert_int_equal(came_at(5), 98000);
    done();
}

static void failed_ends_it_at_once(void **state)
{
    (void)state;
    get_is(SAME_PENDING);
    get_is(TLS("failed", END_TEXT));
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_E_FAILED);
    done();
}

/* Reads may lag behind the write that is waited for. */
static void absent_ends_it_once_it_has_lasted_45_s(void **state)
{
    (void)state;
    gets_are(6, "{}"); /* at once, after 5, 10, 20, 40 and 45 s */
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(now(w.f), 1045000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_ABSENT);
    get_says(404);
    assert_int_equal(wait_for(0), EMQX_TLS_E_NOT_FOUND);
    get_says(404);
    get_is("{}");
    get_is(SAME_PENDING); /* and then it counts anew */
    expect_many(w.f, 2, "GET", 404, "");
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    gets_are(4, "{}");
    assert_int_equal(wait_for(20000), EMQX_TLS_E_TIMEOUT);
    assert_non_null(strstr(w.f->error.message, "without a certificate"));
    done();
}

static void other_states_are_waited_out(void **state)
{
    (void)state;
    get_is(TLS("deploying", END_TEXT));
    get_is(TLS("terminated", END_TEXT));
    get_is("{\"tlsType\":\"one-way\"}");
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    done();
}

static void the_expected_one_is_waited_for(void **state)
{
    (void)state;
    gets_are(2, OLD_RUNNING);
    get_is(OLD_PENDING);
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for_it(MINUTES(10)), EMQX_TLS_OK);
    get_is(OLD_RUNNING);
    assert_int_equal(wait_for_it(0), EMQX_TLS_E_TIMEOUT);
    assert_non_null(strstr(w.f->error.message, "another certificate"));
    get_is(TLS("running", "2031-03-22 10:40:00"));
    assert_int_equal(wait_for_it(0), EMQX_TLS_E_TIMEOUT);
    assert_non_null(strstr(w.f->error.message, "zone"));
    w.f->request.cert = CERT_PEM;
    w.f->request.cert_len = strlen(CERT_PEM);
    assert_int_equal(wait_for_it(0), EMQX_TLS_E_INVALID);
    done();
}

static void a_read_that_fails_is_made_good_by_the_next_poll(void **state)
{
    (void)state;
    get_is(SAME_PENDING);
    answers(3, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
    get_says(503); /* with its two repeats */
    get_says(503);
    get_says(503);
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    answers(3, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE); /* the first one too */
    get_is(SAME_RUNNING);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    answers(3, "GET", EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(wait_for(0), EMQX_TLS_E_TRANSPORT);
    get_says(401);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_E_UNAUTHORIZED);
    done();
}

static void a_server_in_a_hurry_is_asked_again_by_the_next_poll(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (int repeat = 0; repeat < 3; repeat++)
            get_says(i == 0 ? 408 : 425);
        get_is(SAME_RUNNING);
        assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_OK);
    }
    get_says(418);
    assert_int_equal(wait_for(MINUTES(10)), EMQX_TLS_E_HTTP);
    done();
}

static void polls_are_stretched_so_that_the_quota_reaches_to_the_end(void **state)
{
    (void)state;
    gets_are(50, SAME_PENDING);
    for (int i = 0; i < 50; i++)
        assert_int_equal(get(w.f), EMQX_TLS_OK);
    int64_t began = now(w.f) - 1000000;
    gets_are(10, SAME_PENDING);
    /* All that is left is used, evenly; when it is used up no read fits in any more, and it says
     * so, with what it knows. */
    assert_int_equal(wait_for(MINUTES(30)), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(emqx_tls_test_transport_count(w.f->script), 60);
    assert_in_range(came_at(51) - came_at(50), MINUTES(30) / 10, MINUTES(30) / 9);
    assert_in_range(came_at(59) - began, MINUTES(24), MINUTES(30));
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
}

static void a_transport_that_blocks_does_not_outlast_it(void **state)
{
    (void)state;
    emqx_tls_client_free(w.f->client);
    w.f->config.transport = emqx_tls_test_transport_blocking(w.f->script);
    open_client(w.f);
    w.options.wait_ms = 20000;
    for (int i = 0; i < 2; i++) {
        emqx_tls_test_step step = {.method = "GET", .times = 2, .flags = EMQX_TLS_TEST_NEVER};
        int64_t begin = now(w.f);
        expect(w.f, &step);
        assert_int_equal(i == 0 ? wait_for(20000) : ensure(), EMQX_TLS_E_TIMEOUT);
        assert_in_range(now(w.f) - begin, 19000, 20000);
    }
    done();
}

static void without_quota_it_ends_at_once(void **state)
{
    (void)state;
    gets_are(60, SAME_PENDING);
    for (int i = 0; i < 60; i++)
        assert_int_equal(get(w.f), EMQX_TLS_OK);
    int64_t began = now(w.f);
    assert_int_equal(wait_for(MINUTES(30)), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(now(w.f), began);
    get_is(SAME_RUNNING); /* with time enough it waits for quota first */
    assert_int_equal(wait_for(MINUTES(90)), EMQX_TLS_OK);
    assert_true(now(w.f) - began >= 3600000);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(running_is_seen_at_once),
        TEST(it_polls_after_5_10_20_40_and_then_every_60_s),
        TEST(polls_are_jittered),
        TEST(at_the_deadline_the_last_status_is_told),
        TEST(what_runs_at_the_last_look_is_seen),
        TEST(failed_ends_it_at_once),
        TEST(absent_ends_it_once_it_has_lasted_45_s),
        TEST(other_states_are_waited_out),
        TEST(the_expected_one_is_waited_for),
        TEST(a_read_that_fails_is_made_good_by_the_next_poll),
        TEST(a_server_in_a_hurry_is_asked_again_by_the_next_poll),
        TEST(polls_are_stretched_so_that_the_quota_reaches_to_the_end),
        TEST(a_transport_that_blocks_does_not_outlast_it),
        TEST(without_quota_it_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
