/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What 429s teach, by time and random numbers that the test hands in: 6 slots an hour, so that a
 * slot's share of the window is 10 minutes.
 */
#include "support/log_rig.h"

#define SLOTS    6
#define MINUTE   INT64_C(60000)
#define HOUR     (60 * MINUTE)
#define STEP     (HOUR / SLOTS)
#define LEASE    LEASE_MS
#define STRAY    MINUTE
#define NO_TIME  (-1) /* the 429 names none */
#define NOT_SANE (-2) /* it names one that can't be */

static int set_up(void **state)
{
    (void)state;
    log_set_up(SLOTS, 5 * HOUR);
    return 0;
}

/* Until a slot can be had at the latest; 0: now. Takes none. */
static int64_t wait_ms(void)
{
    emqx_tls_quota quota = {.ahead = 0};
    emqxi_log_query(view(), &quota);
    return quota.next_ms;
}

static void refuse(emqxi_flight flight, int64_t retry_after_ms, uint64_t random)
{
    emqxi_log_settle(view(), &flight, EMQX_TLS_OUTCOME_REFUSED, retry_after_ms, random);
}

/* So many requests that the platform lets pass. */
static void pass(int n)
{
    while (n-- > 0)
        end(take(), EMQX_TLS_OUTCOME_ANSWERED);
}

/* -- the block --------------------------------------------------------------------------------- */

