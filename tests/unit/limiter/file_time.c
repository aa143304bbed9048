/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Time in the quota file: no slot frees early, whatever happens to boots, clocks and copies; none
 * is held for longer than W' and 60 s after the file was first seen. "Free" is tested to the
 * millisecond on both sides.
 */
#include "support/file_rig.h"

#include <unistd.h>

#define UPTIME_MS (5 * MINUTE_MS) /* after a reboot, when the first process comes */

static void pass(int64_t ms)
{
    emqx_tls_test_clock_advance(timer, ms);
}

static void reboot(int64_t off_ms)
{
    emqx_tls_test_clock_reboot(timer, UPTIME_MS, off_ms);
}

/* The write that is held is held for exactly `ms` more. */
static void assert_held_for(int64_t ms)
{
    assert_int_equal(file_next(WRITE), 0); /* 5 more are free */
    assert_int_equal(file_used(WRITE), 1);
    pass(ms - 1);
    assert_int_equal(file_used(WRITE), 1);
    pass(1);
    assert_int_equal(file_used(WRITE), 0);
}

static void a_window_passes_while_no_process_runs_or_the_machine_sleeps(void **state)
{
    (void)state;
    file_use(WRITE);
    assert_held_for(HELD_MS);
}

static void steps_of_the_wall_clock_change_nothing_within_a_boot(void **state)
{
    (void)state;
    for (int trusted = 0; trusted < 2; trusted++) {
        wall_trusted = trusted;
        file_use(WRITE);
        emqx_tls_test_clock_set_wall(timer, 1700000000000 + 3 * HOUR_MS);
        assert_int_equal(file_used(WRITE), 1);
        emqx_tls_test_clock_set_wall(timer, 0);
        assert_held_for(HELD_MS);
    }
}

static void after_a_reboot_the_age_is_what_the_file_saw_and_the_uptime(void **state)
{
    (void)state;
    file_use(WRITE);
    pass(10 * MINUTE_MS);
    file_use(READ); /* last seen now */
    reboot(20 * MINUTE_MS);
    assert_held_for(HELD_MS - 10 * MINUTE_MS - UPTIME_MS);
}

static void a_file_that_is_only_looked_at_is_seen_too(void **state)
{
    (void)state;
    file_use(WRITE);
    pass(10 * MINUTE_MS);
    file_used(WRITE);
    reboot(0);
    assert_held_for(HELD_MS - 10 * MINUTE_MS - UPTIME_MS);
}

static void a_long_uptime_frees_all(void **state)
{
    (void)state;
    file_use(WRITE);
    emqx_tls_test_clock_reboot(timer, HELD_MS, 0);
    assert_int_equal(file_used(WRITE), 0);
}

static void a_boot_in_1970_and_a_wall_clock_set_by_hand_free_nothing_early(void **state)
{
    (void)state;
    file_use(WRITE);
    reboot(0);
    emqx_tls_test_clock_set_wall(timer, UPTIME_MS);
    assert_int_equal(file_used(WRITE), 1);
    emqx_tls_test_clock_set_wall(timer, 1700000000000 + 24 * HOUR_MS);
    assert_held_for(HELD_MS - UPTIME_MS);
}

static void a_wall_clock_in_local_time_frees_nothing_early(void **state)
{
    (void)state;
    file_use(WRITE);
    reboot(0);
    emqx_tls_test_clock_set_wall(timer, emqx_tls_test_clock_wall(timer) + 2 * HOUR_MS);
    assert_held_for(HELD_MS - UPTIME_MS);
}

static void a_wall_clock_trusted_at_both_times_tells_a_greater_age(void **state)
{
    (void)state;
    wall_trusted = true;
    file_use(WRITE);
    reboot(30 * MINUTE_MS);
    /* less what a synchronised clock may be off, at both times */
    assert_held_for(HELD_MS - 30 * MINUTE_MS + 32000);
    file_use(WRITE);
    reboot(2 * HOUR_MS);
    assert_int_equal(file_used(WRITE), 0);
}

static void a_wall_clock_trusted_at_one_time_only_is_not_used(void **state)
{
    (void)state;
    for (int then = 0; then < 2; then++) {
        wall_trusted = then;
        file_use(WRITE);
        wall_trusted = !then;
        reboot(2 * HOUR_MS);
        assert_held_for(HELD_MS - UPTIME_MS);
    }
}

