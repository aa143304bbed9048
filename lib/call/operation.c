/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "call/operation.h"

#include "wire/wire.h"

#include <emqxtls/limiter.h>

#define REPEATS_MAX    2
#define REST_MS        500  /* the longest before the first repeat; doubled for the next */
#define BUSY_MAX_MS    1000 /* a busy store is asked again so often at least */
#define BUSY_DOUBLINGS 7    /* of the time after which it is asked again */

typedef emqxi_operation operation;
typedef emqxi_operation_event event;
typedef emqxi_operation_action action;

static const action nothing = {.type = EMQXI_DO_NOTHING};

/* What happened to the request itself tells the caller more than that a repeat found no time. */
static action over(operation *o, int end)
{
    o->state = EMQXI_OPERATION_OVER;
    o->end = o->attempts > 0 && end != EMQXI_END_CANCELLED ? EMQXI_END_TOLD : end;
    return (action){.type = EMQXI_DO_END};
}

static action pause_until(operation *o, int state, int64_t until)
{
    o->state = state;
    o->until = until;
    return (action){.type = EMQXI_DO_PAUSE, .until = until};
}

/* -- the slot ---------------------------------------------------------------------------------- */

static action operation_reserve(operation *o, int64_t now)
{
    if (o->state == EMQXI_OPERATION_IN_LINE || o->state == EMQXI_OPERATION_STORE_BUSY) {
        /* A wait for quota. One for the store goes on when that is used up. */
        int64_t waited = now - o->since;
        if (o->state == EMQXI_OPERATION_STORE_BUSY)
            waited = EMQXI_MIN(waited, o->quota_left_ms);
        o->deadline += waited;
        if (o->end_ms)
            o->deadline = EMQXI_MIN(o->deadline, o->end_ms);
        o->quota_left_ms = EMQXI_MAX(o->quota_left_ms - waited, 0);
    }
    int64_t lease_ms = o->deadline - now;
    if (lease_ms <= 0)
        return over(o, o->busy > 0 ? EMQXI_END_STORE_BUSY : EMQXI_END_LATE);
    if (o->is_read) /* a repeat shall find time as well */
        lease_ms = EMQXI_MIN(lease_ms, EMQXI_MAX(o->timeout_ms / 2, 1));
    o->state = EMQXI_OPERATION_ASKING;
    o->until = now + lease_ms;
    return (action){.type = EMQXI_DO_RESERVE, .lease_ms = lease_ms, .wait_ms = o->quota_left_ms};
}

/* Thousands may ask while a process that was stopped holds a lock, or a server is away: each asks
 * less and less often. */
static action ask_later(operation *o, const event *e)
{
    int64_t pause = e->wait_ms;
    if (pause < BUSY_MAX_MS)
        pause = EMQXI_MIN(pause << EMQXI_MIN(o->busy, BUSY_DOUBLINGS), BUSY_MAX_MS);
    o->busy++;
    o->since = e->now;
    return pause_until(o, EMQXI_OPERATION_STORE_BUSY,
                       EMQXI_MIN(emqxi_add(e->now, pause), o->deadline + o->quota_left_ms));
}

static action operation_settle(operation *o, uint32_t outcome, int end)
{
    o->state = EMQXI_OPERATION_SETTLING;
    o->end = end;
    o->rest_ms = -1;
    return (action){.type = EMQXI_DO_SETTLE, .outcome = outcome, .wait_ms = EMQXI_RETRY_NONE};
}

static action use_slot(operation *o, int type, int64_t now)
{
    int64_t left = o->until - now;
    o->busy = 0;
    if (left <= 0)
        return operation_settle(o, EMQX_TLS_OUTCOME_NOT_SENT, EMQXI_END_STALE);
    o->state = type == EMQXI_DO_SEND ? EMQXI_OPERATION_SENT : EMQXI_OPERATION_PREPARING;
    o->attempts += type == EMQXI_DO_SEND;
    return (action){.type = type, .lease_ms = left, .until = o->until};
}

static action asked(operation *o, const event *e)
{
    switch (e->type) {
    case EMQXI_ON_SLOT:
        return use_slot(o, EMQXI_DO_PREPARE, e->now);
    case EMQXI_ON_LINE:
        o->busy = 0;
        o->since = e->now;
        return pause_until(o, EMQXI_OPERATION_IN_LINE,
                           e->now + EMQXI_MIN(e->wait_ms, o->quota_left_ms));
    case EMQXI_ON_STORE_BUSY:
        return ask_later(o, e);
    case EMQXI_ON_NO_SLOT:
        return over(o, EMQXI_END_TOLD);
    default:
        return nothing;
    }
}

static action prepared(operation *o, const event *e)
{
    if (e->type == EMQXI_ON_HELD_BACK)
        return operation_settle(o, EMQX_TLS_OUTCOME_NOT_SENT, EMQXI_END_TOLD);
    return e->type == EMQXI_ON_READY ? use_slot(o, EMQXI_DO_SEND, e->now) : nothing;
}

