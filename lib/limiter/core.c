/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/core.h"

#include <string.h>

void emqxi_limits_set(emqxi_limits *limits, uint32_t slots, uint64_t window_ms)
{
    limits->slots = slots;
    limits->window_ms = (int64_t)window_ms;
    limits->held_ms = (int64_t)(window_ms + 1000 + (window_ms + 1999) / 2000);
}

/* -- the ring: position 0 is released first ---------------------------------------------------- */

static emqxi_slot *slot_at(const emqxi_view *v, uint32_t position)
{
    uint32_t left = v->log->capacity - v->log->first;
    return &v->slots[position < left ? v->log->first + position : position - left];
}

/* Puts a slot into its place, at `position` or before it. */
static void put_up_to(const emqxi_view *v, uint32_t position, emqxi_slot slot)
{
    for (; position > 0; position--) {
        const emqxi_slot *before = slot_at(v, position - 1);
        if (before->release_ms <= slot.release_ms)
            break;
        *slot_at(v, position) = *before;
    }
    *slot_at(v, position) = slot;
}

/* Adds a slot for what ends at end_ms; returns it. */
static emqxi_slot add(const emqxi_view *v, int64_t end_ms, uint32_t state)
{
    emqxi_log *log = v->log;
    log->last_id = log->last_id == UINT32_MAX ? 1 : log->last_id + 1;
    emqxi_slot slot = {
        .release_ms = emqxi_add(end_ms, v->limits->held_ms), .id = log->last_id, .state = state};
    put_up_to(v, log->count++, slot);
    return slot;
}

static bool in_flight(const emqxi_view *v, const emqxi_slot *slot)
{
    return slot->state == EMQXI_SLOT_IN_FLIGHT &&
           slot->release_ms > emqxi_add(v->now, v->limits->held_ms);
}

void emqxi_log_advance(const emqxi_view *v)
{
    emqxi_log *log = v->log;
    while (log->count > 0 && v->slots[log->first].release_ms <= v->now) {
        log->passed -= v->slots[log->first].state == EMQXI_SLOT_PASSED;
        log->refused -= v->slots[log->first].state == EMQXI_SLOT_REFUSED;
        log->first = log->first + 1 == log->capacity ? 0 : log->first + 1;
        log->count--;
    }
    if (log->throttle.refused && log->count == 0 && emqxi_throttle_over(v, v->now))
        memset(&log->throttle, 0, sizeof log->throttle);
}

bool emqxi_log_full(const emqxi_view *v)
{
    return v->log->count == v->log->capacity && v->log->count < v->limits->slots;
}

void emqxi_log_grow(emqxi_log *log, emqxi_slot *slots, uint32_t capacity)
{
    /* it wraps: what lies before the end goes to the new end */
    if (log->first + log->count > log->capacity) {
        uint32_t n = log->capacity - log->first;
        memmove(slots + capacity - n, slots + log->first, n * sizeof *slots);
        log->first = capacity - n;
    }
    log->capacity = capacity;
}

/* -- decisions --------------------------------------------------------------------------------- */

/* Until more than ask->ahead slots are free. Where more are ahead than there are slots, each slot
 * is first used again, each time for at least W'. */
static emqxi_wait slot_wait(const emqxi_view *v, const emqx_tls_ask *ask)
{
    uint32_t slots = v->limits->slots, count = v->log->count;
    uint32_t free = slots > count ? slots - count : 0;
    if (ask->ahead < free)
        return (emqxi_wait){0, 0};

    int64_t again = EMQXI_MIN(ask->ahead / slots, 100000), held = v->limits->held_ms;
    uint32_t position = ask->ahead % slots;
    int64_t late = position < free ? v->now : slot_at(v, position - free)->release_ms, early = late;
    int64_t soonest = emqxi_add(v->now, held); /* of a slot in flight */
    for (uint32_t i = count; early > soonest && i > 0; i--) {
        const emqxi_slot *slot = slot_at(v, i - 1);
        if (slot->release_ms <= soonest)
            break;
        if (in_flight(v, slot))
            early = soonest;
    }
    early = emqxi_add(early, again * held);
    late = emqxi_add(late, again * (held + EMQXI_STRAY_MS + ask->lease_ms));
    return (emqxi_wait){early - v->now, late - v->now};
}

static void decide(const emqxi_view *v, const emqx_tls_ask *ask, emqx_tls_grant *grant, bool *probe)
{
    emqxi_wait slot = slot_wait(v, ask), share = {0, 0};
    *probe = false;
    if (v->log->throttle.refused)
        share = emqxi_throttle_wait(v, ask->ahead, probe);
    const bool shared = share.late_ms == 0; /* as it is for a probe */
    grant->granted = slot.late_ms == 0 && shared;
    grant->busy = 0;
    grant->early_ms = EMQXI_MAX(slot.early_ms, share.early_ms);
    grant->late_ms = EMQXI_MAX(slot.late_ms, share.late_ms);
    if (!shared && share.late_ms >= slot.late_ms)
        grant->reason = EMQX_TLS_QUOTA_SHUT;
    else
        grant->reason = slot.early_ms < slot.late_ms ? EMQX_TLS_QUOTA_IN_FLIGHT : 0;
}