/* It was right and synchronised, then somebody set it: no trust in what it says between, no matter
 * when the kernel was asked. */
static void a_step_between_two_looks_at_the_kernel_is_not_taken_for_time(void **state)
{
    (void)state;
    wall_trusted = true;
    emqx_tls_limiter *limiter = file_open(NULL);
    int64_t right = emqx_tls_test_clock_wall(timer);
    use(limiter, WRITE);
    emqx_tls_test_clock_set_wall(timer, right - 24 * HOUR_MS);
    use(limiter, READ);
    emqx_tls_limiter_unref(limiter);
    emqx_tls_test_clock_set_wall(timer, right);
    reboot(0);
    assert_held_for(HELD_MS - UPTIME_MS);
}

static void a_trusted_wall_clock_that_lies_before_the_stamp_is_not_used(void **state)
{
    (void)state;
    wall_trusted = true;
    file_use(WRITE);
    reboot(-3 * HOUR_MS);
    assert_held_for(HELD_MS - UPTIME_MS);
}

static void a_copied_file_counts_from_when_it_is_first_seen(void **state)
{
    (void)state;
    file_use(WRITE);
    machine = 2;
    emqx_tls_test_clock_reboot(timer, 100 * HOUR_MS, 10 * MINUTE_MS);
    assert_held_for(HELD_MS);
}

static void no_boot_id(void *context, unsigned char id[16])
{
    (void)context;
    memset(id, 0, 16);
}

/* Where /proc is missing. Else a quota that is used by short processes alone would never free a
 * slot. */
static void the_systems_clock_is_the_same_boots_also_without_its_id(void **state)
{
    (void)state;
    emqx_tls_clock clock = emqxi_system_clock, custom = *emqx_tls_test_clock_vtable(timer);
    emqxi_timebase one, two;
    clock.boot_id = custom.boot_id = no_boot_id;
    emqxi_timebase_identify(&one, &clock, &emqxi_system_host);
    emqxi_timebase_identify(&two, &clock, &emqxi_system_host);
    assert_true(emqxi_timebase_same(&one, &two));
    one.seen_ms = 1;
    assert_false(emqxi_timebase_same(&one, &two)); /* it was rebooted */
    emqxi_timebase_identify(&one, &custom, &emqxi_system_host);
    emqxi_timebase_identify(&two, &custom, &emqxi_system_host);
    assert_false(emqxi_timebase_same(&one, &two)); /* nobody knows where such a clock begins */
}

static void a_machine_without_an_id_counts_as_another(void **state)
{
    (void)state;
    machine = 0;
    file_use(WRITE);
    emqx_tls_test_clock_reboot(timer, 100 * HOUR_MS, 0);
    assert_held_for(HELD_MS);
}

/* A virtual machine that was set back to an earlier time, its clock with it. */
static void a_clock_that_went_back_keeps_what_was_seen(void **state)
{
    (void)state;
    file_use(WRITE);
    pass(10 * MINUTE_MS);
    file_use(READ);
    emqx_tls_test_clock_set(timer, HOUR_MS);
    assert_held_for(HELD_MS - 10 * MINUTE_MS);
}

/* Who is in flight goes on, and its request may arrive 60 s after its lease. */
static void nor_does_what_is_in_flight_then_lose_its_lease(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqxi_error error;
    emqx_tls_limiter *limiter = file_open(NULL);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    emqx_tls_limiter_unref(limiter);
    emqx_tls_test_clock_set(timer, HOUR_MS);
    assert_held_for(LEASE_MS + STRAY_MS + HELD_MS);
}

static void who_was_in_flight_at_a_reboot_holds_on_for_at_most_one_window_and_60_s(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_waiter waiter = {0};
    emqxi_reserve r = {.op = WRITE, .deployment_id = "d1", .lease_ms = 10 * HOUR_MS};
    assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, NULL), EMQX_TLS_OK);
    assert_true(r.granted);
    emqx_tls_limiter_unref(limiter);
    reboot(0);
    assert_held_for(HELD_MS + STRAY_MS);
}

