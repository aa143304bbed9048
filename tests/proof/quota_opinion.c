/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "quota.h"

uint32_t opinion_held(const world *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        n += w->held_ms[i] > 0;
    return n;
}

void opinion_takes(world *w)
{
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (w->held_ms[i] == 0) {
            w->held_ms[i] = (is.lease + STRAY_TICKS) * TICK_MS + is.right.held_ms;
            return;
        }
}

void opinion_holds(world *w, const request *r, int64_t until_ms)
{
    int64_t in_flight = r->lease_ms - NOW + EMQXI_STRAY_MS + is.right.held_ms;
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (w->held_ms[i] == in_flight) {
            w->held_ms[i] = EMQXI_MIN(until_ms, w->held_ms[i]);
            return;
        }
}

/* For window/N, unless it left before the last one was seen. */
void opinion_shuts(world *w, const request *r)
{
    const emqxi_throttle *t = &w->log.throttle;
    if (!t->refused || r->flight.left_ms > t->refused_ms)
        w->shut_ms = EMQXI_MAX(w->shut_ms, is.right.window_ms / is.right.slots);
}

/* -- platforms ----------------------------------------------------------------------------------- */

/* N in any window. */
static bool sliding_refuses(const world *w, int stamp)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        n += w->arrived[i] && w->arrived[i] < stamp + (int)is.window;
    return n >= is.slots;
}

/* N in each window of those that begin at an offset: with this one it began 0 to W - 1 ticks ago. */
static bool fixed_refuses(const world *w, int stamp)
{
    for (int ago = 0; ago < (int)is.window; ago++) {
        uint32_t n = 0;
        int begin = stamp + ago, end = begin - (int)is.window;
        for (uint32_t i = 0; i < SLOTS_MAX; i++)
            n += w->arrived[i] && w->arrived[i] <= begin && w->arrived[i] > end;
        if (n >= is.slots)
            return true;
    }
    return false;
}

/* N tokens, one each W/N: a token is W parts, a tick brings N of them. Its own time does not go
 * back. */
static bool bucket_refuses(world *w, bool late)
{
    if (late && !w->refilled) {
        w->tokens = w->tokens > is.slots ? (uint8_t)(w->tokens - is.slots) : 0;
        w->refilled = 1;
    }
    w->tokens = (uint8_t)(w->tokens + is.window);
    return w->tokens > is.slots * is.window;
}

/* Of the time that passes a tick was there already where it was filled ahead. */
void opinion_ages(world *w, uint8_t ticks)
{
    uint32_t refill = is.slots * (uint32_t)(ticks - (w->refilled && ticks > 0));
    if (ticks > 0)
        w->refilled = 0;
    w->tokens = w->tokens > refill ? (uint8_t)(w->tokens - refill) : 0;
    for (int i = 0; i < SLOTS_MAX; i++) {
        bool counts = w->arrived[i] && w->arrived[i] + ticks <= (int)is.window + 1;
        w->arrived[i] = counts ? (uint8_t)(w->arrived[i] + ticks) : 0;
    }
}

void opinion_arrives(explorer *x, world *w, bool late)
{
    uint32_t oldest = 0;
    uint8_t stamp = late ? 1 : 2;
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (w->arrived[oldest] != 0 && (w->arrived[i] == 0 || w->arrived[i] > w->arrived[oldest]))
            oldest = i;
    if (sliding_refuses(w, stamp))
        explore_broken(x, "one more arrives within a window than it may hold");
    if (fixed_refuses(w, stamp))
        explore_broken(x, "one more arrives than a fixed window may hold");
    w->arrived[oldest] = stamp;
    if (bucket_refuses(w, late))
        explore_broken(x, "one more arrives than a bucket has tokens");
}
