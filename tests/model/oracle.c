/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include <emqxtls/values.h>

static const char *const names[] = {
    "sliding window",
    "sliding window, refused count",
    "sliding window, whole seconds",
    "fixed windows",
    "fixed windows, refused count",
    "fixed windows, whole seconds",
    "token bucket",
    "token bucket, ticks",
    "GCRA",
    "weighted previous window",
};

const char *oracle_name(oracle_kind kind)
{
    return names[kind];
}

void oracle_open(oracle *o, oracle_kind kind, int64_t n, int64_t window_us, int64_t offset_us)
{
    memset(o, 0, sizeof *o);
    o->kind = kind;
    o->n = n;
    o->window_us = window_us;
    o->offset_us = offset_us;
    o->index = INT64_MIN;
    if (kind == BUCKET)
        o->level = n * window_us;
    if (kind == BUCKET_TICKS)
        o->level = n;
    if (kind <= SLIDING_SECONDS)
        o->stamps = calloc((size_t)n, sizeof *o->stamps);
}

void oracle_close(oracle *o)
{
    free(o->stamps);
}

/* At most n stamps of which the oldest is not more than `reach` old. */
static bool sliding(oracle *o, int64_t now, int64_t reach, bool all)
{
    bool pass = o->next < o->n || now - o->stamps[o->next % o->n] > reach;
    if (pass || all)
        o->stamps[o->next++ % o->n] = now;
    return pass;
}

static bool fixed(oracle *o, int64_t now, int64_t window, bool all)
{
    int64_t index = (now + o->offset_us) / window;
    if (index != o->index)
        o->count = 0;
    o->index = index;
    bool pass = o->count < o->n;
    if (pass || all)
        o->count++;
    return pass;
}

/* The level is in tokens times W, so that it is exact. */
static bool bucket(oracle *o, int64_t now)
{
    int64_t full = o->n * o->window_us, missing = full - o->level;
    o->level = now - o->last_us > missing / o->n ? full : o->level + (now - o->last_us) * o->n;
    o->last_us = now;
    if (o->level < o->window_us)
        return false;
    o->level -= o->window_us;
    return true;
}

static bool bucket_ticks(oracle *o, int64_t now)
{
    int64_t ticks = (now + o->offset_us) / (o->window_us / o->n);
    if (o->index == INT64_MIN)
        o->index = ticks;
    o->level = o->level + ticks - o->index < o->n ? o->level + ticks - o->index : o->n;
    o->index = ticks;
    if (o->level < 1)
        return false;
    o->level--;
    return true;
}

/* Theoretical arrival time, with a tolerance of n - 1 intervals. */
static bool gcra(oracle *o, int64_t now)
{
    int64_t interval = o->window_us / o->n, arrival = o->last_us > now ? o->last_us : now;
    if (arrival - now > interval * (o->n - 1))
        return false;
    o->last_us = arrival + interval;
    return true;
}

static bool estimate(oracle *o, int64_t now)
{
    int64_t index = (now + o->offset_us) / o->window_us, into = (now + o->offset_us) % o->window_us;
    if (index != o->index) {
        o->before = index == o->index + 1 ? o->count : 0;
        o->count = 0;
    }
    o->index = index;
    if (o->count * o->window_us + o->before * (o->window_us - into) >= o->n * o->window_us)
        return false;
    o->count++;
    return true;
}

bool oracle_arrival(oracle *o, int64_t now_us)
{
    switch (o->kind) {
    case SLIDING:
        return sliding(o, now_us, o->window_us, false);
    case SLIDING_ALL:
        return sliding(o, now_us, o->window_us, true);
    case SLIDING_SECONDS:
        return sliding(o, (now_us + o->offset_us) / US_PER_S, o->window_us / US_PER_S, false);
    case FIXED:
        return fixed(o, now_us, o->window_us, false);
    case FIXED_ALL:
        return fixed(o, now_us, o->window_us, true);
    case FIXED_SECONDS:
        return fixed(o, (now_us + o->offset_us) / US_PER_S,
                     (o->window_us + US_PER_S - 1) / US_PER_S, false);
    case BUCKET:
        return bucket(o, now_us);
    case BUCKET_TICKS:
        return bucket_ticks(o, now_us);
    case GCRA:
        return gcra(o, now_us);
    default:
        return estimate(o, now_us);
    }
}

int64_t oracle_retry_after_us(const oracle *o, int64_t now_us)
{
    switch (o->kind) {
    case SLIDING:
    case SLIDING_ALL:
        return o->stamps[o->next % o->n] + o->window_us - now_us + 1;
    case SLIDING_SECONDS:
        return (o->stamps[o->next % o->n] + o->window_us / US_PER_S + 1) * US_PER_S -
               (now_us + o->offset_us);
    case BUCKET:
        return (o->window_us - o->level + o->n - 1) / o->n;
    case BUCKET_TICKS:
        return o->window_us / o->n - (now_us + o->offset_us) % (o->window_us / o->n);
    case GCRA:
        return o->last_us - now_us - o->window_us / o->n * (o->n - 1);
    default:
        return o->window_us - (now_us + o->offset_us) % o->window_us;
    }
}

oracle *platform_oracle(platform *p, uint32_t op, int deployment)
{
    uint32_t method = op - EMQX_TLS_OP_GET;
    bool by_method = p->scope == BY_METHOD || p->scope == BY_BOTH;
    bool by_deployment = p->scope == BY_DEPLOYMENT || p->scope == BY_BOTH;
    return &p->oracles[(by_method || method == 0 ? method : 1) +
                       4 * (uint32_t)(by_deployment ? deployment : 0)];
}

void platform_open(platform *p, oracle_kind kind, platform_scope scope, int64_t reads,
                   int64_t writes, int64_t window_us, int64_t offset_us)
{
    p->scope = scope;
    for (int i = 0; i < 4 * DEPLOYMENTS; i++)
        oracle_open(&p->oracles[i], kind, i % 4 == 0 ? reads : writes, window_us, offset_us);
}

void platform_close(platform *p)
{
    for (int i = 0; i < 4 * DEPLOYMENTS; i++)
        oracle_close(&p->oracles[i]);
}
