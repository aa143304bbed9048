/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The sliding log by itself, in times that the test hands in: 3 slots an hour.
 */
#include "support/log_rig.h"

#define SLOTS 3

static int set_up(void **state)
{
    (void)state;
    log_set_up(SLOTS, 24 * HOUR_MS);
    return 0;
}

static uint32_t held(void)
{
    emqx_tls_quota quota = {.ahead = 0};
    emqxi_log_query(view(), &quota);
    return quota.used;
}

/* Held to the last millisecond before `ms`, and then no longer. */
static void assert_released_after(int64_t ms)
{
    uint32_t before = held();
    time_ms += ms - 1;
    assert_int_equal(held(), before);
    time_ms += 1;
    assert_int_equal(held(), before - 1);
}

static void an_answered_slot_is_held_for_a_window_from_its_answer(void **state)
{
    (void)state;
    emqxi_flight flight = take();
    time_ms += 5000;
    end(flight, ANSWERED);
    assert_released_after(HELD_MS);
}

static void one_without_an_answer_for_a_minute_longer(void **state)
{
    (void)state;
    emqxi_flight flight = take();
    time_ms += 5000;
    end(flight, EMQX_TLS_OUTCOME_LOST);
    assert_released_after(STRAY_MS + HELD_MS);
}

static void one_that_nobody_ends_as_if_lost_at_its_lease(void **state)
{
    (void)state;
    take();
    assert_released_after(LEASE_MS + STRAY_MS + HELD_MS);
}

static void one_that_never_left_is_free_at_once(void **state)
{
    (void)state;
    emqxi_flight first = take(), second = take();
    take();
    end(second, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_int_equal(held(), 2);
    end(first, ANSWERED);
    take();
    assert_int_equal(held(), SLOTS);
}

static void a_slot_ends_once(void **state)
{
    (void)state;
    emqxi_flight flight = take();
    end(flight, ANSWERED);
    end(flight, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_int_equal(held(), 1);
    time_ms += HELD_MS;
    end(flight, EMQX_TLS_OUTCOME_LOST); /* it is over */
    assert_int_equal(held(), 0);
}

static void who_comes_behind_others_is_told_the_release_that_is_left_for_it(void **state)
{
    (void)state;
    emqxi_flight none;
    for (int i = 0; i < SLOTS; i++) {
        end(take(), ANSWERED);
        time_ms += MINUTE_MS;
    }
    int64_t first = HELD_MS - SLOTS * MINUTE_MS;
    for (uint32_t ahead = 0; ahead < SLOTS; ahead++) {
        emqx_tls_grant grant = ask_behind(ahead, &none);
        assert_false(grant.granted);
        assert_int_equal(grant.late_ms, first + ahead * MINUTE_MS);
        assert_int_equal(grant.early_ms, grant.late_ms);
    }
    /* behind more than there are slots, each is used again first, for a window at least */
    emqx_tls_grant grant = ask_behind(SLOTS, &none);
    assert_int_equal(grant.early_ms, first + HELD_MS);
    assert_int_equal(grant.late_ms, first + HELD_MS + STRAY_MS + LEASE_MS);
}

static void a_ring_that_has_come_round_keeps_its_order_when_it_grows(void **state)
{
    (void)state;
    emqxi_slot more[2 * SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        end(take(), ANSWERED);
        time_ms += 20 * MINUTE_MS;
    }
    time_ms += 3 * MINUTE_MS; /* the first is over */
    emqxi_log_advance(view());
    end(take(), ANSWERED); /* stands in its place */
    assert_true(kept.first > 0 && kept.count == kept.capacity);
    memcpy(more, slots, SLOTS * sizeof *slots);
    emqxi_log_grow(&kept, more, 2 * SLOTS);
    const emqxi_view grown = {.log = &kept, .slots = more, .limits = &limits, .now = time_ms};
    int64_t before = time_ms;
    for (uint32_t left = SLOTS; left > 0; left--) {
        emqx_tls_quota quota = {.ahead = 0};
        emqxi_view v = grown;
        v.now = before;
        emqxi_log_query(&v, &quota);
        assert_int_equal(quota.used, left);
        assert_true(more[kept.first].release_ms > before);
        before = more[kept.first].release_ms;
    }
}

/* Another boot: the stamps were measured by a clock that was 1 h ahead of this one's. */
static void rebased_all_is_held_no_longer_than_what_ends_now_could_be(void **state)
{
    (void)state;
    take();
    end(take(), ANSWERED);
    emqxi_log_rebase(view(), HOUR_MS, 0);
    assert_int_equal(held(), 2);
    time_ms += HELD_MS + STRAY_MS - 1;
    assert_int_equal(held(), 2);
    time_ms += 1;
    assert_int_equal(held(), 0);
}

static void what_is_charged_fills_the_limit_and_no_more(void **state)
{
    (void)state;
    take();
    emqxi_log_charge(view(), time_ms, 1);
    assert_int_equal(held(), 2);
    emqxi_log_charge(view(), time_ms, 100);
    assert_int_equal(held(), SLOTS);
    assert_false(emqxi_log_idle(view()));
    time_ms += LEASE_MS + STRAY_MS + HELD_MS;
    assert_true(emqxi_log_idle(view()));
}

static void what_was_lost_is_in_flight_no_more(void **state)
{
    (void)state;
    emqxi_flight flights[SLOTS], none;
    emqx_tls_quota quota = {.size = sizeof quota};
    for (size_t i = 0; i < SLOTS; i++)
        flights[i] = take();
    assert_int_equal(ask_behind(0, &none).reason, EMQX_TLS_QUOTA_IN_FLIGHT);
    for (size_t i = 0; i < SLOTS; i++)
        end(flights[i], EMQX_TLS_OUTCOME_LOST);
    emqx_tls_grant grant = ask_behind(0, &none);
    assert_int_equal(grant.reason, 0); /* nothing can end that would free a slot earlier */
    assert_int_equal(grant.early_ms, HELD_MS + STRAY_MS);
    time_ms += HELD_MS + STRAY_MS;
    emqxi_log_query(view(), &quota);
    assert_int_equal(quota.reason, 0);
    assert_int_equal(quota.remaining, SLOTS);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answered_slot_is_held_for_a_window_from_its_answer),
        TEST(one_without_an_answer_for_a_minute_longer),
        TEST(one_that_nobody_ends_as_if_lost_at_its_lease),
        TEST(one_that_never_left_is_free_at_once),
        TEST(a_slot_ends_once),
        TEST(who_comes_behind_others_is_told_the_release_that_is_left_for_it),
        TEST(a_ring_that_has_come_round_keeps_its_order_when_it_grows),
        TEST(rebased_all_is_held_no_longer_than_what_ends_now_could_be),
        TEST(what_is_charged_fills_the_limit_and_no_more),
        TEST(what_was_lost_is_in_flight_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
