/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * boots - a gateway that loses its power: the quota is in a file, each boot has a new clock, and
 * what the wall clock says after it may be anything.
 */
#ifndef BOOTS_H
#define BOOTS_H

#include "model.h"

typedef struct boots_result {
    uint64_t requests, boots;
    int64_t time_us;
    uint64_t refusals; /* that a platform would have given */
    uint64_t blocked;  /* no slot, though none can be held any more */
    uint64_t first_request;
} boots_result;

/* trust_any_wall: the mutant, whose host calls every wall clock synchronised. False: no file could
 * be made. */
bool boots_run(uint64_t seed, uint64_t requests, bool trust_any_wall, boots_result *result);

#endif
