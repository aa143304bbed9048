/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The machine of an operation, by events alone: every event in every state, what bounds it, and what
 * holds whatever happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "call/operation.h"
#include "wire/wire.h"

#include <emqxtls/limiter.h>

enum { BEGIN = 1000, TIMEOUT = 30000, QUOTA_WAIT = 60000, LOOK = 100 };

typedef emqxi_operation operation;
typedef emqxi_operation_event event;
typedef emqxi_operation_action action;

static const emqxi_answer ok = {
    .status = 200, .delivery = EMQX_TLS_DELIVERY_ANSWERED, .retry_after_ms = EMQXI_RETRY_NONE};

static operation begin(bool is_read)
{
    return (operation){.is_read = is_read,
                       .timeout_ms = TIMEOUT,
                       .deadline = BEGIN + TIMEOUT,
                       .quota_left_ms = QUOTA_WAIT};
}

static action next(operation *o, int type, int64_t now)
{
    event e = {.type = type, .now = now, .wait_ms = LOOK, .answer = &ok};
    return emqxi_operation_next(o, &e);
}

static action answer(operation *o, const emqxi_answer *a)
{
    event e = {.type = EMQXI_ON_ANSWER, .answer = a};
    return emqxi_operation_next(o, &e);
}

static action http(operation *o, int32_t status, int64_t retry_after_ms)
{
    emqxi_answer a = ok;
    a.status = status;
    a.retry_after_ms = retry_after_ms;
    return answer(o, &a);
}

static action failure(operation *o, emqx_tls_code code, uint32_t delivery, bool permanent)
{
    emqxi_answer a = {.code = code,
                      .delivery = delivery,
                      .permanent = permanent,
                      .retry_after_ms = EMQXI_RETRY_NONE};
    return answer(o, &a);
}

static action settled(operation *o, int64_t now, uint64_t random)
{
    event e = {.type = EMQXI_ON_SETTLED, .now = now, .random = random};
    return emqxi_operation_next(o, &e);
}

/* From the beginning, or the end of a pause, until the request is on its way. */
static void send(operation *o, int64_t now)
{
    assert_int_equal(next(o, EMQXI_ON_TURN, now).type, EMQXI_DO_RESERVE);
    assert_int_equal(next(o, EMQXI_ON_SLOT, now).type, EMQXI_DO_PREPARE);
    assert_int_equal(next(o, EMQXI_ON_READY, now).type, EMQXI_DO_SEND);
}

/* -- every event in every state ---------------------------------------------------------------- */

/* A read that has come to this state at BEGIN. */
static operation come_to(int state)
{
    operation o = begin(true);
    if (state == EMQXI_OPERATION_BEGUN)
        return o;
    if (state == EMQXI_OPERATION_OVER) {
        next(&o, EMQXI_ON_CANCEL, BEGIN);
        return o;
    }
    next(&o, EMQXI_ON_TURN, BEGIN);
    if (state == EMQXI_OPERATION_IN_LINE)
        next(&o, EMQXI_ON_LINE, BEGIN);
    else if (state == EMQXI_OPERATION_STORE_BUSY)
        next(&o, EMQXI_ON_STORE_BUSY, BEGIN);
    else if (state != EMQXI_OPERATION_ASKING)
        next(&o, EMQXI_ON_SLOT, BEGIN);
    if (state > EMQXI_OPERATION_PREPARING)
        next(&o, EMQXI_ON_READY, BEGIN);
    if (state > EMQXI_OPERATION_SENT)
        http(&o, 503, EMQXI_RETRY_NONE);
    if (state > EMQXI_OPERATION_SETTLING)
        settled(&o, BEGIN, 200);
    return o;
}

