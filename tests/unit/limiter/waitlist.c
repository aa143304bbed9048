/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Waiting for a slot: who comes first, who is woken, who fails at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/test.h>

#include "limiter/limiter.h"

#define HOUR_MS 3600000
#define HELD_MS (HOUR_MS + 1000 + HOUR_MS / 2000)
#define STRAY   60000
#define LEASE   30000
#define LIMIT   6 /* writes */

/* One call that waits: a place in line, and how often it was woken. */
typedef struct caller {
    emqxi_waiter waiter;
    emqxi_reserve r;
    emqxi_error error;
    unsigned woken;
    int64_t deadline;
} caller;

static emqx_tls_test_clock *timer;
static emqx_tls_limiter *limiter;

static void woken(void *context)
{
    ((caller *)context)->woken++;
}

static int64_t now(void)
{
    return emqx_tls_test_clock_now(timer);
}

static void set_up(caller *c, const char *deployment, int64_t wait_ms)
{
    memset(c, 0, sizeof *c);
    c->waiter.wake = woken;
    c->waiter.wake_context = c;
    c->r =
        (emqxi_reserve){.op = EMQX_TLS_OP_UPDATE, .deployment_id = deployment, .lease_ms = LEASE};
    c->deadline = now() + wait_ms;
    emqxi_error_clear(&c->error);
}

static emqx_tls_code look(caller *c)
{
    c->woken = 0;
    c->r.wait_ms = c->deadline - now();
    return emqxi_limiter_reserve(limiter, &c->r, &c->waiter, &c->error);
}

/* Goes to the end of the line, and must have to wait. */
static void wait_in_line(caller *c, int64_t wait_ms)
{
    set_up(c, "d1", wait_ms);
    assert_int_equal(look(c), EMQX_TLS_OK);
    assert_false(c->r.granted);
    assert_true(c->waiter.queued);
    assert_true(c->r.look_again_ms > 0);
}

static void take(caller *c)
{
    set_up(c, "d1", 0);
    assert_int_equal(look(c), EMQX_TLS_OK);
    assert_true(c->r.granted);
}

static void end(caller *c, uint32_t outcome, int64_t retry_after_ms)
{
    assert_int_equal(emqxi_limiter_settle(limiter, c->r.ticket, outcome, retry_after_ms, 0, NULL),
                     EMQX_TLS_OK);
}

/* All slots used and answered, `apart` ms from one to the next. */
static void use_up(int64_t apart)
{
    for (int i = 0; i < LIMIT; i++) {
        caller c;
        take(&c);
        end(&c, EMQX_TLS_OUTCOME_ANSWERED, -1);
        emqx_tls_test_clock_advance(timer, apart);
    }
}

