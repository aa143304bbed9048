/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * onlookers - every kind of oracle in every scope that the limiter's flags allow: each sees all
 * arrivals, none refuses, and what one of them would have refused is noted.
 */
#ifndef ONLOOKERS_H
#define ONLOOKERS_H

#include "world.h"

typedef struct onlooker {
    oracle_kind kind;
    platform platform;
} onlooker;

typedef struct onlookers {
    onlooker *all;
    size_t count;
} onlookers;

void onlookers_open(onlookers *o, const world_setup *setup, rng *r);
void onlookers_close(onlookers *o);
void onlookers_arrival(onlookers *o, uint32_t op, int deployment, int64_t now_us,
                       world_result *result);

#endif