static void every_event_in_every_state(void **unused)
{
    /* For each event what is to be done and the state that follows, as letters. A turn comes too
     * early, then when it is due. */
    static const char states[] = "balyhxtro", actions[] = ".RPSWspE";
    static const int events[] = {EMQXI_ON_TURN,    EMQXI_ON_TURN,       EMQXI_ON_SLOT,
                                 EMQXI_ON_LINE,    EMQXI_ON_STORE_BUSY, EMQXI_ON_NO_SLOT,
                                 EMQXI_ON_READY,   EMQXI_ON_HELD_BACK,  EMQXI_ON_ANSWER,
                                 EMQXI_ON_SETTLED, EMQXI_ON_CANCEL};
    static const char *const table[] = {
        /*                     early turn slot line busy none read held answ sett canc */
        /* b begun      */ "Ra Ra .b .b .b .b .b .b .b .b Eo",
        /* a asking     */ ".a .a Ph pl py Eo .a .a .a .a Eo",
        /* l in line    */ "Ra Ra .l .l .l .l .l .l .l .l Eo",
        /* y store busy */ ".y Ra .y .y .y .y .y .y .y .y Eo",
        /* h preparing  */ ".h .h .h .h .h .h Sx st .h .h st",
        /* x sent       */ ".x Wx .x .x .x .x .x .x st .x Wx",
        /* t settling   */ ".t .t .t .t .t .t .t .t .t pr .t",
        /* r resting    */ ".r Ra .r .r .r .r .r .r .r .r Eo",
        /* o over       */ ".o .o .o .o .o .o .o .o .o .o .o",
    };
    (void)unused;
    for (int s = 0; s <= EMQXI_OPERATION_OVER; s++) {
        for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
            const operation before = come_to(s);
            operation after = before;
            assert_int_equal(before.state, s);
            action a = next(&after, events[i], i == 1 ? before.until : BEGIN + 1);
            if (actions[a.type] != table[s][3 * i] || states[after.state] != table[s][3 * i + 1])
                fail_msg("state %c, event %zu: %c%c, not %.2s", states[s], i, actions[a.type],
                         states[after.state], table[s] + 3 * i);
            if (a.type == EMQXI_DO_NOTHING && events[i] != EMQXI_ON_CANCEL)
                assert_memory_equal(&before, &after, sizeof before);
        }
    }
}

/* -- time -------------------------------------------------------------------------------------- */

static void a_read_leaves_time_for_a_repeat_and_a_write_takes_all(void **unused)
{
    (void)unused;
    operation o = begin(true);
    action a = next(&o, EMQXI_ON_TURN, BEGIN);
    assert_int_equal(a.lease_ms, TIMEOUT / 2);
    assert_int_equal(a.wait_ms, QUOTA_WAIT);
    a = next(&o, EMQXI_ON_SLOT, BEGIN + 10); /* the store took its time */
    assert_int_equal(a.lease_ms, TIMEOUT / 2 - 10);
    a = next(&o, EMQXI_ON_READY, BEGIN + 30);
    assert_int_equal(a.lease_ms, TIMEOUT / 2 - 30);
    assert_int_equal(a.until, BEGIN + TIMEOUT / 2);
    o = begin(false);
    assert_int_equal(next(&o, EMQXI_ON_TURN, BEGIN + 1).lease_ms, TIMEOUT - 1);
}

static void time_in_line_counts_against_the_wait_for_quota_alone(void **unused)
{
    (void)unused;
    operation o = begin(false);
    next(&o, EMQXI_ON_TURN, BEGIN);
    next(&o, EMQXI_ON_LINE, BEGIN);
    action a = next(&o, EMQXI_ON_TURN, BEGIN + QUOTA_WAIT - 1);
    assert_int_equal(a.lease_ms, TIMEOUT);
    assert_int_equal(a.wait_ms, 1);
    event late = {.type = EMQXI_ON_LINE, .now = BEGIN + QUOTA_WAIT - 1, .wait_ms = 9999};
    a = emqxi_operation_next(&o, &late);
    assert_int_equal(a.until, BEGIN + QUOTA_WAIT); /* not longer than it may wait */
    assert_int_equal(next(&o, EMQXI_ON_TURN, a.until).wait_ms, 0);
}