/* Else a machine that is never up for a whole window would never get a slot back. */
static void the_age_adds_up_over_many_short_boots(void **state)
{
    (void)state;
    file_use(WRITE);
    for (int64_t age = UPTIME_MS; age < HELD_MS; age += UPTIME_MS) {
        reboot(0);
        assert_int_equal(file_used(WRITE), 1);
    }
    reboot(0);
    assert_int_equal(file_used(WRITE), 0);
}

/* 60 reads: up to 60/8 = 7 of them are written without a sync. One is known, six more may have
 * been. */
static void reads_that_a_loss_of_power_may_have_taken_away_are_charged(void **state)
{
    (void)state;
    file_use(READ);
    reboot(0);
    assert_int_equal(file_used(READ), 1 + 6);
    assert_int_equal(file_used(READ), 1 + 6);
    pass(HELD_MS + STRAY_MS - UPTIME_MS - 1);
    assert_int_equal(file_used(READ), 6);
    pass(1);
    assert_int_equal(file_used(READ), 0);
}

static void a_wall_clock_that_is_trusted_later_is_noticed_within_a_minute(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    wall_trusted = true;
    pass(MINUTE_MS);
    use(limiter, WRITE);
    emqx_tls_limiter_unref(limiter);
    reboot(30 * MINUTE_MS);
    assert_held_for(HELD_MS - 30 * MINUTE_MS + 32000);
}

/* Was the newest record to be on the disk before anything went on? */
static bool newest_synced(void)
{
    static char file[5 * EMQXI_FILE_BLOCK];
    const emqxi_file_record *newest = NULL;
    memset(file, 0, sizeof file);
    file_contents(file, sizeof file);
    for (int i = 1; i <= EMQXI_RECORDS; i++) {
        const emqxi_file_record *r =
            (const emqxi_file_record *)(void *)(file + i * EMQXI_FILE_BLOCK);
        if (!newest || r->sequence > newest->sequence)
            newest = r;
    }
    return newest->synced == newest->sequence;
}

static void a_429_and_stamps_of_a_new_boot_are_synced_and_other_answers_are_not(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    emqxi_error error;
    use(limiter, READ);
    assert_false(newest_synced());
    assert_int_equal(reserve(limiter, READ, "d1", &r, &error), EMQX_TLS_OK);
    assert_false(newest_synced());
    emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_REFUSED, -1, 0, &error);
    assert_true(newest_synced());
    use(limiter, WRITE);
    assert_false(newest_synced());
    emqx_tls_limiter_unref(limiter);
    reboot(0);
    file_used(READ);
    assert_true(newest_synced());
}

static void a_429_shuts_the_class_across_a_reboot(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    emqxi_error error;
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_REFUSED, 30 * MINUTE_MS, 0, &error);
    emqx_tls_limiter_unref(limiter);
    int64_t shut = file_next(WRITE);
    assert_true(shut >= 30 * MINUTE_MS);
    reboot(0);
    assert_int_equal(file_next(WRITE), shut - UPTIME_MS);
}

/* A block of one window with its jitter may be longer; on another machine no time counts as
 * passed. */
static void a_429_blocks_no_longer_than_a_window_and_60_s_from_first_sight(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        emqx_tls_limiter *limiter = file_open(NULL);
        emqxi_reserve r;
        emqxi_error error;
        assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_REFUSED, HOUR_MS, 0, &error);
        emqx_tls_limiter_unref(limiter);
        machine++;
        reboot(0);
        assert_in_range(file_next(WRITE), 1, HELD_MS + STRAY_MS);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_429_is_forgotten_in_time_also_across_a_reboot(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    emqxi_error error;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_REFUSED, -1, 0, &error);
    emqx_tls_limiter_unref(limiter);
    reboot(0);
    emqx_tls_test_clock_advance(timer, HOUR_MS + HOUR_MS / 10);
    limiter = file_open(NULL);
    assert_int_equal(emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, NULL), EMQX_TLS_OK);
    assert_int_equal(quota.remaining, 6);
    emqx_tls_limiter_unref(limiter);
}

/* -- at random, against what really happened --------------------------------------------------- */

#define LIMIT 4

static uint64_t seed;

