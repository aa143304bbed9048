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
};

emqxi_view quota_view(world *w, int64_t now)
{
    return (emqxi_view){.log = &w->log, .slots = w->slots, .limits = &is.limits, .now = now};
}

emqx_tls_grant quota_reserve(world *w, int64_t now, emqxi_flight *flight)
{
    emqx_tls_grant grant = {0};
    emqx_tls_ask ask = {.lease_ms = is.mutant == NO_LEASE ? 0 : is.lease * TICK_MS};
    emqxi_view v = quota_view(w, now);
    emqxi_log_reserve(&v, &ask, &grant, flight);
    if (is.mutant == LATE_TOO_EARLY && grant.late_ms > TICK_MS)
        grant.late_ms -= TICK_MS;
    if (is.mutant == EARLY_TOO_LATE && grant.early_ms > 0)
        grant.early_ms += TICK_MS;
    return grant;
}

void quota_settle(world *w, const request *r, uint32_t outcome, int64_t retry_after_ms)
{
    emqxi_view v = quota_view(w, is.mutant == STAMPED_AT_SEND ? r->flight.left_ms : NOW);
    if (outcome == EMQX_TLS_OUTCOME_LOST && is.mutant == LOST_AS_ANSWERED)
        outcome = EMQX_TLS_OUTCOME_ANSWERED;
    else if ((outcome == EMQX_TLS_OUTCOME_LOST && is.mutant == LOST_AS_NOT_SENT) ||
             (outcome == EMQX_TLS_OUTCOME_REFUSED && is.mutant == REFUSED_AS_NOT_SENT))
        outcome = EMQX_TLS_OUTCOME_NOT_SENT;
    else if (outcome == EMQX_TLS_OUTCOME_NOT_SENT && is.mutant == NOT_SENT_AS_LOST)
        outcome = EMQX_TLS_OUTCOME_LOST;
    emqxi_log_settle(&v, &r->flight, outcome, retry_after_ms, 0);
}

void quota_reboot(world *w, int64_t took_ms)
{
    emqxi_view v = quota_view(w, NOW);
    if (is.mutant == REBOOT_TAKES_LONG)
        took_ms += 2 * TICK_MS;
    emqxi_log_rebase(&v, -took_ms);
    if (is.mutant == FREED_BY_REBOOT)
        w->log.count = w->log.passed = w->log.refused = 0;
    for (uint32_t i = 0; i < w->log.count && is.mutant == REBOOT_BEGINS_ANEW; i++)
        w->slots[i].release_ms = EMQXI_MIN(w->slots[i].release_ms, NOW + is.limits.held_ms);
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
                                                   : 0;
}

const char *quota_mutant(enum mutant mutant)
{
    return mutants[mutant];
}