static void a_busy_store_is_asked_less_and_less_often_until_both_times_are_over(void **unused)
{
    (void)unused;
    operation o = begin(true);
    int64_t now = BEGIN, before = 0;
    int asked = 0;
    for (;;) {
        action a = next(&o, EMQXI_ON_TURN, now);
        if (a.type == EMQXI_DO_END)
            break;
        asked++;
        a = next(&o, EMQXI_ON_STORE_BUSY, now);
        assert_true(a.until - now >= before || a.until == BEGIN + QUOTA_WAIT + TIMEOUT);
        assert_in_range(a.until - now, 1, 1000);
        before = a.until - now;
        now = a.until;
    }
    assert_int_equal(now, BEGIN + QUOTA_WAIT + TIMEOUT);
    assert_in_range(asked, 90, 100);
    assert_int_equal(o.end, EMQXI_END_STORE_BUSY);

    o = begin(false); /* the wait for quota pays first */
    next(&o, EMQXI_ON_TURN, BEGIN);
    next(&o, EMQXI_ON_STORE_BUSY, BEGIN);
    action paid = next(&o, EMQXI_ON_TURN, BEGIN + 700);
    assert_int_equal(paid.wait_ms, QUOTA_WAIT - 700);
    assert_int_equal(paid.lease_ms, TIMEOUT);

    o = begin(true); /* once it could look, all is as before */
    next(&o, EMQXI_ON_TURN, BEGIN);
    next(&o, EMQXI_ON_STORE_BUSY, BEGIN);
    next(&o, EMQXI_ON_TURN, BEGIN + LOOK);
    next(&o, EMQXI_ON_LINE, BEGIN + LOOK);
    next(&o, EMQXI_ON_TURN, BEGIN + 2 * LOOK);
    assert_int_equal(next(&o, EMQXI_ON_STORE_BUSY, BEGIN + 2 * LOOK).until, BEGIN + 3 * LOOK);
}

static void what_comes_too_late_says_what_it_waited_for(void **unused)
{
    (void)unused;
    operation o = begin(true);
    assert_int_equal(next(&o, EMQXI_ON_TURN, BEGIN + TIMEOUT).type, EMQXI_DO_END);
    assert_int_equal(o.end, EMQXI_END_LATE);
    for (int prepared = 0; prepared < 2; prepared++) {
        o = begin(false);
        next(&o, EMQXI_ON_TURN, BEGIN);
        if (prepared)
            next(&o, EMQXI_ON_SLOT, BEGIN);
        action a = next(&o, prepared ? EMQXI_ON_READY : EMQXI_ON_SLOT, BEGIN + TIMEOUT);
        assert_int_equal(a.type, EMQXI_DO_SETTLE);
        assert_int_equal(a.outcome, EMQX_TLS_OUTCOME_NOT_SENT);
        assert_int_equal(settled(&o, 0, 0).type, EMQXI_DO_END);
        assert_int_equal(o.end, EMQXI_END_STALE);
        assert_int_equal(o.attempts, 0);
    }
}

/* A repeat that finds no time tells how the request before it fared, not that nothing was sent. */
static void a_repeat_that_comes_too_late_leaves_the_first_failure(void **unused)
{
    (void)unused;
    for (int stale = 0; stale < 2; stale++) {
        operation o = begin(true);
        send(&o, BEGIN);
        http(&o, 503, EMQXI_RETRY_NONE);
        action a = settled(&o, BEGIN, 0);
        if (stale) {
            next(&o, EMQXI_ON_TURN, a.until);
            next(&o, EMQXI_ON_SLOT, BEGIN + TIMEOUT);
            a = settled(&o, 0, 0);
        } else {
            a = next(&o, EMQXI_ON_TURN, BEGIN + TIMEOUT);
        }
        assert_int_equal(a.type, EMQXI_DO_END);
        assert_int_equal(o.end, EMQXI_END_TOLD);
    }
}

/* -- repeats ----------------------------------------------------------------------------------- */

