/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "quota.h"

setting is;

static const char *const mutants[MUTANTS] = {
    "the core as it is",
    "one slot more",
    "one slot less",
    "held a tick too short",
    "held a minute too long",
    "a lost request held like an answered one",
    "a lost request's slot given back",
    "the slot of what was not sent held",
    "the slot of what was refused given back",
    "held from the sending on",
    "the lease left out",
    "the slots of the dead given back",
    "a reboot frees all",
    "a reboot that counts for longer than it took",
    "what was in flight at a reboot held anew without its minute",
    "promised a tick too early",
    "ruled out a tick too long",
    "held for the window alone, without the second for clocks that differ",
    "a slot in flight without the minute behind its lease",
    "a lost request's minute counted from its sending",
    "those ahead not counted",
    "the earliest time told as the latest",
    "one more told to remain",
    "a ring that is not sorted",
    "a 429 taken for a success",
    "shut for a tick too little",
    "a probe forgotten",
    "a clock that went back believed",
    "a clock that went back taken for time that passed",
    "a clock that went back taken for a reboot",
};

emqxi_view quota_view(world *w, int64_t now)
{
    return (emqxi_view){.log = &w->log, .slots = w->slots, .limits = &is.limits, .now = now};
}

uint32_t quota_remaining(world *w)
{
    emqx_tls_quota quota = {.ahead = 0};
    emqxi_view v = quota_view(w, NOW);
    emqxi_log_query(&v, &quota);
    return quota.remaining + (is.mutant == ONE_MORE_REMAINS);
}

static emqxi_slot *slot_of(world *w, const emqxi_flight *flight)
{
    for (uint32_t i = 0; i < w->log.count; i++) {
        emqxi_slot *slot = &w->slots[(w->log.first + i) % w->log.capacity];
        if (slot->id == flight->id)
            return slot;
    }
    return NULL;
}

emqx_tls_grant quota_reserve(world *w, int64_t now, uint32_t ahead, emqxi_flight *flight)
{
    emqx_tls_grant grant = {0};
    emqx_tls_ask ask = {.lease_ms = is.mutant == NO_LEASE ? 0 : is.lease * TICK_MS,
                        .ahead = is.mutant == AHEAD_IGNORED ? 0 : ahead};
    emqxi_view v = quota_view(w, now);
    emqxi_log_reserve(&v, &ask, &grant, flight);
    if (is.mutant == LATE_TOO_EARLY && grant.late_ms > TICK_MS)
        grant.late_ms -= TICK_MS;
    if (is.mutant == EARLIEST_AS_LATEST)
        grant.late_ms = grant.early_ms;
    if (is.mutant == EARLY_TOO_LATE && grant.early_ms > 0)
        grant.early_ms += TICK_MS;
    if (is.mutant == NO_MINUTE_IN_FLIGHT && grant.granted)
        flight->release_ms = slot_of(w, flight)->release_ms -= EMQXI_STRAY_MS;
    if (is.mutant == PROBE_FORGOTTEN)
        w->log.throttle.probe_id = 0;
    return grant;
}

static uint32_t mutated(uint32_t outcome)
{
    switch (is.mutant) {
    case LOST_AS_ANSWERED:
        return outcome == EMQX_TLS_OUTCOME_LOST ? EMQX_TLS_OUTCOME_ANSWERED : outcome;
    case LOST_AS_NOT_SENT:
        return outcome == EMQX_TLS_OUTCOME_LOST ? EMQX_TLS_OUTCOME_NOT_SENT : outcome;
    case REFUSED_AS_NOT_SENT:
        return outcome == EMQX_TLS_OUTCOME_REFUSED ? EMQX_TLS_OUTCOME_NOT_SENT : outcome;
    case REFUSED_AS_ANSWERED:
        return outcome == EMQX_TLS_OUTCOME_REFUSED ? EMQX_TLS_OUTCOME_ANSWERED : outcome;
    case NOT_SENT_AS_LOST:
        return outcome == EMQX_TLS_OUTCOME_NOT_SENT ? EMQX_TLS_OUTCOME_LOST : outcome;
    default:
        return outcome;
    }
}

void quota_settle(world *w, const request *r, uint32_t outcome, int64_t retry_after_ms)
{
    bool early = is.mutant == STAMPED_AT_SEND ||
                 (is.mutant == MINUTE_FROM_SENDING && outcome == EMQX_TLS_OUTCOME_LOST);
    emqxi_view v = quota_view(w, early ? r->flight.left_ms : NOW);
    emqxi_log_settle(&v, &r->flight, mutated(outcome), retry_after_ms, 0);
    if (is.mutant == SHUT_A_TICK_SHORT && outcome == EMQX_TLS_OUTCOME_REFUSED)
        w->log.throttle.shut_ms -= TICK_MS;
    if (is.mutant == UNSORTED && w->log.count > 1) {
        emqxi_slot *first = &w->slots[w->log.first], kept = *first;
        emqxi_slot *last = &w->slots[(w->log.first + w->log.count - 1) % w->log.capacity];
        *first = *last;
        *last = kept;
    }
}

void quota_reboot(world *w, int64_t took_ms)
{
    emqxi_view v = quota_view(w, NOW);
    if (is.mutant == REBOOT_TAKES_LONG)
        took_ms += 2 * TICK_MS;
    emqxi_log_rebase(&v, -took_ms, 0);
    if (is.mutant == FREED_BY_REBOOT)
        w->log.count = w->log.passed = w->log.refused = 0;
    for (uint32_t i = 0; i < w->log.count && is.mutant == REBOOT_BEGINS_ANEW; i++)
        w->slots[i].release_ms = EMQXI_MIN(w->slots[i].release_ms, NOW + is.limits.held_ms);
}

/* As a store does it that notices: no time has passed since it was last used. What was in flight
 * has a ticket by the old time. */
void quota_step_back(world *w)
{
    emqxi_view v = quota_view(w, NOW);
    if (is.mutant == STEP_BACK_BELIEVED)
        for (uint32_t i = 0; i < w->log.count; i++)
            w->slots[(w->log.first + i) % w->log.capacity].release_ms += TICK_MS;
    else
        emqxi_log_rebase(&v, is.mutant == STEP_BACK_COUNTS ? -TICK_MS : 0,
                         is.mutant == STEP_BACK_IS_REBOOT ? 0 : INT32_MAX);
}

void quota_set(uint32_t slots, uint32_t window, uint8_t lease, bool others, enum mutant mutant)
{
    is.slots = slots;
    is.window = window;
    is.lease = lease;
    is.others = others;
    is.mutant = mutant;
    emqxi_limits_set(&is.right, slots, (uint64_t)window * TICK_MS);
    is.limits = is.right;
    is.limits.slots += (mutant == ONE_SLOT_MORE) - (mutant == ONE_SLOT_LESS);
    is.limits.held_ms += mutant == A_TICK_SHORT    ? -TICK_MS - 2000
                         : mutant == A_MINUTE_LONG ? 60000
                         : mutant == NO_MARGIN     ? is.right.window_ms - is.right.held_ms
                                                   : 0;
}

const char *quota_mutant(enum mutant mutant)
{
    return mutants[mutant];
}
