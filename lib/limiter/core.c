/* SPDX-License-Identifier: MIT */
#include "limiter/core.h"

#include <string.h>

void emqxi_limits_set(emqxi_limits *limits, uint32_t slots, uint64_t window_ms)
{
    limits->slots = slots;
    limits->window_ms = (int64_t)window_ms;
    limits->held_ms = (int64_t)(window_ms + 1000 + (window_ms + 1999) / 2000);
}

/* -- the ring: position 0 is released first ---------------------------------------------------- */

static uint32_t at(const emqxi_log *log, uint32_t position)
{
    uint32_t left = log->capacity - log->first;
    return position < left ? log->first + position : position - left;
}

static void take_out(emqxi_log *log, emqxi_slot *slots, uint32_t position)
{
    log->count--;
    for (; position < log->count; position++)
        slots[at(log, position)] = slots[at(log, position + 1)];
}

/* Puts a slot into its place, at `position` or before it. */
static void put_up_to(emqxi_log *log, emqxi_slot *slots, uint32_t position, emqxi_slot slot)
{
    for (; position > 0; position--) {
        const emqxi_slot *before = &slots[at(log, position - 1)];
        if (before->release_ms <= slot.release_ms)
            break;
        slots[at(log, position)] = *before;
    }
    slots[at(log, position)] = slot;
}

static void insert(emqxi_log *log, emqxi_slot *slots, emqxi_slot slot)
{
    put_up_to(log, slots, log->count++, slot);
}

/* The first position that is released at `time` or later. Searched from the end, where those in
 * flight are. */