static void what_is_repeated_and_what_is_not(void **unused)
{
    (void)unused;
    for (int32_t status = 100; status < 600; status++)
        for (int is_read = 0; is_read < 2; is_read++) {
            operation o = begin(is_read);
            send(&o, BEGIN);
            action a = http(&o, status, 7000);
            bool again = is_read && (status == 408 || status == 425 || status == 502 ||
                                     status == 503 || status == 504);
            assert_int_equal(a.again, again);
            assert_int_equal(a.outcome,
                             status == 429 ? EMQX_TLS_OUTCOME_REFUSED : EMQX_TLS_OUTCOME_ANSWERED);
            assert_int_equal(a.wait_ms, status == 429 ? 7000 : EMQXI_RETRY_NONE);
            a = settled(&o, BEGIN, 0);
            assert_int_equal(a.type, again ? EMQXI_DO_PAUSE : EMQXI_DO_END);
            if (again)
                assert_int_equal(a.until, BEGIN + 7000); /* as it was asked to */
        }
    for (uint32_t delivery = 0; delivery <= EMQX_TLS_DELIVERY_ANSWERED; delivery++)
        for (int permanent = 0; permanent < 2; permanent++)
            for (int is_read = 0; is_read < 2; is_read++) {
                operation o = begin(is_read);
                send(&o, BEGIN);
                action a = failure(&o, EMQX_TLS_E_TRANSPORT, delivery, permanent);
                bool not_sent = delivery == EMQX_TLS_DELIVERY_NOT_SENT;
                assert_int_equal(a.again, !permanent && (is_read || not_sent));
                assert_int_equal(a.outcome, not_sent ? EMQX_TLS_OUTCOME_NOT_SENT
                                            : delivery == EMQX_TLS_DELIVERY_ANSWERED
                                                ? EMQX_TLS_OUTCOME_ANSWERED
                                                : EMQX_TLS_OUTCOME_LOST);
            }
}

static void two_repeats_with_full_jitter_inside_the_time(void **unused)
{
    (void)unused;
    operation o = begin(true);
    int64_t now = BEGIN;
    for (uint32_t i = 0; i < 2; i++) {
        send(&o, now);
        assert_true(http(&o, 503, EMQXI_RETRY_NONE).again);
        operation twin = o;
        assert_int_equal(settled(&twin, now, 0).until, now);
        twin = o;
        assert_int_equal(settled(&twin, now, 500 << i).until, now + (500 << i));
        twin = o;
        assert_int_equal(settled(&twin, now, (500 << i) + 1).until, now);
        twin = o;
        assert_int_equal(settled(&twin, BEGIN + TIMEOUT - 5, 5).type, EMQXI_DO_END);
        assert_int_equal(settled(&o, now, 77).until, now + 77);
        now += 77;
    }
    send(&o, now);
    assert_false(http(&o, 503, EMQXI_RETRY_NONE).again);
    assert_int_equal(settled(&o, now, 0).type, EMQXI_DO_END);
    assert_int_equal(o.attempts, 3);
}

/* -- cancelled --------------------------------------------------------------------------------- */

static void a_cancelled_one_gives_its_slot_back_and_is_not_repeated(void **unused)
{
    (void)unused;
    operation o = come_to(EMQXI_OPERATION_SENT);
    assert_int_equal(next(&o, EMQXI_ON_CANCEL, BEGIN).type, EMQXI_DO_WITHDRAW);
    assert_int_equal(next(&o, EMQXI_ON_CANCEL, BEGIN).type, EMQXI_DO_NOTHING);
    action a = failure(&o, EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_NOT_SENT, false);
    assert_int_equal(a.outcome, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_false(a.again);
    assert_int_equal(settled(&o, BEGIN, 0).type, EMQXI_DO_END);
    assert_int_equal(o.end, EMQXI_END_CANCELLED);

    o = come_to(EMQXI_OPERATION_PREPARING);
    assert_int_equal(next(&o, EMQXI_ON_CANCEL, BEGIN).outcome, EMQX_TLS_OUTCOME_NOT_SENT);
    next(&o, EMQXI_ON_SETTLED, BEGIN);
    assert_int_equal(o.end, EMQXI_END_CANCELLED);

    o = come_to(EMQXI_OPERATION_SETTLING); /* by somebody's log, say */
    next(&o, EMQXI_ON_CANCEL, BEGIN);
    assert_int_equal(settled(&o, BEGIN, 0).type, EMQXI_DO_END);
    assert_int_equal(o.end, EMQXI_END_CANCELLED);
}

/* -- whatever happens -------------------------------------------------------------------------- */

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % sides;
}

