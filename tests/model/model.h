/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the parts of the model share: random numbers that a seed repeats, and virtual time.
 *
 * The model is a world in virtual time: callers who go through the limiter, requests that arrive at
 * a platform some time between their sending and their answer, and oracles that count arrivals as
 * platforms do, written without a look at the limiter.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_PER_S    1000000ll
#define US_PER_HOUR (3600 * US_PER_S)
#define DEPLOYMENTS 3
/* a request that was given up arrives within so long, if at all */
#define LATE_MS 60000

typedef struct rng {
    uint64_t state;
} rng;

/* splitmix64 */
static inline uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 to n - 1; 0 for n = 0. */
static inline int64_t rng_below(rng *r, int64_t n)
{
    return n > 0 ? (int64_t)(rng_next(r) % (uint64_t)n) : 0;
}

static inline bool rng_chance(rng *r, int permille)
{
    return rng_below(r, 1000) < permille;
}

/* 0 to n, with both ends more likely than chance has them: errors live there. */
static inline int64_t rng_edge(rng *r, int64_t n)
{
    switch (rng_below(r, 6)) {
    case 0:
        return 0;
    case 1:
        return n;
    default:
        return rng_below(r, n + 1);
    }
}

#endif
