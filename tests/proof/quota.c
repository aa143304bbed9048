/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota's core against everything that can happen in a small world: callers that reserve, send,
 * are answered or not, die; requests that arrive late; reboots; and platforms that count what
 * arrives, by clocks a tick apart. And against mutants of the core, each of which must be found broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"

/* -- moves --------------------------------------------------------------------------------------- */

static void to(explorer *x, world *w, const char *what)
{
    equal_make(w);
    explore_to(x, w, "%s", what);
}

/* What is promised to one who gets no slot. */
static void look_at_promise(explorer *x, const world *from, const emqx_tls_grant *g)
{
    emqxi_flight flight;
    world w = *from;
    int64_t longest = 2 * (is.right.held_ms + EMQXI_STRAY_MS + is.lease * TICK_MS);
    if (g->early_ms > g->late_ms || g->late_ms <= 0 || g->late_ms > longest)
        explore_broken(x, "the times that are promised make no sense");
    if (!quota_reserve(&w, NOW + g->late_ms, 0, &flight).granted)
        explore_broken(x, "no slot at the time that was promised");
    if (is.others)
        return;
    w = *from;
    for (int i = 0; i < SLOTS_MAX; i++)
        if (w.requests[i].used)
            quota_settle(&w, &w.requests[i], EMQX_TLS_OUTCOME_ANSWERED, -1);
    if (g->early_ms > 1 && quota_reserve(&w, NOW + g->early_ms - 1, 0, &flight).granted)
        explore_broken(x, "a slot before the time that was told as the earliest");
}

/* What is given against the second opinion. */
static void look_at_grant(explorer *x, const world *from, uint32_t granted)
{
    world w = *from;
    emqxi_flight flight;
    uint32_t remaining = quota_remaining(&w), held = opinion_held(from);
    if ((remaining > 0) != (granted == 1) || remaining > is.slots - EMQXI_MIN(held, is.slots))
        explore_broken(x, "what is told to remain is not what is given");
    if (granted && from->shut_ms > 0)
        explore_broken(x, "a slot is given though a 429 shuts the group");
    if (granted && held >= is.slots)
        explore_broken(x, "a slot that is held is given");
    if (is.others)
        return;
    if (!granted && held < is.slots)
        explore_broken(x, "a slot that could be given is not");
    if (quota_reserve(&w, NOW, 1, &flight).granted != (held + 1 < is.slots))
        explore_broken(x, "it is not as it should be behind one that is ahead");
}

/* A probe: more than our share, and one at a time until it is answered or can't arrive any more. */
static void begins_probe(explorer *x, world *w, request *r, const emqxi_log *log)
{
    if (!log->throttle.refused || log->count - log->refused < log->throttle.share)
        return;
    for (int i = 0; i < SLOTS_MAX; i++)
        if (w->requests[i].used && w->requests[i].probes_ms > 0)
            explore_broken(x, "a second probe leaves");
    r->probes_ms = (is.lease + STRAY_TICKS) * TICK_MS;
}

static void reserves(explorer *x, const world *from)
{
    world w = *from;
    request *r = NULL;
    emqxi_flight flight = {0};
    emqx_tls_grant grant = quota_reserve(&w, NOW, 0, &flight);
    look_at_grant(x, from, grant.granted);
    if (!grant.granted) {
        look_at_promise(x, from, &grant);
        to(x, &w, "somebody asks for a slot, and gets none");
        return;
    }
    for (int i = 0; i < SLOTS_MAX && !r; i++)
        if (!w.requests[i].used)
            r = &w.requests[i];
    if (!r)
        return;
    r->flight = flight;
    r->used = 1;
    r->lease_ms = NOW + is.lease * TICK_MS;
    begins_probe(x, &w, r, &from->log);
    opinion_takes(&w);
    to(x, &w, "somebody gets a slot");
}

static bool give_up(world *w, request *r)
{
    for (int i = 0; i < STRAYS_MAX && !r->arrived; i++)
        if (!w->strays[i]) {
            w->strays[i] = STRAY_TICKS;
            r->arrived = 1;
        }
    bool noted = r->arrived;
    memset(r, 0, sizeof *r);
    return noted;
}

static void ends(explorer *x, const world *from, int i, uint32_t outcome, const char *what)
{
    world w = *from;
    request *r = &w.requests[i];
    int64_t held = outcome == EMQX_TLS_OUTCOME_NOT_SENT ? 0 : is.right.held_ms;
    if (outcome == EMQX_TLS_OUTCOME_LOST)
        held += EMQXI_STRAY_MS;
    if (outcome == EMQX_TLS_OUTCOME_REFUSED && !r->orphan)
        opinion_shuts(&w, r);
    quota_settle(&w, r, outcome, -1);
    if (!r->orphan)
        opinion_holds(&w, r, held);
    if (outcome != EMQX_TLS_OUTCOME_LOST)
        memset(r, 0, sizeof *r);
    else if (!give_up(&w, r))
        return;
    to(x, &w, what);
}

static void dies(explorer *x, const world *from, int i)
{
    world w = *from;
    request gone = w.requests[i];
    if (!give_up(&w, &w.requests[i]))
        return;
    if (is.mutant == FREED_BY_DEATH)
        quota_settle(&w, &gone, EMQX_TLS_OUTCOME_NOT_SENT, -1);
    to(x, &w, "one that has a slot dies");
}