static emqxi_answer any_answer(void)
{
    static const int32_t statuses[] = {200, 404, 422, 429, 502, 503};
    static const emqx_tls_code codes[] = {EMQX_TLS_E_TRANSPORT, EMQX_TLS_E_TIMEOUT,
                                          EMQX_TLS_E_PROTOCOL, EMQX_TLS_E_NO_MEMORY};
    emqxi_answer a = ok;
    if (roll(2)) {
        a.status = statuses[roll(6)];
        a.retry_after_ms = (int64_t)roll(10000) - 2;
    } else {
        a.code = codes[roll(4)];
        a.delivery = roll(3);
        a.permanent = roll(4) == 0;
    }
    return a;
}

/* What an onlooker has seen of one operation. */
typedef struct seen {
    bool held, in_flight, asked;
    int sent, maybe_sent, ends;
} seen;

static void note(seen *s, const operation *o, const action *a, const event *e)
{
    if (e->type == EMQXI_ON_ANSWER && s->in_flight && a->type == EMQXI_DO_SETTLE) {
        s->in_flight = false;
        s->maybe_sent += e->answer->delivery != EMQX_TLS_DELIVERY_NOT_SENT;
        if (!s->held)
            fail_msg("sent without a slot");
    }
    if (s->asked && e->type == EMQXI_ON_SLOT && a->type != EMQXI_DO_NOTHING)
        s->held = true;
    s->asked = a->type == EMQXI_DO_RESERVE || (s->asked && a->type == EMQXI_DO_NOTHING);
    switch (a->type) {
    case EMQXI_DO_SEND:
        assert_true(s->held && !s->in_flight);
        assert_true(o->is_read || s->maybe_sent == 0); /* never a write twice */
        assert_true(a->lease_ms > 0 && a->lease_ms <= TIMEOUT);
        s->in_flight = true;
        s->sent++;
        break;
    case EMQXI_DO_SETTLE:
        assert_true(s->held && !s->in_flight);
        s->held = false;
        break;
    case EMQXI_DO_RESERVE:
        assert_false(s->held);
        assert_true(a->lease_ms > 0 && a->wait_ms >= 0);
        break;
    case EMQXI_DO_PAUSE:
        assert_false(s->held);
        break;
    case EMQXI_DO_END:
        assert_false(s->held || s->in_flight);
        s->ends++;
        break;
    default:
        break;
    }
}

static void whatever_happens_a_slot_is_settled_once_and_a_write_sent_once(void **unused)
{
    (void)unused;
    dice = 1;
    for (int walk = 0; walk < 200000; walk++) {
        operation o = begin(roll(2));
        seen s = {0};
        int64_t now = BEGIN;
        for (int step = 0; step < 40; step++) {
            emqxi_answer any = any_answer();
            event e = {.type = (int)roll(EMQXI_ON_CANCEL + (step % 10 == 9)),
                       .wait_ms = roll(3000),
                       .answer = &any,
                       .random = dice};
            now += roll(4) == 0 ? roll(9000) : roll(50);
            e.now = now;
            action a = emqxi_operation_next(&o, &e);
            note(&s, &o, &a, &e);
        }
        assert_true(s.sent <= 3 && (uint32_t)s.sent == o.attempts);
        assert_int_equal(s.ends, o.state == EMQXI_OPERATION_OVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state),
        cmocka_unit_test(a_read_leaves_time_for_a_repeat_and_a_write_takes_all),
        cmocka_unit_test(time_in_line_counts_against_the_wait_for_quota_alone),
        cmocka_unit_test(a_busy_store_is_asked_less_and_less_often_until_both_times_are_over),
        cmocka_unit_test(what_comes_too_late_says_what_it_waited_for),
        cmocka_unit_test(a_repeat_that_comes_too_late_leaves_the_first_failure),
        cmocka_unit_test(what_is_repeated_and_what_is_not),
        cmocka_unit_test(two_repeats_with_full_jitter_inside_the_time),
        cmocka_unit_test(a_cancelled_one_gives_its_slot_back_and_is_not_repeated),
        cmocka_unit_test(whatever_happens_a_slot_is_settled_once_and_a_write_sent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