static uint64_t pick(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

/* Boots, power off, other machines, trust that comes and goes with a wall clock that is right when
 * it is trusted: true time is the test's. At most LIMIT in any true window, and after rest all are
 * free. */
static void at_random_no_window_ever_has_more_than_the_limit(void **state)
{
    (void)state;
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.writes = LIMIT;
    static int64_t sent[5000];
    size_t count = 0;
    int64_t truth = 0; /* ms of true time; the wall clock's 0 is 1700000000000 */
    seed = 20240607;
    for (int step = 0; step < 5000; step++) {
        int64_t ms = (int64_t)pick(pick(4) == 0 ? 2 * HOUR_MS : 10 * MINUTE_MS);
        if (pick(8) == 0) { /* another boot, maybe on another machine */
            uint8_t before = machine;
            if (pick(4) == 0)
                machine = (uint8_t)(1 + pick(3));
            int64_t uptime = (int64_t)pick(pick(4) == 0 ? 1000 * HOUR_MS : 20 * MINUTE_MS);
            emqx_tls_test_clock_reboot(timer, uptime, 0);
            wall_trusted = pick(2);
            truth += ms + (machine == before ? uptime : 0);
        } else {
            pass(ms);
            truth += ms;
        }
        int64_t wrong = wall_trusted ? (int64_t)pick(32000) - 16000 : (int64_t)pick(99 * HOUR_MS);
        emqx_tls_test_clock_set_wall(timer, 1700000000000 + truth + wrong);
        emqx_tls_limiter *limiter = file_open(&config);
        emqxi_reserve r;
        emqxi_error error;
        if (reserve(limiter, WRITE, "d1", &r, &error) == EMQX_TLS_OK && r.granted) {
            sent[count++] = truth;
            if (count > LIMIT)
                assert_true(sent[count - 1] - sent[count - 1 - LIMIT] >= HOUR_MS);
            if (pick(8) != 0)
                emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, &error);
        }
        emqx_tls_limiter_unref(limiter);
    }
    assert_true(count > 500);
    pass(LEASE_MS + STRAY_MS + HELD_MS);
    emqx_tls_limiter *limiter = file_open(&config);
    assert_int_equal(used(limiter, WRITE), 0);
    emqx_tls_limiter_unref(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(a_window_passes_while_no_process_runs_or_the_machine_sleeps),
        file_test(steps_of_the_wall_clock_change_nothing_within_a_boot),
        file_test(after_a_reboot_the_age_is_what_the_file_saw_and_the_uptime),
        file_test(a_file_that_is_only_looked_at_is_seen_too),
        file_test(a_long_uptime_frees_all),
        file_test(a_boot_in_1970_and_a_wall_clock_set_by_hand_free_nothing_early),
        file_test(a_wall_clock_in_local_time_frees_nothing_early),
        file_test(a_wall_clock_trusted_at_both_times_tells_a_greater_age),
        file_test(a_wall_clock_trusted_at_one_time_only_is_not_used),
        file_test(a_step_between_two_looks_at_the_kernel_is_not_taken_for_time),
        file_test(a_trusted_wall_clock_that_lies_before_the_stamp_is_not_used),
        file_test(a_copied_file_counts_from_when_it_is_first_seen),
        file_test(a_machine_without_an_id_counts_as_another),
        file_test(the_systems_clock_is_the_same_boots_also_without_its_id),
        file_test(a_clock_that_went_back_keeps_what_was_seen),
        file_test(nor_does_what_is_in_flight_then_lose_its_lease),
        file_test(who_was_in_flight_at_a_reboot_holds_on_for_at_most_one_window_and_60_s),
        file_test(the_age_adds_up_over_many_short_boots),
        file_test(reads_that_a_loss_of_power_may_have_taken_away_are_charged),
        file_test(a_wall_clock_that_is_trusted_later_is_noticed_within_a_minute),
        file_test(a_429_and_stamps_of_a_new_boot_are_synced_and_other_answers_are_not),
        file_test(a_429_shuts_the_class_across_a_reboot),
        file_test(a_429_blocks_no_longer_than_a_window_and_60_s_from_first_sight),
        file_test(a_429_is_forgotten_in_time_also_across_a_reboot),
        file_test(at_random_no_window_ever_has_more_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