/* -- the exchange ------------------------------------------------------------------------------ */

/* Answers that may be others soon, since the server was in a hurry or could not reach another. */
static bool passes(int32_t status)
{
    return status == 408 || status == 425 || (status >= 502 && status <= 504);
}

/* A read whose answer passes; or, without an answer, what is known to have done no harm. A write
 * that was answered may have been carried out. */
static bool may_repeat(const operation *o, const emqxi_answer *a)
{
    if (o->end == EMQXI_END_CANCELLED || o->attempts > REPEATS_MAX)
        return false;
    if (a->code == EMQX_TLS_OK)
        return o->is_read && passes(a->status);
    return !a->permanent && (o->is_read || a->delivery == EMQX_TLS_DELIVERY_NOT_SENT);
}

static action on_answer(operation *o, const emqxi_answer *a)
{
    static const uint32_t outcomes[] = {[EMQX_TLS_DELIVERY_MAYBE] = EMQX_TLS_OUTCOME_LOST,
                                        [EMQX_TLS_DELIVERY_NOT_SENT] = EMQX_TLS_OUTCOME_NOT_SENT,
                                        [EMQX_TLS_DELIVERY_ANSWERED] = EMQX_TLS_OUTCOME_ANSWERED};
    action act = operation_settle(o, outcomes[a->delivery], o->end);
    if (a->code == EMQX_TLS_OK && a->status == 429) {
        act.outcome = EMQX_TLS_OUTCOME_REFUSED;
        act.wait_ms = a->retry_after_ms;
    }
    act.again = may_repeat(o, a);
    if (act.again)
        o->rest_ms = EMQXI_MAX(a->retry_after_ms, 0);
    return act;
}

static action settled(operation *o, const event *e)
{
    if (e->type != EMQXI_ON_SETTLED)
        return nothing;
    if (o->rest_ms < 0)
        return over(o, o->end);
    int64_t longest = (int64_t)REST_MS << (o->attempts - 1);
    int64_t rest = EMQXI_MAX((int64_t)(e->random % (uint64_t)(longest + 1)), o->rest_ms);
    int64_t until = emqxi_add(e->now, rest);
    return until < o->deadline ? pause_until(o, EMQXI_OPERATION_RESTING, until) : over(o, o->end);
}

static action operation_cancel(operation *o)
{
    switch (o->state) {
    case EMQXI_OPERATION_PREPARING:
        return operation_settle(o, EMQX_TLS_OUTCOME_NOT_SENT, EMQXI_END_CANCELLED);
    case EMQXI_OPERATION_SENT:
        if (o->end == EMQXI_END_CANCELLED)
            return nothing;
        o->end = EMQXI_END_CANCELLED;
        return (action){.type = EMQXI_DO_WITHDRAW};
    case EMQXI_OPERATION_SETTLING: /* it ends when that is done */
        o->end = EMQXI_END_CANCELLED;
        o->rest_ms = -1;
        return nothing;
    case EMQXI_OPERATION_OVER:
        return nothing;
    default:
        return over(o, EMQXI_END_CANCELLED);
    }
}

/* -- the states -------------------------------------------------------------------------------- */

static action on_turn(operation *o, const event *e)
{
    return e->type == EMQXI_ON_TURN ? operation_reserve(o, e->now) : nothing;
}

static action on_time(operation *o, const event *e)
{
    return e->now >= o->until ? on_turn(o, e) : nothing;
}

static action sent(operation *o, const event *e)
{
    if (e->type == EMQXI_ON_ANSWER)
        return on_answer(o, e->answer);
    return e->type == EMQXI_ON_TURN && e->now >= o->until ? (action){.type = EMQXI_DO_WITHDRAW}
                                                          : nothing;
}

static action ended(operation *o, const event *e)
{
    (void)o, (void)e;
    return nothing;
}

emqxi_operation_action emqxi_operation_next(emqxi_operation *o, const emqxi_operation_event *e)
{
    static action (*const states[])(operation *, const event *) = {
        [EMQXI_OPERATION_BEGUN] = on_turn,      [EMQXI_OPERATION_ASKING] = asked,
        [EMQXI_OPERATION_IN_LINE] = on_turn,    [EMQXI_OPERATION_STORE_BUSY] = on_time,
        [EMQXI_OPERATION_PREPARING] = prepared, [EMQXI_OPERATION_SENT] = sent,
        [EMQXI_OPERATION_SETTLING] = settled,   [EMQXI_OPERATION_RESTING] = on_time,
        [EMQXI_OPERATION_OVER] = ended};
    return e->type == EMQXI_ON_CANCEL ? operation_cancel(o) : states[o->state](o, e);
}
