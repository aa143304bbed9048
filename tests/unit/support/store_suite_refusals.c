/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A 429 although there was room.
 */
#include "store_suite_private.h"

#define WRITE EMQX_TLS_OP_UPDATE

/* A block of `ms`: as long or up to 10 % longer. */
#define assert_block(told, ms) assert_ms(told, ms, (ms) + (ms) / 10)

static int64_t step(const rig *b)
{
    return (b->window + WRITES - 1) / WRITES;
}

static void refuse_one(rig *b, int64_t retry_after_ms)
{
    emqx_tls_grant grant = rig_take(b, WRITE);
    rig_refuse(b, &grant, retry_after_ms);
}

/* Waits until the store lets one more go. */
static void pass_until_free(rig *b)
{
    int64_t ms = rig_query(b, WRITE).next_ms;
    rig_needs(b, ms);
    rig_pass(b, ms);
}

static void a_429_shuts_its_class_for_as_long_as_it_names(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    refuse_one(&b, 500);
    emqx_tls_quota quota = rig_query(&b, WRITE);
    assert_int_equal(quota.reason, EMQX_TLS_QUOTA_SHUT);
    assert_int_equal(quota.used, 1);
    assert_int_equal(quota.remaining, 0);
    assert_block(quota.next_ms, 500);
    assert_int_equal(rig_ask(&b, WRITE, "d2", 0).reason, EMQX_TLS_QUOTA_SHUT);
    assert_true(rig_free(&b, EMQX_TLS_OP_GET));
    pass_until_free(&b);
    assert_true(rig_free(&b, WRITE));
    rig_close(&b);
}

static void a_429_keeps_its_slot_for_a_window(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    refuse_one(&b, 500);
    rig_needs(&b, b.held);
    rig_pass(&b, b.held - b.subject->slack_ms - 1);
    assert_int_equal(rig_query(&b, WRITE).used, 1);
    rig_pass(&b, b.subject->slack_ms + 1);
    assert_int_equal(rig_query(&b, WRITE).used, 0);
    rig_close(&b);
}

static void a_429_that_names_no_time_shuts_for_a_slots_share_of_the_window(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    refuse_one(&b, -1);
    assert_block(rig_query(&b, WRITE).next_ms, step(&b));
    rig_close(&b);
}

static void a_time_that_can_not_be_counts_as_one_window(void **state)
{
    static const int64_t impossible[] = {-2, INT64_MIN, INT64_MAX};
    rig b;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        rig_open(&b, state, 0);
        refuse_one(&b, impossible[i]);
        assert_block(rig_query(&b, WRITE).next_ms, b.window);
        rig_close(&b);
    }
    for (int64_t longer = b.window + 1; longer <= 10 * b.window; longer += 9 * b.window - 1) {
        rig_open(&b, state, 0);
        refuse_one(&b, longer);
        assert_block(rig_query(&b, WRITE).next_ms, b.window);
        rig_close(&b);
    }
}

static void blocks_differ_so_that_not_all_come_back_at_once(void **state)
{
    rig b;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 20; i++) {
        rig_open(&b, state, 0);
        refuse_one(&b, b.window);
        int64_t ms = rig_query(&b, WRITE).next_ms;
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
        rig_close(&b);
    }
    assert_true(most - least > b.window / 100 + b.subject->slack_ms);
}

static void used_up_for_longer_than_shut_is_told_as_used_up(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 1; i < WRITES; i++)
        rig_use(&b, WRITE);
    refuse_one(&b, 100);
    emqx_tls_quota quota = rig_query(&b, WRITE);
    assert_int_equal(quota.reason, 0);
    assert_ms(quota.next_ms, b.held, b.held);
    rig_close(&b);
}

/* Two in flight are refused together: the second tells nothing new. */
static void a_429_to_what_left_before_the_last_one_was_seen_blocks_no_longer(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant first = rig_take(&b, WRITE), second = rig_take(&b, WRITE);
    rig_refuse(&b, &first, 400);
    rig_refuse(&b, &second, -1);
    assert_block(rig_query(&b, WRITE).next_ms, 400);
    pass_until_free(&b);
    refuse_one(&b, -1);
    /* the second 429 that counts, not the third */
    assert_block(rig_query(&b, WRITE).next_ms, 2 * step(&b));
    rig_close(&b);
}

static void a_late_429_lowers_the_share(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.held);
    rig_use(&b, WRITE);
    rig_pass(&b, b.held - LEASE / 2);
    emqx_tls_grant first = rig_take(&b, WRITE), second = rig_take(&b, WRITE);
    rig_refuse(&b, &first, 100); /* one passed request is held: a share of 1 */
    rig_pass(&b, LEASE / 2);     /* and is released */
    rig_refuse(&b, &second, -1); /* a share of 0: what goes next is a probe */
    rig_take(&b, WRITE);
    assert_int_equal(rig_ask(&b, WRITE, "d1", 0).reason, EMQX_TLS_QUOTA_SHUT);
    rig_close(&b);
}

static void above_the_share_goes_one_probe_at_a_time(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_use(&b, WRITE);
    refuse_one(&b, 100);
    pass_until_free(&b);
    emqx_tls_grant probe = rig_take(&b, WRITE);
    assert_int_equal(rig_ask(&b, WRITE, "d1", 0).reason, EMQX_TLS_QUOTA_SHUT);
    assert_int_equal(rig_query(&b, WRITE).remaining, 0);
    rig_settle(&b, &probe, EMQX_TLS_OUTCOME_ANSWERED); /* a success raises the share */
    assert_int_equal(rig_query(&b, WRITE).remaining, 1);
    rig_take(&b, WRITE);
    rig_close(&b);
}

