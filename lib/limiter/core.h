/* SPDX-License-Identifier: MIT
 *
 * core - the quota of one class in one scope as an exact sliding log of slots, and what a 429 does
 * to it. Pure: the time, the random number and the memory come from the caller; nothing here fails,
 * allocates or looks outside. A store keeps an emqxi_log and its ring of slots wherever it likes
 * (memory, a file) and hands both in; all zero is an empty log.
 *
 * A slot is held from its reservation. Its window W' begins when the answer has come; without one,
 * 60 s after the end. One in flight counts as ended 60 s after its lease. So the time of release is
 * known for every slot, for one in flight the latest, and the ring is kept sorted by it: what moves
 * past others in it are slots in flight or lost within the last minute.
 */
#ifndef EMQXI_CORE_H
#define EMQXI_CORE_H

#include "base/base.h"

#include <emqxtls/limiter.h>

typedef struct emqxi_limits {
    uint32_t slots;    /* N */
    int64_t window_ms; /* W, the platform's */
    int64_t held_ms;   /* W' = W + 1 s + W/2000: whole seconds, clocks that differ */
} emqxi_limits;

enum {
    EMQXI_SLOT_IN_FLIGHT = 0,
    EMQXI_SLOT_PASSED = 1,
    EMQXI_SLOT_REFUSED = 2,
    EMQXI_SLOT_LOST = 3
};

typedef struct emqxi_slot {
    int64_t release_ms; /* free from then on; in flight: the latest, lease + 60 s + W' */
    uint32_t id;
    uint32_t state; /* EMQXI_SLOT_*; one in flight stays so past its lease, until it is released */
} emqxi_slot;

/* What 429s have taught. */
typedef struct emqxi_share {
    int64_t refused_ms;   /* when the last 429 was seen */
    int64_t shut_ms;      /* nothing at all before */
    int64_t probe_ms;     /* no probe before */
    int64_t probe_end_ms; /* the probe in flight counts as over from then on */
    uint32_t probe_id;    /* its slot; 0: none */
    /* passed requests that we may hold without asking the platform for more by a probe */
    uint32_t share;
    uint32_t k; /* the next 429 sets the next probe W/N * 2^k later */
    /* 1: there was a 429 that still counts; else all the rest is 0. Last, to be near the counts */
    uint32_t refused;
} emqxi_share;

typedef struct emqxi_log {
    emqxi_share share;
    uint32_t capacity; /* of the ring; set by the store, limits->slots is always enough */
    uint32_t first;    /* in the ring: the slot that is released first */
    uint32_t count;    /* slots held */
    uint32_t passed;   /* of these: answered, not by a 429 */
    uint32_t refused;  /* of these: answered by a 429 */
    uint32_t last_id;
} emqxi_log;

/* Names a slot in flight; a store puts it into its ticket. */
typedef struct emqxi_flight {
    int64_t release_ms;
    int64_t left_ms; /* reserved at */
    uint32_t id;
} emqxi_flight;

typedef struct emqxi_reservation {
    bool granted;
    emqxi_flight flight;       /* if granted */
    uint32_t reason;           /* if not: EMQX_TLS_QUOTA_* or 0 */
    int64_t early_ms, late_ms; /* if not: from now, as in emqx_tls_grant */
} emqxi_reservation;

void emqxi_limits_set(emqxi_limits *limits, uint32_t slots, uint64_t window_ms);

/* Lets go of what is over at `now`. Every other call does so first; a store does it to see whether
 * the ring must grow. */
void emqxi_log_advance(emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                       int64_t now);

/* Must the ring grow before the next reservation? After emqxi_log_advance. */
bool emqxi_log_full(const emqxi_log *log, const emqxi_limits *limits);

/* The ring's memory now has `capacity` slots, more than before. */
void emqxi_log_grow(emqxi_log *log, emqxi_slot *slots, uint32_t capacity);

/* Takes a slot, if more than `ahead` are free. */
void emqxi_log_reserve(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                       int64_t lease_ms, uint32_t ahead, emqxi_reservation *reservation);

/* Ends a slot with an EMQX_TLS_OUTCOME_*. One that is not in flight any more is left as it is.
 * retry_after_ms as in emqx_tls_store; `random` is used after a 429 only. */
void emqxi_log_settle(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                      const emqxi_flight *flight, uint32_t outcome, int64_t retry_after_ms,
                      uint64_t random);

/* Fills all of `quota` but its size. */
void emqxi_log_query(emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                     int64_t now, emqx_tls_quota *quota);

/* Nothing is held and no 429 counts: the log may be thrown away. */
bool emqxi_log_idle(const emqxi_log *log, const emqxi_slot *slots, const emqxi_limits *limits,
                    int64_t now);

/* The clock's origin has changed (another boot, another machine): adds delta_ms to every stamp. Who
 * was in flight is gone. Nothing blocks longer than W' and 60 s from `now`. */
void emqxi_log_rebase(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits,
                      int64_t delta_ms, int64_t now);

/* Holds as many as `n` slots more, whose requests may have been sent without a trace being left and
 * ended at end_ms at the latest. The ring must have room for limits->slots. */
void emqxi_log_charge(emqxi_log *log, emqxi_slot *slots, const emqxi_limits *limits, int64_t now,
                      int64_t end_ms, uint32_t n);

/* -- share.c: used by core.c ------------------------------------------------------------------- */

/* A wait from `now`; 0 and 0: none. */
typedef struct emqxi_wait {
    int64_t early_ms, late_ms;
} emqxi_wait;

/* Has the last 429 been so long ago that its k is forgotten? */
bool emqxi_share_over(const emqxi_share *share, const emqxi_limits *limits, int64_t now);

/* May a request go, behind `ahead` others? `*probe`: it may, as a probe. Else the wait until it
 * may. */
emqxi_wait emqxi_share_wait(const emqxi_log *log, const emqxi_slot *slots,
                            const emqxi_limits *limits, int64_t now, uint32_t ahead, bool *probe);

/* A slot was given to a probe. */
void emqxi_share_probe(emqxi_share *share, uint32_t id, int64_t end_ms);

/* A request that was reserved at left_ms was answered by a 429; log->passed are still held. */
void emqxi_share_refused(emqxi_log *log, const emqxi_limits *limits, int64_t now, int64_t left_ms,
                         int64_t retry_after_ms, uint64_t random);

#endif
