/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota's core against everything that can happen in a small world: callers that reserve, send,
 * are answered or not, die; requests that arrive late; reboots; and platforms that count what
 * arrives. And against mutants of the core, each of which must be found broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "quota.h"

/* -- the second opinion -------------------------------------------------------------------------- */

static uint32_t count_held(const world *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        n += w->held_ms[i] > 0;
    return n;
}

static void hold(world *w, int64_t end_ms)
{
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (w->held_ms[i] == 0) {
            w->held_ms[i] = end_ms + is.right.held_ms;
            return;
        }
}

static int64_t held_in_flight(const request *r)
{
    return r->lease_ms - NOW + EMQXI_STRAY_MS + is.right.held_ms;
}

/* The slot of a request in flight is held until then now; 0: it is free. */
static void hold_until(world *w, const request *r, int64_t until_ms)
{
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (w->held_ms[i] == held_in_flight(r)) {
            w->held_ms[i] = EMQXI_MIN(until_ms, w->held_ms[i]);
            return;
        }
}

/* A request arrives: no platform that counts N in a window in any way may refuse it. */
static void arrive(explorer *x, world *w)
{
    uint32_t n = 0, oldest = 0;
    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        n += w->arrived[i] > 0;
        if (w->arrived[oldest] != 0 && (w->arrived[i] == 0 || w->arrived[i] > w->arrived[oldest]))
            oldest = i;
    }
    if (n >= is.slots)
        explore_broken(x, "one more arrives within a window than it may hold");
    w->arrived[oldest] = 1;
    /* N tokens, one each W/N: a token is `window` parts, a tick brings N of them */
    w->tokens = (uint8_t)(w->tokens + is.window);
    if (w->tokens > is.slots * is.window)
        explore_broken(x, "one more arrives than a bucket has tokens");
}

/* -- equal states -------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(b, a, 1);
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

static int by_request(const void *a, const void *b)
{
    return memcmp(b, a, sizeof(request));
}

/* Numbers slots by their place, from the first of the ring on. */
static void renumber(world *w)
{
    emqxi_slot slots[SLOTS_MAX] = {0};
    uint32_t probe = 0, ids[SLOTS_MAX] = {0};
    for (uint32_t i = 0; i < w->log.count; i++) {
        slots[i] = w->slots[(w->log.first + i) % w->log.capacity];
        for (int j = 0; j < SLOTS_MAX; j++)
            if (w->requests[j].used && w->requests[j].flight.id == slots[i].id)
                ids[j] = i + 1;
        if (w->log.throttle.probe_id == slots[i].id)
            probe = i + 1;
        slots[i].id = i + 1;
    }
    for (int j = 0; j < SLOTS_MAX; j++)
        w->requests[j].flight.id = ids[j];
    memcpy(w->slots, slots, sizeof slots);
    w->log.first = 0;
    w->log.last_id = w->log.count;
    w->log.throttle.probe_id = probe;
}

static void age_throttle(emqxi_throttle *t, int64_t ms)
{
    if (!t->refused)
        return;
    t->refused_ms = EMQXI_MAX(t->refused_ms - ms, NOW - 2 * is.limits.window_ms);
    t->shut_ms = EMQXI_MAX(t->shut_ms - ms, NOW);
    t->probe_ms = EMQXI_MAX(t->probe_ms - ms, NOW);
    t->probe_end_ms = t->probe_id ? EMQXI_MAX(t->probe_end_ms - ms, NOW) : 0;
    t->k = EMQXI_MIN(t->k, 3); /* with so few slots it makes no difference any more */
}

/* So many ticks go by. */
static void age(world *w, uint8_t ticks)
{
    int64_t ms = (int64_t)ticks * TICK_MS;
    uint32_t refill = is.slots * ticks;
    for (uint32_t i = 0; i < w->log.capacity; i++)
        w->slots[i].release_ms -= w->slots[i].id ? ms : 0;
    for (int i = 0; i < SLOTS_MAX; i++) {
        request *r = &w->requests[i];
        r->flight.left_ms -= r->used ? ms : 0;
        r->flight.release_ms -= r->used ? ms : 0;
        r->lease_ms -= r->used ? ms : 0;
        w->held_ms[i] = EMQXI_MAX(w->held_ms[i] - ms, 0);
        bool counts = w->arrived[i] && w->arrived[i] + ticks <= (int)is.window;
        w->arrived[i] = counts ? (uint8_t)(w->arrived[i] + ticks) : 0;
    }
    for (int i = 0; i < STRAYS_MAX; i++)
        w->strays[i] = w->strays[i] > ticks ? (uint8_t)(w->strays[i] - ticks) : 0;
    w->tokens = w->tokens > refill ? (uint8_t)(w->tokens - refill) : 0;
    age_throttle(&w->log.throttle, ms);
}