static void a_429_shuts_for_the_time_that_it_names(void **state)
{
    (void)state;
    static const struct {
        int64_t named, shut;
    } cases[] = {
        {0, 0},           {1000, 1000},      {HOUR, HOUR},     {NO_TIME, STEP},
        {HOUR + 1, HOUR}, {INT64_MAX, HOUR}, {NOT_SANE, HOUR}, {INT64_MIN, HOUR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_up(state);
        refuse(take(), cases[i].named, 0);
        assert_int_equal(wait_ms(), cases[i].shut);
        set_up(state);
        refuse(take(), cases[i].named, UINT64_MAX);
        assert_in_range(wait_ms(), cases[i].shut + cases[i].shut / 10 - (cases[i].shut > 0),
                        cases[i].shut + cases[i].shut / 10);
    }
}

static void a_block_is_never_shortened(void **state)
{
    (void)state;
    emqxi_flight first = take();
    time_ms += 1;
    refuse(first, 30 * MINUTE, 0);
    /* one that left later, with less to wait */
    emqxi_throttle_refused(view(), time_ms + 1, 1000, 0);
    assert_int_equal(kept.throttle.shut_ms - time_ms, 30 * MINUTE);
    assert_int_equal(kept.throttle.probe_ms - time_ms, 30 * MINUTE);
    emqxi_throttle_refused(view(), time_ms + 1, 50 * MINUTE, 0);
    assert_int_equal(kept.throttle.shut_ms - time_ms, 50 * MINUTE);
}

static void a_429_to_what_left_before_the_last_was_seen_shuts_no_longer(void **state)
{
    (void)state;
    pass(2);
    emqxi_flight first = take();
    time_ms += 1000;
    emqxi_flight second = take(); /* in the millisecond in which the first is refused */
    refuse(first, 10 * MINUTE, 0);
    assert_int_equal(kept.throttle.share, 2);
    time_ms += 1000;
    refuse(second, 50 * MINUTE, 0);
    assert_int_equal(wait_ms(), 10 * MINUTE - 1000);
    assert_int_equal(kept.throttle.k, 1);
}

/* -- the share --------------------------------------------------------------------------------- */

static void what_had_passed_may_go_again_at_once(void **state)
{
    (void)state;
    pass(3);
    refuse(take(), 1000, 0);
    assert_int_equal(kept.throttle.share, 3);
    time_ms += limits.held_ms; /* the three, and the one that was refused, are free again */
    emqxi_flight flights[3] = {take(), take(), take()}; /* none waits for another */
    assert_int_equal(kept.throttle.probe_id, 0);
    for (int i = 0; i < 3; i++)
        end(flights[i], EMQX_TLS_OUTCOME_ANSWERED);
}

static void those_ahead_count_against_the_share_and_wait_for_the_block_too(void **state)
{
    (void)state;
    emqxi_flight flight;
    pass(3);
    time_ms += 50 * MINUTE;
    refuse(take(), 30 * MINUTE, 0);
    time_ms += 15 * MINUTE; /* the three are free again, and the block is not over */
    emqx_tls_grant grant = ask_behind(0, &flight);
    assert_false(grant.granted);
    assert_int_equal(grant.early_ms, 15 * MINUTE);
    assert_int_equal(grant.late_ms, 15 * MINUTE);
    time_ms += 15 * MINUTE;
    assert_false(ask_behind(3, &flight).granted); /* above the share: by a probe, one step later */
    assert_true(ask_behind(2, &flight).granted);
}

static void what_429s_have_taught_moves_with_another_clock(void **state)
{
    (void)state;
    refuse(take(), 10 * MINUTE, 0);
    int64_t delta = -time_ms;
    time_ms = 0; /* a boot */
    emqxi_log_rebase(view(), delta, LEASE);
    assert_int_equal(kept.throttle.refused_ms, 0);
    assert_int_equal(kept.throttle.shut_ms, 10 * MINUTE);
    assert_int_equal(kept.throttle.probe_ms, 10 * MINUTE);
    emqxi_log_rebase(view(), 99 * HOUR, LEASE); /* nothing is later than it can be */
    assert_int_equal(kept.throttle.refused_ms, 0);
    assert_in_range(kept.throttle.shut_ms, HOUR, HOUR + 5 * MINUTE);
    assert_in_range(kept.throttle.probe_ms, HOUR, HOUR + 5 * MINUTE);
}

static void more_than_that_goes_as_one_probe_at_a_time(void **state)
{
    (void)state;
    refuse(take(), 1000, 0);
    time_ms += 1000;
    emqxi_flight probe = take();
    assert_int_equal(kept.throttle.probe_id, probe.id);
    assert_int_equal(wait_ms(), LEASE + STRAY); /* it is over by then, whatever becomes of it */
    emqxi_flight none;
    assert_int_equal(ask_behind(0, &none).reason, EMQX_TLS_QUOTA_SHUT);
    end(probe, EMQX_TLS_OUTCOME_ANSWERED);
    assert_int_equal(wait_ms(), 0);
    take();
}

static void a_probe_that_never_left_or_was_lost_makes_room_for_the_next(void **state)
{
    (void)state;
    static const uint32_t outcomes[] = {EMQX_TLS_OUTCOME_NOT_SENT, EMQX_TLS_OUTCOME_LOST};
    for (int i = 0; i < 2; i++) {
        set_up(state);
        refuse(take(), 1000, 0);
        time_ms += 1000;
        end(take(), outcomes[i]);
        take();
    }
    set_up(state);
    refuse(take(), 1000, 0);
    time_ms += 1000;
    take(); /* and nobody says what became of it */
    time_ms += LEASE + STRAY;
    take();
}

static void a_success_above_the_share_raises_it(void **state)
{
    (void)state;
    pass(1);
    refuse(take(), 1000, 0);
    time_ms += 1000;
    assert_int_equal(kept.throttle.share, 1);
    pass(2);
    assert_int_equal(kept.throttle.share, 3);
}

static void a_429_lowers_the_share_to_what_passed(void **state)
{
    (void)state;
    pass(4);
    refuse(take(), 1000, 0);
    assert_int_equal(kept.throttle.share, 4);
    time_ms += limits.held_ms;
    pass(1);
    refuse(take(), 1000, 0); /* below its share, and refused all the same */
    assert_int_equal(kept.throttle.share, 1);
}

/* The probe is too early, or a slot of the share is free again: whichever comes first. */
static void it_waits_for_a_slot_of_its_share_no_longer_than_for_a_probe(void **state)
{
    (void)state;
    pass(1);
    time_ms += limits.held_ms - 20 * MINUTE;
    refuse(take(), 1000, 0);
    time_ms += 1000;
    refuse(take(), 1000, 0); /* the next probe: 20 minutes later; the slot is free before */
    assert_int_equal(wait_ms(), 20 * MINUTE - 1000);
    time_ms += wait_ms();
    take();
    assert_int_equal(kept.throttle.probe_id, 0);
}

/* -- the distance of probes -------------------------------------------------------------------- */

static void probes_that_end_in_a_429_come_ever_more_rarely(void **state)
{
    (void)state;
    static const int64_t distances[] = {1000, 2 * STEP, 4 * STEP, HOUR, HOUR, HOUR, HOUR};
    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        refuse(take(), 1000, 0);
        assert_int_equal(wait_ms(), distances[i]);
        time_ms += distances[i];
    }
}

static void a_probe_waits_for_the_block_too(void **state)
{
    (void)state;
    refuse(take(), 1000, 0);
    time_ms += 1000;
    refuse(take(), 50 * MINUTE, 0); /* longer than 2 * STEP */
    assert_int_equal(wait_ms(), 50 * MINUTE);
}

/* By when the request left, not by when its answer came. */
static void k_is_forgotten_after_a_window_and_a_tenth(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        set_up(state);
        refuse(take(), 1000, 0);
        time_ms += 1000;
        refuse(take(), 1000, 0);
        assert_int_equal(kept.throttle.k, 2);
        time_ms += HOUR + HOUR / 10 + late;
        emqxi_flight flight = take();
        time_ms += LEASE;
        refuse(flight, 1000, 0);
        assert_int_equal(kept.throttle.k, late ? 1 : 3);
    }
}

