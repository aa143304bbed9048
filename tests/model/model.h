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

uint64_t rng_next(rng *r);
int64_t rng_below(rng *r, int64_t n); /* 0 to n - 1; 0 for n = 0 */
bool rng_chance(rng *r, int permille);

/* 0 to n, with both ends more likely than chance has them: errors live there. */
int64_t rng_edge(rng *r, int64_t n);

#endif