static void make_equal(world *w)
{
    emqxi_view v = quota_view(w, NOW);
    emqxi_log_advance(&v);
    age_throttle(&w->log.throttle, 0);
    renumber(w);
    if (!is.others)
        for (uint32_t i = 0; i < w->log.count; i++)
            if (w->slots[i].state == EMQXI_SLOT_LOST) /* it counts like an answered one */
                w->slots[i].state = EMQXI_SLOT_PASSED;
    if (!is.others)
        w->log.passed = 0;
    qsort(w->held_ms, SLOTS_MAX, sizeof w->held_ms[0], by_time);
    qsort(w->strays, STRAYS_MAX, 1, by_bytes);
    qsort(w->arrived, SLOTS_MAX, 1, by_bytes);
    qsort(w->requests, SLOTS_MAX, sizeof(request), by_request);
}

/* -- moves --------------------------------------------------------------------------------------- */

static void to(explorer *x, world *w, const char *what)
{
    make_equal(w);
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
    if (!quota_reserve(&w, NOW + g->late_ms, &flight).granted)
        explore_broken(x, "no slot at the time that was promised");
    if (is.others)
        return;
    w = *from;
    for (int i = 0; i < SLOTS_MAX; i++)
        if (w.requests[i].used)
            quota_settle(&w, &w.requests[i], EMQX_TLS_OUTCOME_ANSWERED, -1);
    if (g->early_ms > 1 && quota_reserve(&w, NOW + g->early_ms - 1, &flight).granted)
        explore_broken(x, "a slot before the time that was told as the earliest");
}

static void reserves(explorer *x, const world *from)
{
    world w = *from;
    request *r = NULL;
    emqxi_flight flight = {0};
    emqx_tls_quota quota = {.ahead = 0};
    emqxi_view v = quota_view(&w, NOW);
    emqxi_log_query(&v, &quota);
    emqx_tls_grant grant = quota_reserve(&w, NOW, &flight);
    if ((quota.remaining > 0) != (grant.granted == 1))
        explore_broken(x, "what is told to remain is not what is given");
    if (!is.others && grant.granted != (count_held(from) < is.slots))
        explore_broken(x, grant.granted ? "a slot that is held is given"
                                        : "a slot that could be given is not");
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
    hold(&w, (is.lease + STRAY_TICKS) * TICK_MS);
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
    quota_settle(&w, r, outcome, -1);
    hold_until(&w, r, held);
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
    if (!r->arrived) {
        arrive(x, &w);
        w.requests[i].arrived = 1;
        to(x, &w, "its request arrives");
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
    age(&w, took); /* the platform's time; that of the log is another one */
    memcpy(w.slots, slots, sizeof slots);
    memcpy(w.held_ms, held, sizeof held);
    w.log.throttle = throttle;
    to(x, &w, counted ? "a reboot" : "a reboot that nobody knows the length of");
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
        arrive(x, &w);
        to(x, &w, "one that was given up arrives");
    }
    reboots(x, from, 1, 1);
    reboots(x, from, 2, 0);
    if (!may_wait)
        return; /* an exchange ends with its lease */
    w = *from;
    age(&w, 1);
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

/* With an argument also the largest worlds with 429s. */
int main(int argc, char **argv)
{
    (void)argv;
    bool held = walk_all(SLOTS_MAX - 1, 6, argc > 1 ? UINT32_MAX : 9);
    printf("%llu states, %llu moves\n", (unsigned long long)states, (unsigned long long)all_moves);
    for (enum mutant mutant = RIGHT + 1; mutant < MUTANTS; mutant++)
        held &= !walk(2, 3, 2, mutant == REFUSED_AS_NOT_SENT, mutant, NULL);
    return !held;
}