static uint32_t first_from(const emqxi_log *log, const emqxi_slot *slots, int64_t time)
{
    uint32_t low = log->count, high = log->count;
    for (uint32_t step = 1; low > 0 && slots[at(log, low - 1)].release_ms >= time; step *= 2) {
        high = low - 1;
        low = high > step ? high - step : 0;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slots[at(log, middle)].release_ms < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool in_flight(const emqxi_slot *slot, const emqxi_limits *limits, int64_t now)
{
    return slot->state == EMQXI_SLOT_IN_FLIGHT &&
           slot->release_ms > emqxi_add(now, limits->held_ms);
}

void emqxi_log_advance(emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                       int64_t now)
{
    while (log->count > 0 && slots[log->first].release_ms <= now) {
        log->passed -= slots[log->first].state == EMQXI_SLOT_PASSED;
        log->refused -= slots[log->first].state == EMQXI_SLOT_REFUSED;
        log->first = log->first + 1 == log->capacity ? 0 : log->first + 1;
        log->count--;
    }
    if (log->share.refused && log->count == 0 && emqxi_share_over(&log->share, limits, now))
        memset(&log->share, 0, sizeof log->share);
}

bool emqxi_log_full(const emqxi_log *log, const emqxi_limits *limits)
{
    return log->count == log->capacity && log->count < limits->slots;
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

/* Until more than `ahead` slots are free. Where more are ahead than there are slots, each slot is
 * first used again, each time for at least W'. */
static emqxi_wait slot_wait(const emqxi_log *log, const emqxi_slot *slots,
                            const emqxi_limits *limits, int64_t now, int64_t lease_ms,
                            uint32_t ahead)
{
    uint32_t free = limits->slots > log->count ? limits->slots - log->count : 0;
    if (ahead < free)
        return (emqxi_wait){0, 0};

    int64_t again = EMQXI_MIN(ahead / limits->slots, 100000);
    uint32_t position = ahead % limits->slots;
    int64_t late = position < free ? now : slots[at(log, position - free)].release_ms, early = late;
    int64_t soonest = emqxi_add(now, limits->held_ms); /* of a slot in flight */
    for (uint32_t i = log->count; early > soonest && i > 0; i--) {
        const emqxi_slot *slot = &slots[at(log, i - 1)];
        if (slot->release_ms <= soonest)
            break;
        if (in_flight(slot, limits, now))
            early = soonest;
    }
    early = emqxi_add(early, again * limits->held_ms);
    late = emqxi_add(late, again * (limits->held_ms + EMQXI_STRAY_MS + lease_ms));
    return (emqxi_wait){early - now, late - now};
}

static void decide(const emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                   int64_t now, int64_t lease_ms, uint32_t ahead, emqxi_reservation *reservation,
                   bool *probe)
{
    emqxi_wait slot = slot_wait(log, slots, limits, now, lease_ms, ahead), share = {0, 0};
    bool shared = true;
    *probe = false;
    if (log->share.refused) {
        share = emqxi_share_wait(log, slots, limits, now, ahead, probe);
        shared = *probe || share.late_ms == 0;
    }
    reservation->granted = slot.late_ms == 0 && shared;
    reservation->early_ms = EMQXI_MAX(slot.early_ms, share.early_ms);
    reservation->late_ms = EMQXI_MAX(slot.late_ms, share.late_ms);
    if (!shared && share.late_ms >= slot.late_ms)
        reservation->reason = EMQX_TLS_QUOTA_SHUT;
    else
        reservation->reason = slot.early_ms < slot.late_ms ? EMQX_TLS_QUOTA_IN_FLIGHT : 0;
}

void emqxi_log_reserve(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                       int64_t lease_ms, uint32_t ahead, emqxi_reservation *reservation)
{
    bool probe;
    lease_ms = EMQXI_MIN(EMQXI_MAX(lease_ms, 0), INT32_MAX);
    emqxi_log_advance(log, slots, limits, now);
    decide(log, slots, limits, now, lease_ms, ahead, reservation, &probe);
    if (!reservation->granted)
        return;

    int64_t end = emqxi_add(now, lease_ms + EMQXI_STRAY_MS);
    log->last_id = log->last_id == UINT32_MAX ? 1 : log->last_id + 1;
    emqxi_slot slot = {.release_ms = emqxi_add(end, limits->held_ms),
                       .id = log->last_id,
                       .state = EMQXI_SLOT_IN_FLIGHT};
    insert(log, slots, slot);
    if (probe)
        emqxi_share_probe(&log->share, slot.id, end);
    reservation->flight =
        (emqxi_flight){.release_ms = slot.release_ms, .left_ms = now, .id = slot.id};
}

void emqxi_log_settle(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                      const emqxi_flight *flight, uint32_t outcome, int64_t retry_after_ms,
                      uint64_t random)
{
    emqxi_log_advance(log, slots, limits, now);
    uint32_t position = first_from(log, slots, flight->release_ms);
    while (position < log->count && slots[at(log, position)].id != flight->id &&
           slots[at(log, position)].release_ms == flight->release_ms)
        position++;
    if (position == log->count)
        return;
    emqxi_slot slot = slots[at(log, position)];
    if (slot.id != flight->id || slot.release_ms != flight->release_ms ||
        !in_flight(&slot, limits, now))
        return;

    if (log->share.probe_id == slot.id)
        log->share.probe_id = 0;
    if (outcome == EMQX_TLS_OUTCOME_NOT_SENT) {
        take_out(log, slots, position);
        return;
    }
    int64_t end = now;
    if (outcome == EMQX_TLS_OUTCOME_ANSWERED) {
        slot.state = EMQXI_SLOT_PASSED;
        log->passed++;
        if (log->share.refused && log->passed > log->share.share)
            log->share.share = log->passed;
    } else if (outcome == EMQX_TLS_OUTCOME_REFUSED) {
        slot.state = EMQXI_SLOT_REFUSED;
        log->refused++;
        emqxi_share_refused(log, limits, now, flight->left_ms, retry_after_ms, random);
    } else {
        slot.state = EMQXI_SLOT_LOST;
        end = emqxi_add(now, EMQXI_STRAY_MS);
    }
    slot.release_ms = EMQXI_MIN(slot.release_ms, emqxi_add(end, limits->held_ms));
    put_up_to(log, slots, position, slot); /* it is released no later than it was to be */
}

void emqxi_log_query(emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                     int64_t now, emqx_tls_quota *quota)
{
    emqxi_reservation reservation;
    bool probe;
    emqxi_log_advance(log, slots, limits, now);
    decide(log, slots, limits, now, 0, 0, &reservation, &probe);
    quota->limit = limits->slots;
    quota->used = log->count;
    quota->remaining = reservation.granted ? limits->slots - log->count : 0;
    if (reservation.granted && log->share.refused) {
        uint32_t held = log->count - log->refused, share = log->share.share;
        quota->remaining = EMQXI_MIN(quota->remaining, probe ? 1 : share - held);
    }
    quota->next_ms = reservation.late_ms;
    quota->reason = reservation.granted ? 0 : reservation.reason;
    quota->reserved = 0;
}

bool emqxi_log_idle(const emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                    int64_t now)
{
    return (log->count == 0 || slots[at(log, log->count - 1)].release_ms <= now) &&
           (!log->share.refused || emqxi_share_over(&log->share, limits, now));
}

void emqxi_log_rebase(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits,
                      int64_t delta_ms, int64_t now)
{
    int64_t last = emqxi_add(now, limits->held_ms + EMQXI_STRAY_MS);
    for (uint32_t i = 0; i < log->count; i++) {
        emqxi_slot *slot = &slots[at(log, i)];
        slot->release_ms = EMQXI_MIN(emqxi_add(slot->release_ms, delta_ms), last);
        if (slot->state == EMQXI_SLOT_IN_FLIGHT)
            slot->state = EMQXI_SLOT_LOST;
    }
    emqxi_share *share = &log->share;
    share->probe_id = 0;
    if (!share->refused)
        return;
    share->refused_ms = EMQXI_MIN(emqxi_add(share->refused_ms, delta_ms), now);
    share->shut_ms = EMQXI_MIN(emqxi_add(share->shut_ms, delta_ms), last);
    share->probe_ms = EMQXI_MIN(emqxi_add(share->probe_ms, delta_ms), last);
}

void emqxi_log_charge(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                      int64_t end_ms, uint32_t n)
{
    emqxi_log_advance(log, slots, limits, now);
    for (; n > 0 && log->count < limits->slots; n--) {
        log->last_id = log->last_id == UINT32_MAX ? 1 : log->last_id + 1;
        emqxi_slot slot = {.release_ms = emqxi_add(end_ms, limits->held_ms),
                           .id = log->last_id,
                           .state = EMQXI_SLOT_LOST};
        insert(log, slots, slot);
    }
}