static void a_probe_that_was_not_sent_makes_room_for_the_next(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    refuse_one(&b, 100);
    pass_until_free(&b);
    emqx_tls_grant probe = rig_take(&b, WRITE);
    rig_settle(&b, &probe, EMQX_TLS_OUTCOME_NOT_SENT);
    probe = rig_take(&b, WRITE);
    rig_settle(&b, &probe, EMQX_TLS_OUTCOME_LOST);
    rig_take(&b, WRITE);
    rig_close(&b);
}

static void a_probe_whose_holder_died_ended_60_s_after_its_lease(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    refuse_one(&b, 100);
    pass_until_free(&b);
    rig_take(&b, WRITE);
    rig_needs(&b, LEASE + STRAY);
    rig_pass(&b, LEASE + STRAY - 1);
    assert_false(rig_free(&b, WRITE));
    rig_pass(&b, 1);
    assert_true(rig_free(&b, WRITE));
    rig_close(&b);
}

/* Three passed requests were held when the 429 came; two of them are released: two may go, at
 * once. */
static void below_the_share_requests_go_freely(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.held);
    rig_use(&b, WRITE);
    rig_use(&b, WRITE);
    rig_pass(&b, b.held / 2);
    rig_use(&b, WRITE);
    refuse_one(&b, 100);
    pass_until_free(&b);
    assert_int_equal(rig_query(&b, WRITE).remaining, 2);
    rig_take(&b, WRITE);
    rig_take(&b, WRITE);
    rig_close(&b);
}

/* Two probes that pass: a share of 2, which is there again once they are released. */
static void each_probe_that_passes_raises_the_share(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.held);
    refuse_one(&b, 100);
    pass_until_free(&b);
    assert_int_equal(rig_query(&b, WRITE).remaining, 1);
    rig_use(&b, WRITE);
    rig_use(&b, WRITE);
    rig_pass(&b, b.held);
    assert_int_equal(rig_query(&b, WRITE).remaining, 2);
    rig_take(&b, WRITE);
    rig_take(&b, WRITE);
    rig_close(&b);
}

static void probes_that_end_in_429_come_ever_more_rarely_down_to_one_a_window(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.window);
    int64_t expected = step(&b);
    for (int i = 0; i < 5; i++) {
        refuse_one(&b, -1);
        assert_block(rig_query(&b, WRITE).next_ms, expected);
        pass_until_free(&b);
        expected = expected * 2 < b.window ? expected * 2 : b.window;
    }
    assert_int_equal(expected, b.window);
    rig_close(&b);
}

static void a_quiet_window_forgets_how_often_it_was_refused(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.window);
    refuse_one(&b, -1);
    pass_until_free(&b);
    refuse_one(&b, -1);
    rig_pass(&b, b.window + b.window / 10 + 1);
    refuse_one(&b, -1);
    assert_block(rig_query(&b, WRITE).next_ms, step(&b));
    rig_close(&b);
}

static void it_is_forgotten_too_while_others_pass(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, b.window);
    refuse_one(&b, -1);
    pass_until_free(&b);
    refuse_one(&b, -1);
    rig_pass(&b, b.window);
    rig_use(&b, WRITE);
    rig_pass(&b, b.window / 10 + 1);
    refuse_one(&b, -1);
    assert_block(rig_query(&b, WRITE).next_ms, step(&b));
    rig_close(&b);
}

static void a_429_shuts_the_scope_that_the_flags_define(void **state)
{
    rig b;
    rig_open(&b, state, EMQX_TLS_PER_DEPLOYMENT);
    refuse_one(&b, 500);
    assert_false(rig_free(&b, WRITE));
    assert_true(rig_ask(&b, WRITE, "d2", 0).granted);
    rig_close(&b);
    rig_open(&b, state, EMQX_TLS_PER_METHOD);
    refuse_one(&b, 500);
    assert_false(rig_free(&b, WRITE));
    assert_true(rig_free(&b, EMQX_TLS_OP_DELETE));
    rig_close(&b);
}

const struct CMUnitTest store_suite_refusals[] = {
    cmocka_unit_test(a_429_shuts_its_class_for_as_long_as_it_names),
    cmocka_unit_test(a_429_keeps_its_slot_for_a_window),
    cmocka_unit_test(a_429_that_names_no_time_shuts_for_a_slots_share_of_the_window),
    cmocka_unit_test(a_time_that_can_not_be_counts_as_one_window),
    cmocka_unit_test(blocks_differ_so_that_not_all_come_back_at_once),
    cmocka_unit_test(used_up_for_longer_than_shut_is_told_as_used_up),
    cmocka_unit_test(each_probe_that_passes_raises_the_share),
    cmocka_unit_test(it_is_forgotten_too_while_others_pass),
    cmocka_unit_test(a_429_to_what_left_before_the_last_one_was_seen_blocks_no_longer),
    cmocka_unit_test(a_late_429_lowers_the_share),
    cmocka_unit_test(above_the_share_goes_one_probe_at_a_time),
    cmocka_unit_test(a_probe_that_was_not_sent_makes_room_for_the_next),
    cmocka_unit_test(a_probe_whose_holder_died_ended_60_s_after_its_lease),
    cmocka_unit_test(below_the_share_requests_go_freely),
    cmocka_unit_test(probes_that_end_in_429_come_ever_more_rarely_down_to_one_a_window),
    cmocka_unit_test(a_quiet_window_forgets_how_often_it_was_refused),
    cmocka_unit_test(a_429_shuts_the_scope_that_the_flags_define),
};
const size_t store_suite_refusals_count =
    sizeof store_suite_refusals / sizeof store_suite_refusals[0];
