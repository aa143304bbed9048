/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "quota.h"

#include <stdlib.h>
#include <string.h>

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
void equal_age(world *w, uint8_t ticks)
{
    int64_t ms = (int64_t)ticks * TICK_MS;
    for (uint32_t i = 0; i < w->log.capacity; i++)
        w->slots[i].release_ms -= w->slots[i].id ? ms : 0;
    for (int i = 0; i < SLOTS_MAX; i++) {
        request *r = &w->requests[i];
        bool known = r->used && !r->orphan;
        r->flight.left_ms -= known ? ms : 0;
        r->flight.release_ms -= known ? ms : 0;
        r->lease_ms -= r->used ? ms : 0;
        r->probes_ms = EMQXI_MAX(r->probes_ms - ms, 0);
        w->held_ms[i] = EMQXI_MAX(w->held_ms[i] - ms, 0);
    }
    w->shut_ms = EMQXI_MAX(w->shut_ms - ms, 0);
    for (int i = 0; i < STRAYS_MAX; i++)
        w->strays[i] = w->strays[i] > ticks ? (uint8_t)(w->strays[i] - ticks) : 0;
    opinion_ages(w, ticks);
    age_throttle(&w->log.throttle, ms);
}

void equal_make(world *w)
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
