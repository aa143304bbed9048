/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * world - callers, their requests on the way, the platform, and somebody else who uses the key, in
 * virtual time.
 */
#ifndef WORLD_H
#define WORLD_H

#include <emqxtls/limiter.h>

#include "oracle.h"

/* How somebody else uses the same key. */
typedef enum neighbour {
    NOBODY,
    STEADY, /* one request at a time, evenly spread; does not try again */
    BURST,  /* all of a window at once */
    /* tries every W/120 until it has its part of the last W: takes every slot that frees, at
     * once */
    GREEDY
} neighbour;

typedef struct world_setup {
    uint64_t seed;
    uint64_t requests; /* ends after so many have left, */
    int64_t hours;     /* or after so long; 0: no end by time */
    /* the library */
    uint32_t flags, reads, writes;
    int64_t window_ms;
    int ppm; /* its clock against the platform's */
    bool (*store)(emqx_tls_store *store,
                  const emqx_tls_limiter_config *config); /* NULL: the library's own, in memory */
    /* callers */
    int callers;
    /* each asks again as soon as it has its answer, and waits in line as long as it takes */
    bool saturate;
    bool writes_only;
    int sleepers;             /* of a thousand looks so many come late, by up to 5 s */
    int lost, not_sent, died; /* of a thousand requests */
    int64_t lease_ms;
    int64_t answer_ms; /* longest time to an answer; 0: anything up to the lease */
    /* the platform */
    bool all; /* every oracle in every scope that the flags allow looks on; none refuses. Else: */
    oracle_kind kind;
    bool retry_after; /* its 429s name a time */
    neighbour neighbour;
    int neighbour_percent; /* of the quota */
} world_setup;

typedef struct world_result {
    uint64_t requests, arrivals;
    int64_t time_us;
    /* with `all`: */
    uint64_t refusals;                      /* that an oracle would have given */
    uint64_t refusals_of[ORACLE_KINDS + 1]; /* the last: ESTIMATE, which is not among `refusals` */
    oracle_kind first_kind;                 /* of the first of them */
    platform_scope first_scope;
    uint64_t first_request; /* after so many requests */
    /* of the slots' time, what was held: 1 where every slot is taken as soon as it is free */
    double used;
    /* retry_after_ms was waited, by a caller who is alone, and it was not enough */
    uint64_t broken_promises;
    /* with one oracle: */
    uint64_t passed, refused; /* own requests */
    uint64_t neighbour_passed, neighbour_refused;
} world_result;

void world_run(const world_setup *setup, world_result *result);

/* The library's clock in the world that runs, for a store. */
const emqx_tls_clock *world_clock(void);

#endif
