/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a crash at any step of an ensure leaves to the next one.
 */
#include "support/receipt_world.h"

#include <fcntl.h>

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

static void after_a_crash_a_write_that_shows_is_done(void **state)
{
    (void)state;
    write_over_old_and_crash();
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
    /* so that the old one again is not that write's own delay */
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(30));
    write_over_old_and_crash();
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void after_a_crash_nothing_is_written_while_the_old_write_may_arrive(void **state)
{
    (void)state;
    write_over_old_and_crash();
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0); /* it would have to wait */
    assert_non_null(strstr(w.f->error.message, "may still arrive"));
    w.options.wait_ms = MINUTES(10);
    size_t first = emqx_tls_test_transport_count(w.f->script);
    /* at once, 5, 10, 20, 40, 90 s: its 30 s, and 60 s for it to arrive */
    gets_are(6, OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 7, 1);
    assert_true(came_at(first + 6) >= 90000);
    assert_true(came_at(first + 5) >= 90000);
}

static void after_a_crash_what_is_pending_is_waited_for(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(10));
    /* the write, or something else, is on its way: it does not tell which end it will have */
    get_is(OLD_PENDING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    w.options.wait_ms = MINUTES(10);
    gets_are(3, OLD_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 4, 0);
    certainly(1);
}

/* Times in a receipt are whole seconds. */
static void nor_a_part_of_a_second_too_early(void **state)
{
    (void)state;
    emqx_tls_test_clock_advance(w.f->clock, 900);
    size_t first = emqx_tls_test_transport_count(w.f->script) + 1;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, 100);
    w.options.wait_ms = MINUTES(10);
    gets_are(6, OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 7, 1);
    assert_true(came_at(first + 7) - came_at(first) >= 90000);
}

static void over_one_that_had_ended_what_is_pending_is_that_write(void **state)
{
    (void)state;
    get_is(BARE("running"));
    write_is("PUT", 200, BARE("pending"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    get_is(BARE("pending")); /* it tells nothing but its state */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
    get_is(BARE("running"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
}

static void failed_that_runs_after_a_crash_is_that_write(void **state)
{
    (void)state;
    get_is(TLS("failed", END_TEXT));
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void later_it_is_written_at_once(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_clock_that_went_back_does_not_shorten_that_nor_hold_it_up_for_good(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_set_wall(w.f->clock, 0); /* 1970 */
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_write_of_one_that_looks_alike_is_made_again_after_a_crash(void **state)
{
    (void)state;
    w.options.flags = EMQX_TLS_FORCE;
    get_is(SAME_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    w.options.flags = 0;
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(SAME_RUNNING); /* which of the two? */
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    get_is(SAME_PENDING); /* it was running, so this is the write */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void failed_after_a_crash_gets_one_write(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(TLS("failed", END_TEXT));
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_call_cancelled_on_its_way_is_as_a_crash(void **state)
{
    (void)state;
    emqx_tls_test_step hangs = {
        .method = "PUT", .flags = EMQX_TLS_TEST_NEVER, .check = intent_is_written};
    w.options.wait_ms = 10000;
    get_is(OLD_RUNNING);
    expect(w.f, &hangs);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_INTENT);
    w.options.wait_ms = 0;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
}

static int warnings;

static void count_warnings(void *user, int32_t level, const char *line)
{
    (void)user;
    warnings += level == EMQX_TLS_LOG_WARNING && strstr(line, "damaged") != NULL;
}

static void a_damaged_receipt_counts_as_none_and_is_logged(void **state)
{
    (void)state;
    char path[256];
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    path_of(".json", path);
    assert_int_equal(truncate(path, 50), 0);
    emqx_tls_client_free(w.f->client);
    w.f->config.log = count_warnings;
    open_client(w.f);
    warnings = 0;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(0);
    assert_int_equal(warnings, 1);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    certainly(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_a_crash_a_write_that_shows_is_done),
        TEST(after_a_crash_nothing_is_written_while_the_old_write_may_arrive),
        TEST(after_a_crash_what_is_pending_is_waited_for),
        TEST(nor_a_part_of_a_second_too_early),
        TEST(over_one_that_had_ended_what_is_pending_is_that_write),
        TEST(failed_that_runs_after_a_crash_is_that_write),
        TEST(later_it_is_written_at_once),
        TEST(a_clock_that_went_back_does_not_shorten_that_nor_hold_it_up_for_good),
        TEST(a_write_of_one_that_looks_alike_is_made_again_after_a_crash),
        TEST(failed_after_a_crash_gets_one_write),
        TEST(a_call_cancelled_on_its_way_is_as_a_crash),
        TEST(a_damaged_receipt_counts_as_none_and_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
