/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * remove: at most one DELETE, and none where nothing is there.
 */
#include "support/provision_world.h"

static emqx_tls_code remove_it(uint32_t wait_ms)
{
    return emqx_tls_remove(w.f->client, "d1", wait_ms, &w.f->error);
}

static void done(void)
{
    const char *problem = emqx_tls_test_transport_problem(w.f->script);
    if (problem)
        fail_msg("%s", problem);
}

static void interrupt(void *unused)
{
    (void)unused;
    emqx_tls_client_interrupt(w.f->client);
}

static void nothing_there_is_nothing_written(void **state)
{
    (void)state;
    get_is("{}");
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_OK);
    get_says(404);
    assert_int_equal(remove_it(0), EMQX_TLS_OK);
    gets_are(2, TLS("terminated", END_TEXT)); /* being deleted already */
    get_is("{}");
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_OK);
    done();
}

static void what_is_there_is_deleted_and_waited_out(void **state)
{
    (void)state;
    static const char *const there[] = {SAME_RUNNING, SAME_PENDING, TLS("failed", END_TEXT),
                                        TLS("deploying", END_TEXT), "{\"tlsType\":\"one-way\"}"};
    for (size_t i = 0; i < 5; i++) {
        get_is(there[i]);
        expect_answer(w.f, "DELETE", 204, "");
        get_is(there[i]); /* not yet */
        get_is(TLS("terminated", END_TEXT));
        get_says(404);
        assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_OK);
    }
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 204, "");
    assert_int_equal(remove_it(0), EMQX_TLS_OK); /* does not wait */
    done();
}

static void not_gone_in_time_is_a_timeout(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 204, "");
    gets_are(3, TLS("terminated", END_TEXT));
    assert_int_equal(remove_it(15000), EMQX_TLS_E_TIMEOUT);
    assert_int_equal(now(w.f), 1015000);
    done();
}

static void a_delete_answered_with_404_is_checked(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 404, "");
    get_is("{}");
    assert_int_equal(remove_it(0), EMQX_TLS_OK);
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 404, "");
    get_is(SAME_RUNNING);
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_E_NOT_FOUND);
    done();
}

static void a_lost_delete_is_looked_for_and_not_repeated(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    write_lost("DELETE");
    get_is(SAME_RUNNING);
    get_is(TLS("terminated", END_TEXT));
    get_is("{}");
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_OK);
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 502, "");
    gets_are(4, SAME_RUNNING);
    assert_int_equal(remove_it(30000), EMQX_TLS_E_TIMEOUT);
    assert_non_null(strstr(w.f->error.message, "call again"));
    /* the DELETE's, though a read was answered since */
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(SAME_RUNNING);
    write_lost("DELETE");
    assert_int_equal(remove_it(0), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    done();
}

/* Whatever ends it then: the DELETE may have been carried out. */
static void a_lost_delete_is_told_with_every_end(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    write_lost("DELETE");
    get_says(401);
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_E_UNAUTHORIZED);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 502, "");
    assert_int_equal(remove_it(0), EMQX_TLS_E_HTTP);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    get_is(SAME_RUNNING);
    write_lost("DELETE");
    emqx_tls_test_step slow = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER};
    expect(w.f, &slow);
    emqx_tls_test_clock_at(w.f->clock, now(w.f) + 7000, interrupt, NULL);
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_E_CANCELLED);
    assert_int_equal(w.f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    done();
}

static void a_delete_that_never_left_is_tried_again(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    emqx_tls_test_step unsent = {.method = "DELETE",
                                 .times = 3,
                                 .code = EMQX_TLS_E_TRANSPORT,
                                 .delivery = EMQX_TLS_DELIVERY_NOT_SENT};
    expect(w.f, &unsent);
    get_is(SAME_RUNNING);
    expect_answer(w.f, "DELETE", 204, "");
    get_is("{}");
    assert_int_equal(remove_it(MINUTES(10)), EMQX_TLS_OK);
    done();
}

static void a_refused_delete_ends_it(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        emqx_tls_code code;
    } cases[] = {{401, EMQX_TLS_E_UNAUTHORIZED},
                 {403, EMQX_TLS_E_FORBIDDEN},
                 {422, EMQX_TLS_E_UNPROCESSABLE},
                 {429, EMQX_TLS_E_RATE_LIMITED}};
    for (size_t i = 0; i < 4; i++) {
        get_is(SAME_RUNNING);
        expect_answer(w.f, "DELETE", cases[i].status, "");
        assert_int_equal(remove_it(MINUTES(10)), cases[i].code);
    }
    get_is(SAME_RUNNING);
    /* no quota for the DELETE: nothing is sent */
    assert_int_equal(remove_it(0), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(w.f->error.http_status, 0);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_there_is_nothing_written),
        TEST(what_is_there_is_deleted_and_waited_out),
        TEST(not_gone_in_time_is_a_timeout),
        TEST(a_delete_answered_with_404_is_checked),
        TEST(a_lost_delete_is_looked_for_and_not_repeated),
        TEST(a_lost_delete_is_told_with_every_end),
        TEST(a_delete_that_never_left_is_tried_again),
        TEST(a_refused_delete_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
