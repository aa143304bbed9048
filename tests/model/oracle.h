/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * oracle - what a platform might do with a request that arrives: each of them counts N in W in its
 * own way.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "model.h"

typedef enum oracle_kind {
    SLIDING,         /* at most N that passed in any W */
    SLIDING_ALL,     /* the same, refused ones count too */
    SLIDING_SECONDS, /* time in whole seconds; a stamp of exactly W ago still counts */
    FIXED,           /* windows one after the other, at any offset */
    FIXED_ALL,       /* refused ones count too */
    FIXED_SECONDS,   /* time in whole seconds */
    BUCKET,          /* N tokens, refilled evenly */
    BUCKET_TICKS,    /* one token each W/N */
    GCRA,
    ORACLE_KINDS,           /* those above must never refuse anybody who keeps to N in any W */
    ESTIMATE = ORACLE_KINDS /* the window before counts by the part of it that is still in sight */
} oracle_kind;

/* fixed windows are tried at so many random offsets in each world. That windows at some offset
 * refuse means that N+1 arrive within less than W, and so that SLIDING refuses: together they try
 * every offset */
#define ORACLE_OFFSETS 6

typedef struct oracle {
    oracle_kind kind;
    int64_t n, window_us, offset_us;
    int64_t *stamps; /* ring of the last n */
    int64_t next;    /* in it, and so many in all */
    int64_t index;   /* of the fixed window */
    int64_t count, before;
    int64_t level, last_us;
} oracle;

const char *oracle_name(oracle_kind kind);
void oracle_open(oracle *o, oracle_kind kind, int64_t n, int64_t window_us, int64_t offset_us);
void oracle_close(oracle *o);

/* A request arrives; times never go back. False: 429. */
bool oracle_arrival(oracle *o, int64_t now_us);

/* After a refusal: when one would pass that came alone. */
int64_t oracle_retry_after_us(const oracle *o, int64_t now_us);

/* A platform: one oracle for each scope that it counts. */
typedef enum platform_scope {
    BY_KEY,
    BY_METHOD,
    BY_DEPLOYMENT,
    BY_BOTH,
    PLATFORM_SCOPES
} platform_scope;

typedef struct platform {
    platform_scope scope;
    oracle oracles[4 * DEPLOYMENTS];
} platform;

/* reads and writes in window_us; offset_us: of fixed windows. */
void platform_open(platform *p, oracle_kind kind, platform_scope scope, int64_t reads,
                   int64_t writes, int64_t window_us, int64_t offset_us);
void platform_close(platform *p);

/* op: EMQX_TLS_OP_*. */
oracle *platform_oracle(platform *p, uint32_t op, int deployment);

#endif
