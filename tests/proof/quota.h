/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The world that the quota's core is in, and mutants of the core.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include "explore.h"
#include "limiter/core.h"

#define NOW         INT64_C(1000000000)
#define TICK_MS     20000
#define STRAY_TICKS (EMQXI_STRAY_MS / TICK_MS)
#define SLOTS_MAX   4 /* one more than there may be: for mutants */
#define STRAYS_MAX  3

/* Ways to do it wrong. */
enum mutant {
    RIGHT,
    ONE_SLOT_MORE,
    ONE_SLOT_LESS,
    A_TICK_SHORT,
    A_MINUTE_LONG,
    LOST_AS_ANSWERED,
    LOST_AS_NOT_SENT,
    NOT_SENT_AS_LOST,
    REFUSED_AS_NOT_SENT,
    STAMPED_AT_SEND,
    NO_LEASE,
    FREED_BY_DEATH,
    FREED_BY_REBOOT,
    REBOOT_TAKES_LONG,
    REBOOT_BEGINS_ANEW,
    LATE_TOO_EARLY,
    EARLY_TOO_LATE,
    NO_MARGIN,
    NO_MINUTE_IN_FLIGHT,
    MINUTE_FROM_SENDING,
    AHEAD_IGNORED,
    EARLIEST_AS_LATEST,
    ONE_MORE_REMAINS,
    UNSORTED,
    REFUSED_AS_ANSWERED,
    SHUT_A_TICK_SHORT,
    PROBE_FORGOTTEN,
    STEP_BACK_BELIEVED,
    STEP_BACK_COUNTS,
    STEP_BACK_IS_REBOOT,
    MUTANTS
};

typedef struct request {
    emqxi_flight flight;
    int64_t lease_ms;  /* when its exchange ends at the latest */
    int64_t probes_ms; /* so long it is the only probe there may be */
    uint8_t used, arrived;
    uint8_t orphan; /* the log has lost sight of it: its clock went back */
    uint8_t padding[5];
} request;

/* All times count from NOW. */
typedef struct world {
    emqxi_log log;
    emqxi_slot slots[SLOTS_MAX];
    request requests[SLOTS_MAX];
    int64_t held_ms[SLOTS_MAX]; /* until when each slot is to be held: counted a second time */
    int64_t shut_ms;            /* until when nothing is to be given after a 429: the same */
    uint8_t strays[STRAYS_MAX]; /* given up, not arrived: within so many ticks they may */
    /* stamped by the platform: 1: a tick from now, 2: now, and so on back to its window's
     * beginning; 0: none */
    uint8_t arrived[SLOTS_MAX];
    uint8_t tokens;     /* missing of the platform's bucket, in parts of a window */
    uint8_t refilled;   /* it was filled a tick ahead */
    uint8_t padding[7]; /* so that equal states are equal bytes */
} world;

typedef struct setting {
    uint32_t slots, window; /* in ticks */
    uint8_t lease;          /* in ticks */
    bool others;            /* somebody else uses the key: there are 429s */
    enum mutant mutant;
    emqxi_limits limits, right;
} setting;
extern setting is;

/* -- quota_core.c: what the mutant of `is` does instead of the core */
emqxi_view quota_view(world *w, int64_t now);
uint32_t quota_remaining(world *w);
emqx_tls_grant quota_reserve(world *w, int64_t now, uint32_t ahead, emqxi_flight *flight);
void quota_settle(world *w, const request *r, uint32_t outcome, int64_t retry_after_ms);
/* What is counted of the time until the new clock began. */
void quota_reboot(world *w, int64_t took_ms);
/* The clock goes back by a tick. */
void quota_step_back(world *w);

/* Sets `is` up. */
void quota_set(uint32_t slots, uint32_t window, uint8_t lease, bool others, enum mutant mutant);
const char *quota_mutant(enum mutant mutant);

/* -- quota_opinion.c: a second opinion, which knows nothing of the core, on what is held and what
 * platforms let pass */
uint32_t opinion_held(const world *w);
/* A slot is taken; it is in flight. */
void opinion_takes(world *w);
/* The slot of a request in flight is held until then now; 0: it is free. */
void opinion_holds(world *w, const request *r, int64_t until_ms);
/* A 429 to this request. */
void opinion_shuts(world *w, const request *r);
/* A request arrives, and is stamped now or a tick from now: what no platform may refuse is told. */
void opinion_arrives(explorer *x, world *w, bool late);
/* So much is missing of a platform's bucket after so many ticks. */
void opinion_ages(world *w, uint8_t ticks);

/* -- quota_equal.c: time, and what later moves could not tell from each other */
void equal_age(world *w, uint8_t ticks);
void equal_make(world *w);

#endif