static void a_caller_that_can_not_wait_long_enough_fails_at_once(void **state)
{
    (void)state;
    caller c;
    use_up(0);
    set_up(&c, "d1", HELD_MS - 1);
    assert_int_equal(look(&c), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(c.error.retry_after_ms, HELD_MS);
    assert_false(c.waiter.queued);
    wait_in_line(&c, HELD_MS);
    emqx_tls_test_clock_advance(timer, c.r.look_again_ms);
    assert_int_equal(look(&c), EMQX_TLS_OK);
    assert_true(c.r.granted);
}

/* Two wait for two slots that free 10 s apart: a third would get the next. */
static void those_ahead_count_when_a_wait_is_judged(void **state)
{
    (void)state;
    caller a, b, c;
    use_up(10000);
    int64_t first = HELD_MS - LIMIT * 10000;
    wait_in_line(&a, HELD_MS);
    wait_in_line(&b, HELD_MS);
    set_up(&c, "d1", first + 2 * 10000 - 1);
    assert_int_equal(look(&c), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(c.error.retry_after_ms, first + 2 * 10000);
    wait_in_line(&c, first + 2 * 10000);
    emqxi_limiter_leave(limiter, &a.waiter);
    emqxi_limiter_leave(limiter, &b.waiter);
    emqxi_limiter_leave(limiter, &c.waiter);
}

static void free_slots_go_to_those_in_line_in_the_order_they_came(void **state)
{
    (void)state;
    caller waiting[3], late;
    use_up(0);
    for (int i = 0; i < 3; i++)
        wait_in_line(&waiting[i], 2 * HELD_MS);
    emqx_tls_test_clock_advance(timer, HELD_MS); /* all six are free */
    for (int i = 0; i < 3; i++) {
        take(&late); /* there is enough for those in line and it */
        end(&late, EMQX_TLS_OUTCOME_NOT_SENT, -1);
    }
    for (int i = 0; i < 3; i++)
        take(&late);
    set_up(&late, "d1", 0); /* the other three are meant for those who waited */
    assert_int_equal(look(&late), EMQX_TLS_E_RATE_LIMITED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(&waiting[i]), EMQX_TLS_OK);
        assert_true(waiting[i].r.granted);
        if (i < 2)
            assert_int_equal(waiting[i + 1].woken, 1); /* each served one wakes the next */
    }
}

/* All slots are taken and two wait; then one slot is free again. */
static void free_one_before_two(caller *a, caller *b)
{
    caller busy, other;
    take(&busy);
    for (int i = 1; i < LIMIT; i++)
        take(&other);
    wait_in_line(a, 2 * HELD_MS);
    wait_in_line(b, 2 * HELD_MS);
    end(&busy, EMQX_TLS_OUTCOME_NOT_SENT, -1);
}

static void the_second_does_not_overtake_the_first(void **state)
{
    (void)state;
    caller a, b;
    free_one_before_two(&a, &b);
    assert_int_equal(a.woken, 1);
    assert_int_equal(b.woken, 0);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_false(b.r.granted);
    assert_int_equal(look(&a), EMQX_TLS_OK);
    assert_true(a.r.granted);
    emqxi_limiter_leave(limiter, &b.waiter);
}

static void one_that_does_not_claim_within_a_second_is_passed_over(void **state)
{
    (void)state;
    caller a, b;
    free_one_before_two(&a, &b);
    emqx_tls_test_clock_advance(timer, 999);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_false(b.r.granted);
    assert_int_equal(b.r.look_again_ms, 1);
    emqx_tls_test_clock_advance(timer, b.r.look_again_ms);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_true(b.r.granted);
    assert_int_equal(look(&a), EMQX_TLS_OK); /* it kept its place */
    assert_true(a.waiter.queued);
    emqxi_limiter_leave(limiter, &a.waiter);
}

/* Nobody comes for its slot but the last: it does not wait for theirs to be used. */
static void a_line_of_sleepers_does_not_hold_up_the_last(void **state)
{
    (void)state;
    enum { SLEEPERS = 20 };
    caller sleepers[SLEEPERS], last;
    use_up(1000);
    for (int i = 0; i < SLEEPERS; i++)
        wait_in_line(&sleepers[i], 100 * (int64_t)HELD_MS);
    wait_in_line(&last, 100 * (int64_t)HELD_MS);
    int64_t begin = now(), free = HELD_MS - LIMIT * 1000;
    while (!last.r.granted) {
        emqx_tls_test_clock_advance(timer, last.r.look_again_ms);
        assert_int_equal(look(&last), EMQX_TLS_OK);
    }
    assert_true(now() - begin >= free);
    assert_true(now() - begin <= free + SLEEPERS * 1000 + 1000);
    for (int i = 0; i < SLEEPERS; i++)
        emqxi_limiter_leave(limiter, &sleepers[i].waiter);
}

/* The one ahead has fallen asleep, nobody has noticed yet, and the new one's memory was in a line
 * before. */
static void who_joins_behind_a_sleeper_looks_at_once(void **state)
{
    (void)state;
    caller a, b, others[LIMIT - 1];
    use_up(0);
    wait_in_line(&a, 10 * (int64_t)HELD_MS);
    wait_in_line(&b, 10 * (int64_t)HELD_MS);
    emqxi_limiter_leave(limiter, &b.waiter);
    emqx_tls_test_clock_advance(timer, HELD_MS);
    for (int i = 0; i < LIMIT - 1; i++) /* all but the slot that is meant for a */
        take(&others[i]);
    emqx_tls_test_clock_advance(timer, 5000);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_false(b.r.granted);
    assert_int_equal(b.r.look_again_ms, 1);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_true(b.r.granted);
    emqxi_limiter_leave(limiter, &a.waiter);
}

static void who_leaves_passes_its_turn_on(void **state)
{
    (void)state;
    caller a, b;
    free_one_before_two(&a, &b);
    emqxi_limiter_leave(limiter, &a.waiter);
    assert_int_equal(b.woken, 1);
    assert_int_equal(look(&b), EMQX_TLS_OK);
    assert_true(b.r.granted);
}

/* All slots are in flight: it depends on when their calls end. */
static void a_wait_for_calls_in_flight_is_looked_at_again_when_one_ends(void **state)
{
    (void)state;
    caller busy[LIMIT], a;
    for (int i = 0; i < LIMIT; i++)
        take(&busy[i]);
    set_up(&a, "d1", HELD_MS - 1);
    assert_int_equal(look(&a), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(a.error.retry_after_ms, LEASE + STRAY + HELD_MS);
    wait_in_line(&a, HELD_MS + 5000);
    emqx_tls_test_clock_advance(timer, 2000);
    end(&busy[3], EMQX_TLS_OUTCOME_ANSWERED, -1);
    assert_int_equal(a.woken, 1);
    assert_int_equal(look(&a), EMQX_TLS_OK);
    assert_int_equal(a.r.look_again_ms, HELD_MS);
    emqx_tls_test_clock_advance(timer, HELD_MS);
    assert_int_equal(look(&a), EMQX_TLS_OK);
    assert_true(a.r.granted);
}

/* None ends in time: it fails when the last moment has passed at which an end would still have
 * helped. */
static void a_wait_that_has_become_hopeless_ends_before_its_deadline(void **state)
{
    (void)state;
    caller busy, a;
    for (int i = 0; i < LIMIT; i++)
        take(&busy);
    wait_in_line(&a, HELD_MS + 5000);
    assert_int_equal(a.r.look_again_ms, 5001);
    emqx_tls_test_clock_advance(timer, 5000);
    assert_int_equal(look(&a), EMQX_TLS_OK);
    emqx_tls_test_clock_advance(timer, a.r.look_again_ms);
    assert_int_equal(look(&a), EMQX_TLS_E_RATE_LIMITED);
    assert_false(a.waiter.queued);
}

/* Slots free in 2 s; then a 429 shuts the class for a minute. */
static void a_429_ends_the_waits_that_can_not_outlast_it(void **state)
{
    (void)state;
    caller busy, patient, hasty[3], last;
    for (int i = 1; i < LIMIT; i++) {
        take(&busy);
        end(&busy, EMQX_TLS_OUTCOME_ANSWERED, -1);
    }
    emqx_tls_test_clock_advance(timer, HELD_MS - 2000);
    take(&busy);
    wait_in_line(&patient, HOUR_MS);
    for (int i = 0; i < 3; i++)
        wait_in_line(&hasty[i], 10000);
    wait_in_line(&last, HOUR_MS);
    end(&busy, EMQX_TLS_OUTCOME_REFUSED, 60000);
    assert_int_equal(patient.woken, 1);
    assert_int_equal(look(&patient), EMQX_TLS_OK);
    assert_in_range(patient.r.look_again_ms, 60000, 66000);
    for (int i = 0; i < 3; i++) {
        assert_true(hasty[i].woken > 0);
        assert_int_equal(look(&hasty[i]), EMQX_TLS_E_RATE_LIMITED);
        assert_in_range(hasty[i].error.retry_after_ms, 60000, 120000);
        assert_false(hasty[i].waiter.queued);
    }
    assert_true(last.waiter.queued);
    emqxi_limiter_leave(limiter, &patient.waiter);
    emqxi_limiter_leave(limiter, &last.waiter);
}

static void lines_of_two_deployments_do_not_hold_each_other_up(void **state)
{
    (void)state;
    emqx_tls_limiter_config config;
    caller c, a;
    emqx_tls_limiter_unref(limiter);
    emqx_tls_limiter_config_init(&config);
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    config.clock = emqx_tls_test_clock_vtable(timer);
    assert_int_equal(emqx_tls_limiter_new(&config, &limiter, NULL), EMQX_TLS_OK);
    use_up(0);
    wait_in_line(&a, HELD_MS);
    set_up(&c, "d2", 0);
    assert_int_equal(look(&c), EMQX_TLS_OK);
    assert_true(c.r.granted);
    emqxi_limiter_leave(limiter, &a.waiter);
}

/* Thousands wait; a virtual hour of events wakes few, and each is served in turn. */
static void an_event_wakes_one_and_not_the_whole_line(void **state)
{
    (void)state;
    enum { LINE = 5000 };
    caller *line = calloc(LINE, sizeof *line), busy[LIMIT];
    assert_non_null(line);
    for (int i = 0; i < LIMIT; i++)
        take(&busy[i]);
    for (int i = 0; i < LINE; i++)
        wait_in_line(&line[i], 5000 * (int64_t)HELD_MS);
    unsigned woken_in_all = 0;
    for (int i = 0; i < LIMIT; i++) {
        end(&busy[i], EMQX_TLS_OUTCOME_NOT_SENT, -1);
        assert_int_equal(look(&line[i]), EMQX_TLS_OK);
        assert_true(line[i].r.granted);
    }
    for (int i = 0; i < LINE; i++)
        woken_in_all += line[i].woken;
    assert_true(woken_in_all <= 2);
    for (int i = 0; i < LINE; i++)
        emqxi_limiter_leave(limiter, &line[i].waiter);
    free(line);
}

static int start(void **state)
{
    emqx_tls_limiter_config config;
    (void)state;
    timer = emqx_tls_test_clock_new(1000, 0);
    emqx_tls_limiter_config_init(&config);
    config.clock = emqx_tls_test_clock_vtable(timer);
    return emqx_tls_limiter_new(&config, &limiter, NULL);
}

static int stop(void **state)
{
    (void)state;
    emqx_tls_limiter_unref(limiter);
    emqx_tls_test_clock_free(timer);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_caller_that_can_not_wait_long_enough_fails_at_once),
        TEST(those_ahead_count_when_a_wait_is_judged),
        TEST(free_slots_go_to_those_in_line_in_the_order_they_came),
        TEST(the_second_does_not_overtake_the_first),
        TEST(one_that_does_not_claim_within_a_second_is_passed_over),
        TEST(a_line_of_sleepers_does_not_hold_up_the_last),
        TEST(who_joins_behind_a_sleeper_looks_at_once),
        TEST(who_leaves_passes_its_turn_on),
        TEST(a_wait_for_calls_in_flight_is_looked_at_again_when_one_ends),
        TEST(a_wait_that_has_become_hopeless_ends_before_its_deadline),
        TEST(a_429_ends_the_waits_that_can_not_outlast_it),
        TEST(lines_of_two_deployments_do_not_hold_each_other_up),
        TEST(an_event_wakes_one_and_not_the_whole_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