static void request_goes_on(explorer *x, const world *from, int i)
{
    world w = *from;
    const request *r = &from->requests[i];
    if (!r->used)
        return;
    for (int late = 0; late < 2 && !r->arrived; late++) {
        w = *from;
        opinion_arrives(x, &w, late);
        w.requests[i].arrived = 1;
        to(x, &w,
           late ? "its request arrives, by a clock that is a tick ahead" : "its request arrives");
    }
    if (!r->arrived) {
        ends(x, from, i, EMQX_TLS_OUTCOME_NOT_SENT, "it was certainly not sent");
    } else {
        ends(x, from, i, EMQX_TLS_OUTCOME_ANSWERED, "it is answered");
        if (is.others)
            ends(x, from, i, EMQX_TLS_OUTCOME_REFUSED, "it is answered by a 429");
    }
    ends(x, from, i, EMQX_TLS_OUTCOME_LOST, "it is given up");
    dies(x, from, i);
}

/* Everybody is gone; the clock begins anew, and counts no more than what went by. */
static void reboots(explorer *x, const world *from, uint8_t took, uint8_t counted)
{
    world w = *from;
    for (int i = 0; i < SLOTS_MAX; i++)
        if (w.requests[i].used && !give_up(&w, &w.requests[i]))
            return;
    int64_t longest = is.right.held_ms + EMQXI_STRAY_MS;
    quota_reboot(&w, (int64_t)counted * TICK_MS);
    emqxi_slot slots[SLOTS_MAX];
    int64_t held[SLOTS_MAX];
    emqxi_throttle throttle = w.log.throttle;
    for (int i = 0; i < SLOTS_MAX; i++)
        held[i] = EMQXI_MAX(EMQXI_MIN(w.held_ms[i] - counted * TICK_MS, longest), 0);
    memcpy(slots, w.slots, sizeof slots);
    equal_age(&w, took); /* the platform's time; that of the log is another one */
    memcpy(w.slots, slots, sizeof slots);
    memcpy(w.held_ms, held, sizeof held);
    w.log.throttle = throttle;
    to(x, &w, counted ? "a reboot" : "a reboot that nobody knows the length of");
}

/* Nothing that was in flight is known to the log any more. */
static void clock_steps_back(explorer *x, const world *from)
{
    world w = *from;
    quota_step_back(&w);
    for (int i = 0; i < SLOTS_MAX; i++) {
        w.requests[i].orphan = w.requests[i].used;
        w.requests[i].probes_ms = 0;
        memset(&w.requests[i].flight, 0, sizeof w.requests[i].flight);
    }
    to(x, &w, "the clock steps back by a tick");
}

static void moves(explorer *x, const void *state)
{
    const world *from = state;
    world w;
    bool may_wait = true;
    reserves(x, from);
    for (int i = 0; i < SLOTS_MAX; i++) {
        request_goes_on(x, from, i);
        may_wait &= !from->requests[i].used || from->requests[i].lease_ms > NOW;
    }
    for (int i = 0; i < STRAYS_MAX; i++) {
        if (!from->strays[i] || (i > 0 && from->strays[i] == from->strays[i - 1]))
            continue;
        w = *from;
        w.strays[i] = 0;
        opinion_arrives(x, &w, false);
        to(x, &w, "one that was given up arrives");
    }
    reboots(x, from, 1, 1);
    reboots(x, from, 2, 0);
    clock_steps_back(x, from);
    if (!may_wait)
        return; /* an exchange ends with its lease */
    w = *from;
    equal_age(&w, 1);
    to(x, &w, "20 s go by");
}

/* -- worlds -------------------------------------------------------------------------------------- */

static uint64_t states, all_moves;

static bool walk(uint32_t slots, uint32_t window, uint8_t lease, bool others, enum mutant mutant,
                 const char *name)
{
    const explore_model model = {sizeof(world), moves};
    explorer *x = explore_open(&model);
    world w;
    quota_set(slots, window, lease, others, mutant);
    memset(&w, 0, sizeof w);
    w.log.capacity = SLOTS_MAX;
    explore_from(x, &w);
    bool held = explore_run(x, name);
    states += explore_states(x);
    all_moves += explore_moves(x);
    if (name)
        printf("%9llu states %10llu moves: %s\n", (unsigned long long)explore_states(x),
               (unsigned long long)explore_moves(x), name);
    else
        printf("%s: %s\n", held ? "NOT FOUND" : "found", quota_mutant(mutant));
    fflush(stdout);
    explore_close(x);
    return held;
}

static bool walk_all(uint32_t slots_max, uint32_t window_max, uint32_t most)
{
    bool held = true;
    char name[128];
    for (uint32_t slots = 1; slots <= slots_max; slots++)
        for (uint32_t window = 1; window <= window_max; window++)
            for (uint8_t lease = 1; lease <= 2; lease++)
                for (int others = 0; others < 2; others++) {
                    if (others && slots * window > most)
                        continue; /* what a 429 teaches makes many states */
                    snprintf(name, sizeof name, "%u in %u ticks, a lease of %u%s", slots, window,
                             lease, others ? ", and 429s" : "");
                    held &= walk(slots, window, lease, others, RIGHT, name);
                }
    return held;
}

static bool needs_429s(enum mutant mutant)
{
    return mutant == REFUSED_AS_NOT_SENT || mutant == REFUSED_AS_ANSWERED ||
           mutant == SHUT_A_TICK_SHORT || mutant == PROBE_FORGOTTEN;
}

/* proof-quota [MOST]: worlds with 429s up to so many slots times ticks; without it also mutants. */
int main(int argc, char **argv)
{
    uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4;
    bool held = walk_all(SLOTS_MAX - 1, 6, most);
    printf("%llu states, %llu moves\n", (unsigned long long)states, (unsigned long long)all_moves);
    for (enum mutant mutant = RIGHT + 1; argc == 1 && mutant < MUTANTS; mutant++)
        held &= !walk(2, 3, 2, needs_429s(mutant), mutant, NULL);
    return !held;
}