static void when_all_is_free_again_nothing_is_remembered(void **state)
{
    (void)state;
    static const emqxi_throttle nothing;
    pass(2);
    refuse(take(), 1000, 0);
    time_ms += limits.held_ms;
    assert_false(emqxi_log_idle(view()));
    time_ms += HOUR / 10;
    emqxi_log_advance(view());
    assert_true(emqxi_log_idle(view()));
    assert_memory_equal(&kept.throttle, &nothing, sizeof nothing);
}

/* -- a million steps --------------------------------------------------------------------------- */

static uint64_t seed = 42;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int64_t below(int64_t n)
{
    return (int64_t)(random64() % (uint64_t)n);
}

/* Waits as told, with nobody else about: a slot is there then. */
static void assert_told_right(int64_t late_ms)
{
    emqxi_log log_now = kept;
    emqxi_slot slots_now[sizeof slots / sizeof slots[0]];
    int64_t was = time_ms;
    memcpy(slots_now, slots, sizeof slots);
    time_ms += late_ms;
    take();
    time_ms = was;
    kept = log_now;
    memcpy(slots, slots_now, sizeof slots);
}

static void ask_for_one(emqxi_flight *flights, int *count)
{
    const emqxi_throttle before = kept.throttle;
    uint32_t held = kept.count - kept.refused;
    emqx_tls_grant grant = ask_behind(0, &flights[*count]);
    assert_true(grant.early_ms >= 0 && grant.early_ms <= grant.late_ms);
    if (!grant.granted) {
        assert_told_right(grant.late_ms);
        return;
    }
    ++*count;
    if (!kept.throttle.refused)
        return;
    assert_true(time_ms >= before.shut_ms);
    if (held >= before.share) { /* a probe: in its time, and alone */
        assert_true(time_ms >= before.probe_ms);
        assert_true(before.probe_id == 0 || time_ms >= before.probe_end_ms);
        assert_int_equal(kept.throttle.probe_id, kept.last_id);
    }
}

static void end_one(emqxi_flight *flights, int *count)
{
    static const int64_t named[] = {NO_TIME, NOT_SANE, 0, 1000, HOUR, INT64_MAX, INT64_MIN};
    int i = (int)below(*count);
    int64_t shut = kept.throttle.refused ? kept.throttle.shut_ms : time_ms;
    uint32_t outcome = (uint32_t)below(4);
    emqxi_log_settle(view(), &flights[i], outcome, named[below(7)], random64());
    flights[i] = flights[--*count];
    if (kept.throttle.refused) {
        assert_true(kept.throttle.shut_ms >= shut);
        assert_true(kept.throttle.shut_ms <= time_ms + limits.window_ms + limits.window_ms / 10);
        assert_true(kept.throttle.probe_ms <= time_ms + limits.window_ms + limits.window_ms / 10);
    }
}

static void a_million_steps_keep_to_block_share_and_probe(void **state)
{
    (void)state;
    static const int64_t begins[] = {0, -5 * HOUR, INT64_MAX / 2, INT64_MIN / 2};
    for (int round = 0; round < 200; round++) {
        emqxi_flight flights[64];
        int count = 0;
        set_up(state);
        time_ms = begins[round % 4];
        emqxi_limits_set(&limits, (uint32_t)(1 + below(40)), (uint64_t)(1000 + below(2 * HOUR)));
        kept.capacity = limits.slots;
        for (int step = 0; step < 5000; step++) {
            int64_t dice = below(10);
            emqxi_log_advance(view());
            if (dice < 5 && count < 64)
                ask_for_one(flights, &count);
            else if (dice < 8 && count > 0)
                end_one(flights, &count);
            else
                time_ms += below(dice == 8 ? 1000 : limits.window_ms / 4);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_429_shuts_for_the_time_that_it_names),
        TEST(a_block_is_never_shortened),
        TEST(a_429_to_what_left_before_the_last_was_seen_shuts_no_longer),
        TEST(what_had_passed_may_go_again_at_once),
        TEST(those_ahead_count_against_the_share_and_wait_for_the_block_too),
        TEST(what_429s_have_taught_moves_with_another_clock),
        TEST(more_than_that_goes_as_one_probe_at_a_time),
        TEST(a_probe_that_never_left_or_was_lost_makes_room_for_the_next),
        TEST(a_success_above_the_share_raises_it),
        TEST(a_429_lowers_the_share_to_what_passed),
        TEST(it_waits_for_a_slot_of_its_share_no_longer_than_for_a_probe),
        TEST(probes_that_end_in_a_429_come_ever_more_rarely),
        TEST(a_probe_waits_for_the_block_too),
        TEST(k_is_forgotten_after_a_window_and_a_tenth),
        TEST(when_all_is_free_again_nothing_is_remembered),
        TEST(a_million_steps_keep_to_block_share_and_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