void emqxi_log_reserve(const emqxi_view *v, const emqx_tls_ask *given, emqx_tls_grant *grant,
                       emqxi_flight *flight)
{
    bool probe;
    emqx_tls_ask ask = *given;
    ask.lease_ms = EMQXI_MIN(EMQXI_MAX(given->lease_ms, 0), INT32_MAX);
    emqxi_log_advance(v);
    decide(v, &ask, grant, &probe);
    if (!grant->granted)
        return;
    int64_t end = emqxi_add(v->now, ask.lease_ms + EMQXI_STRAY_MS);
    emqxi_slot slot = add(v, end, EMQXI_SLOT_IN_FLIGHT);
    if (probe) {
        v->log->throttle.probe_id = slot.id;
        v->log->throttle.probe_end_ms = end;
    }
    flight->release_ms = slot.release_ms;
    flight->left_ms = v->now;
    flight->id = slot.id;
}

/* The position of a slot in flight; log->count: it is not in flight any more. Searched from the
 * end, where those in flight are. */
static uint32_t find_flight(const emqxi_view *v, const emqxi_flight *flight)
{
    for (uint32_t i = v->log->count; i > 0; i--) {
        const emqxi_slot *slot = slot_at(v, i - 1);
        if (slot->release_ms < flight->release_ms)
            break;
        if (slot->release_ms == flight->release_ms && slot->id == flight->id)
            return in_flight(v, slot) ? i - 1 : v->log->count;
    }
    return v->log->count;
}

void emqxi_log_settle(const emqxi_view *v, const emqxi_flight *flight, uint32_t outcome,
                      int64_t retry_after_ms, uint64_t random)
{
    emqxi_log *log = v->log;
    emqxi_log_advance(v);
    uint32_t position = find_flight(v, flight);
    if (position == log->count)
        return;
    if (log->throttle.probe_id == flight->id)
        log->throttle.probe_id = 0;
    if (outcome == EMQX_TLS_OUTCOME_NOT_SENT) {
        for (log->count--; position < log->count; position++)
            *slot_at(v, position) = *slot_at(v, position + 1);
        return;
    }
    emqxi_slot slot = *slot_at(v, position);
    int64_t end = v->now;
    if (outcome == EMQX_TLS_OUTCOME_ANSWERED) {
        slot.state = EMQXI_SLOT_PASSED;
        log->passed++;
        if (log->throttle.refused)
            log->throttle.share = EMQXI_MAX(log->throttle.share, log->passed);
    } else if (outcome == EMQX_TLS_OUTCOME_REFUSED) {
        slot.state = EMQXI_SLOT_REFUSED;
        log->refused++;
        emqxi_throttle_refused(v, flight->left_ms, retry_after_ms, random);
    } else {
        slot.state = EMQXI_SLOT_LOST;
        end = emqxi_add(v->now, EMQXI_STRAY_MS);
    }
    slot.release_ms = EMQXI_MIN(slot.release_ms, emqxi_add(end, v->limits->held_ms));
    put_up_to(v, position, slot); /* it is released no later than it was to be */
}

void emqxi_log_query(const emqxi_view *v, emqx_tls_quota *quota)
{
    const emqxi_log *log = v->log;
    emqx_tls_ask ask = {.ahead = 0};
    emqx_tls_grant grant;
    bool probe;
    emqxi_log_advance(v);
    decide(v, &ask, &grant, &probe);
    quota->limit = v->limits->slots;
    quota->used = log->count;
    quota->remaining = grant.granted ? quota->limit - log->count : 0;
    if (grant.granted && log->throttle.refused) {
        uint32_t more = log->throttle.share - (log->count - log->refused);
        quota->remaining = EMQXI_MIN(quota->remaining, probe ? 1 : more);
    }
    if (quota->ahead > 0) {
        ask.ahead = quota->ahead;
        decide(v, &ask, &grant, &probe);
    }
    quota->next_ms = grant.late_ms;
    quota->reason = grant.granted ? 0 : grant.reason;
}

/* -- what stores do with logs ------------------------------------------------------------------ */

bool emqxi_log_idle(const emqxi_view *v)
{
    emqxi_log_advance(v);
    return v->log->count == 0 && !v->log->throttle.refused;
}

void emqxi_log_rebase(const emqxi_view *v, int64_t delta_ms, int64_t lease_ms)
{
    int64_t last = emqxi_add(v->now, lease_ms + EMQXI_STRAY_MS + v->limits->held_ms);
    for (uint32_t i = 0; i < v->log->count; i++) {
        emqxi_slot *slot = slot_at(v, i);
        slot->release_ms = EMQXI_MIN(emqxi_add(slot->release_ms, delta_ms), last);
        if (slot->state == EMQXI_SLOT_IN_FLIGHT)
            slot->state = EMQXI_SLOT_LOST;
    }
    emqxi_throttle *throttle = &v->log->throttle;
    throttle->probe_id = 0;
    if (!throttle->refused)
        return;
    throttle->refused_ms = EMQXI_MIN(emqxi_add(throttle->refused_ms, delta_ms), v->now);
    throttle->shut_ms = EMQXI_MIN(emqxi_add(throttle->shut_ms, delta_ms), last);
    throttle->probe_ms = EMQXI_MIN(emqxi_add(throttle->probe_ms, delta_ms), last);
}

void emqxi_log_charge(const emqxi_view *v, int64_t end_ms, uint32_t n)
{
    emqxi_log_advance(v);
    for (; n > 0 && v->log->count < v->limits->slots; n--)
        add(v, end_ms, EMQXI_SLOT_LOST);
}
