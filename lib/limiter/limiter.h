/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * limiter - the quota as a call sees it: reserve a slot or wait in line for one, settle it when the
 * exchange is over. Those who wait are this process's; where the slots are kept is a store's
 * business (emqx_tls_store).
 */
#ifndef EMQXI_LIMITER_H
#define EMQXI_LIMITER_H

#include "base/base.h"
#include "base/list.h"

#include <emqxtls/limiter.h>

/* A place in line. The caller's memory; zeroed before first use; while `queued`, it must stay where
 * it is. */
typedef struct emqxi_waiter {
    emqxi_node node;
    /* any thread, the limiter's lock held: reserve may succeed now. Must not call back */
    void (*wake)(void *context);
    void *wake_context;
    bool queued;
    /* the limiter's own */
    bool asleep;         /* it was told to look and did not: the others no longer wait for it */
    int64_t look_ms;     /* when it was told to look; asleep 1 s later */
    int64_t deadline_ms; /* when its wait ends */
    struct emqxi_waitlist *list;
} emqxi_waiter;

typedef struct emqxi_reserve {
    /* in */
    uint32_t op;
    const char *deployment_id;
    int64_t lease_ms; /* the exchange's hard deadline, from now */
    int64_t wait_ms;  /* how long the caller can still wait for quota; 0: fail at once */
    /* out */
    bool granted;
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    /* not granted, code OK: in line; call again when woken, or after so long */
    int64_t look_again_ms;
    /* not granted, code OK: the store can't look now (locked, away), and `error` says why; call
     * again after look_again_ms, up to the call's deadline */
    bool busy;
} emqxi_reserve;

/* OK: granted, or in line (waiter->queued), or busy. RATE_LIMITED (error->retry_after_ms set),
 * STORE, INVALID (after a fork), NO_MEMORY: not in line any more. Called again with the same waiter
 * it keeps its place. */
emqx_tls_code emqxi_limiter_reserve(emqx_tls_limiter *limiter, emqxi_reserve *reserve,
                                    emqxi_waiter *waiter, emqxi_error *error);

void emqxi_limiter_leave(emqx_tls_limiter *limiter, emqxi_waiter *waiter); /* if it is in line */

/* Ends a ticket with an EMQX_TLS_OUTCOME_*. Waits for a busy store at most patience_ms. OK, or
 * STORE: then the slot is held until lease, 60 s and a window are over. */
emqx_tls_code emqxi_limiter_settle(emqx_tls_limiter *limiter,
                                   const uint64_t ticket[EMQX_TLS_TICKET_WORDS], uint32_t outcome,
                                   int64_t retry_after_ms, int64_t patience_ms, emqxi_error *error);

#endif
