/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "onlookers.h"

#include <stdlib.h>

/* Does a platform of this scope count at least as finely as a limiter with these flags? */
static bool allowed(platform_scope scope, uint32_t flags)
{
    if (flags & EMQX_TLS_PER_METHOD && scope != BY_METHOD && scope != BY_BOTH)
        return false;
    return !(flags & EMQX_TLS_PER_DEPLOYMENT) || scope == BY_DEPLOYMENT || scope == BY_BOTH;
}

static void add(onlookers *o, const world_setup *s, oracle_kind kind, platform_scope scope,
                int64_t offset_us)
{
    onlooker *one = &o->all[o->count++];
    one->kind = kind;
    platform_open(&one->platform, kind, scope, s->reads, s->writes, s->window_ms * 1000, offset_us);
}

void onlookers_open(onlookers *o, const world_setup *s, rng *r)
{
    int64_t window_us = s->window_ms * 1000, phase = rng_below(r, window_us);
    o->count = 0;
    o->all = calloc(PLATFORM_SCOPES * (ORACLE_KINDS + 1 + ORACLE_OFFSETS), sizeof *o->all);
    if (!o->all)
        abort();
    for (platform_scope scope = BY_KEY; scope < PLATFORM_SCOPES; scope++) {
        if (!allowed(scope, s->flags))
            continue;
        for (int kind = SLIDING; kind <= ESTIMATE; kind++) {
            /* Whole seconds, ends included, make a window of up to W + 1 s: W' covers that, but for
             * the last 1.5 ms where clocks are 500 ppm apart. */
            if (kind == SLIDING_SECONDS && (abs(s->ppm) > 400 || s->window_ms < 60000))
                continue;
            if (kind != FIXED)
                add(o, s, kind, scope, phase);
        }
        for (int i = 0; i < ORACLE_OFFSETS; i++)
            add(o, s, FIXED, scope, rng_below(r, window_us));
    }
}

void onlookers_close(onlookers *o)
{
    for (size_t i = 0; i < o->count; i++)
        platform_close(&o->all[i].platform);
    free(o->all);
}

void onlookers_arrival(onlookers *o, uint32_t op, int deployment, int64_t now_us,
                       world_result *result)
{
    for (size_t i = 0; i < o->count; i++) {
        onlooker *one = &o->all[i];
        if (oracle_arrival(platform_oracle(&one->platform, op, deployment), now_us))
            continue;
        result->refusals_of[one->kind]++;
        if (one->kind == ESTIMATE)
            continue;
        if (result->refusals++ == 0) {
            result->first_kind = one->kind;
            result->first_scope = one->platform.scope;
            result->first_request = result->requests;
        }
    }
}
