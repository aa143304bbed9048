/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "model.h"

/* splitmix64 */
uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int64_t rng_below(rng *r, int64_t n)
{
    return n > 0 ? (int64_t)(rng_next(r) % (uint64_t)n) : 0;
}

bool rng_chance(rng *r, int permille)
{
    return rng_below(r, 1000) < permille;
}

int64_t rng_edge(rng *r, int64_t n)
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
