/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Many calls at a time: what many.c and sweep.c drive.
 */
#ifndef BENCH_MANY_H
#define BENCH_MANY_H

#include "bench.h"

typedef struct fleet {
    const target *target;
    size_t in_flight; /* so many at a time */
    uint32_t names;   /* deployments that are read in turn */
    int64_t step_ms;  /* of the quota's clock at each reading */
    uint32_t reads;   /* in an hour of it */
    uint32_t flags;   /* of the quota */
} fleet;

typedef struct crowd {
    const char *name;
    void *(*open)(const fleet *f);
    /* Until so many more calls are over; as many as before are under way then. `each` (NULL: none)
     * runs after each call. It is never waited for the last ones: libcurl closes connections when
     * few transfers are left, and the next run would connect again. */
    void (*run)(void *self, size_t calls, void (*each)(void));
    void (*close)(void *self);
} crowd;

extern const crowd crowd_plain;   /* a curl_multi loop as a good engineer writes it */
extern const crowd crowd_library; /* emqx_tls_submit and emqx_tls_client_run */

#endif
