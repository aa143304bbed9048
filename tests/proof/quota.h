/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The world that the quota's core is in, and mutants of the core.
 */
#ifndef QUOTA_H
#define QUOTA_H

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
    MUTANTS
};
typedef struct request {
    emqxi_flight flight;
    int64_t lease_ms; /* when its exchange ends at the latest */
    uint8_t used, arrived;
    uint8_t padding[6];
} request;

/* All times count from NOW. */
typedef struct world {
    emqxi_log log;
    emqxi_slot slots[SLOTS_MAX];
    request requests[SLOTS_MAX];
    int64_t held_ms[SLOTS_MAX]; /* until when each slot is to be held: counted a second time */
    uint8_t strays[STRAYS_MAX]; /* given up, not arrived: within so many ticks they may */
    uint8_t arrived[SLOTS_MAX]; /* so many ticks ago, in 1 to the window; 0: none */
    uint8_t tokens, padding[4]; /* missing of the platform's bucket, in parts of a window */
} world;

typedef struct setting {
    uint32_t slots, window; /* in ticks */
    uint8_t lease;          /* in ticks */
    bool others;            /* somebody else uses the key: there are 429s */
    enum mutant mutant;
    emqxi_limits limits, right;
} setting;
extern setting is;

/* What the mutant of `is` does instead of the core. */
emqxi_view quota_view(world *w, int64_t now);
emqx_tls_grant quota_reserve(world *w, int64_t now, emqxi_flight *flight);
void quota_settle(world *w, const request *r, uint32_t outcome, int64_t retry_after_ms);
/* What is counted of the time until the new clock began. */
void quota_reboot(world *w, int64_t took_ms);

/* Sets `is` up. */
void quota_set(uint32_t slots, uint32_t window, uint8_t lease, bool others, enum mutant mutant);
const char *quota_mutant(enum mutant mutant);

#endif
