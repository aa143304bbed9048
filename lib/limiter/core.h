/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * core - the quota of one group in one scope as an exact sliding log of slots, and what a 429 does
 * to it. Pure: the time, the random number and the memory come from the caller; nothing here fails,
 * allocates or looks outside. A store keeps an emqxi_log and its ring of slots wherever it likes
 * (memory, a file) and hands both in as a view; all zero is an empty log.
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
typedef struct emqxi_throttle {
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
} emqxi_throttle;

typedef struct emqxi_log {
    emqxi_throttle throttle;
    uint32_t capacity; /* of the ring; set by the store, limits->slots is always enough */
    uint32_t first;    /* in the ring: the slot that is released first */
    uint32_t count;    /* slots held */
    uint32_t passed;   /* of these: answered, not by a 429 */
    uint32_t refused;  /* of these: answered by a 429 */
    uint32_t last_id;
} emqxi_log;

/* A log in the hands of a store, for one step. */
typedef struct emqxi_view {
    emqxi_log *log;
    emqxi_slot *slots;
    const emqxi_limits *limits;
    int64_t now;
} emqxi_view;

/* Names a slot in flight; a store puts it into its ticket. */
typedef struct emqxi_flight {
    int64_t release_ms;
    int64_t left_ms; /* reserved at */
    uint32_t id;
    uint32_t group; /* the store's own */
} emqxi_flight;

void emqxi_limits_set(emqxi_limits *limits, uint32_t slots, uint64_t window_ms);

/* Lets go of what is over. Every other call does so first; a store does it to see whether the ring
 * must grow. */
void emqxi_log_advance(const emqxi_view *v);

/* Must the ring grow before the next reservation (after emqxi_log_advance)? Its memory now has
 * `capacity` slots, more than before. */
bool emqxi_log_full(const emqxi_view *v);
void emqxi_log_grow(emqxi_log *log, emqxi_slot *slots, uint32_t capacity);

/* Takes a slot, if more than ask->ahead are free. Fills all of `grant` but its ticket, and, if
 * granted, `flight`. */
void emqxi_log_reserve(const emqxi_view *v, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                       emqxi_flight *flight);

/* Ends a slot with an EMQX_TLS_OUTCOME_*. One that is not in flight any more is left as it is.
 * retry_after_ms as in emqx_tls_store; `random` is used after a 429 only. */
void emqxi_log_settle(const emqxi_view *v, const emqxi_flight *flight, uint32_t outcome,
                      int64_t retry_after_ms, uint64_t random);

void emqxi_log_query(const emqxi_view *v, emqx_tls_quota *quota); /* for quota->ahead */

/* Nothing is held and no 429 counts: the log may be thrown away. */
bool emqxi_log_idle(const emqxi_view *v);

/* The stamps' clock is another one (another boot, another machine): adds delta_ms to every stamp.
 * Tickets of who was in flight are worth nothing any more, and so long the request may still leave.
 * Nothing blocks longer than that, 60 s and W' from now. */
void emqxi_log_rebase(const emqxi_view *v, int64_t delta_ms, int64_t lease_ms);

/* Holds as many as `n` slots more, whose requests may have been sent without a trace being left and
 * ended at end_ms at the latest. The ring must have room for limits->slots. */
void emqxi_log_charge(const emqxi_view *v, int64_t end_ms, uint32_t n);

/* -- throttle.c: used by core.c ---------------------------------------------------------------- */

/* A wait from now; 0 and 0: none. */
typedef struct emqxi_wait {
    int64_t early_ms, late_ms;
} emqxi_wait;

/* At this time, has the last 429 been so long ago that its k is forgotten? */
bool emqxi_throttle_over(const emqxi_view *v, int64_t time);

/* May a request go, behind `ahead` others? `*probe`: it may, as a probe. Else the wait until it
 * may. */
emqxi_wait emqxi_throttle_wait(const emqxi_view *v, uint32_t ahead, bool *probe);

/* A request that was reserved at left_ms was answered by a 429; log->passed are still held. */
void emqxi_throttle_refused(const emqxi_view *v, int64_t left_ms, int64_t retry_after_ms,
                            uint64_t random);

#endif
