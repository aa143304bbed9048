/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * operation - what one of the four calls does next, as a machine without I/O: an event goes in, an
 * action comes out. It reads no clock, calls nobody and allocates nothing. Its picture is in
 * docs/architecture.md; operation_call.c carries its actions out.
 */
#ifndef EMQXI_OPERATION_H
#define EMQXI_OPERATION_H

#include "call/exchange.h"

/* Zeroed, but for the second part, it is where an operation begins. */
typedef struct emqxi_operation {
    enum {
        EMQXI_OPERATION_BEGUN,      /* waits for its first turn */
        EMQXI_OPERATION_ASKING,     /* the quota is being asked for a slot */
        EMQXI_OPERATION_IN_LINE,    /* no slot is free: waits for one */
        EMQXI_OPERATION_STORE_BUSY, /* the quota's store could not look: waits to ask again */
        EMQXI_OPERATION_PREPARING, /* a slot is held; what comes before the request is being done */
        EMQXI_OPERATION_SENT,      /* the transport has the request */
        EMQXI_OPERATION_SETTLING,  /* the exchange is over, the quota is being told */
        EMQXI_OPERATION_RESTING,   /* before a repeat */
        EMQXI_OPERATION_OVER,
    } state;
    /* Why it is over, or will be when it has settled. */
    enum {
        EMQXI_END_TOLD,       /* the error was set on the way */
        EMQXI_END_LATE,       /* its turn came when no time was left */
        EMQXI_END_STORE_BUSY, /* the store could not look until no time was left */
        EMQXI_END_STALE,      /* the slot came when no time was left */
        EMQXI_END_CANCELLED,
    } end;
    uint32_t attempts; /* exchanges that were started */
    uint32_t busy;     /* how often in a row the store could not look */
    int64_t since;     /* IN_LINE, STORE_BUSY: when it began to wait */
    int64_t until;     /* the end of its pause or lease */
    int64_t rest_ms;   /* SETTLING: the least pause before a repeat; negative: there is none */

    bool is_read;
    uint32_t timeout_ms;
    int64_t deadline;      /* for all but waiting for quota */
    int64_t end_ms;        /* for all of it; 0: none */
    int64_t quota_left_ms; /* for which it may still wait */
} emqxi_operation;

typedef struct emqxi_operation_event {
    enum {
        EMQXI_ON_TURN,       /* its time has come, or somebody has woken it */
        EMQXI_ON_SLOT,       /* RESERVE: one is held */
        EMQXI_ON_LINE,       /* RESERVE: none yet, look again after wait_ms */
        EMQXI_ON_STORE_BUSY, /* RESERVE: the store could not look, ask again after wait_ms */
        EMQXI_ON_NO_SLOT,    /* RESERVE: there will be none, the error is set */
        EMQXI_ON_READY,      /* PREPARE: done */
        EMQXI_ON_HELD_BACK,  /* PREPARE: the request must not leave, the error is set */
        EMQXI_ON_ANSWER,     /* SEND, WITHDRAW: the exchange is over, with or without an answer */
        EMQXI_ON_SETTLED,    /* SETTLE: done */
        EMQXI_ON_CANCEL,     /* nobody wants it any more */
    } type;
    int64_t now;
    int64_t wait_ms;
    const emqxi_answer *answer;
    uint64_t random; /* SETTLED, where SETTLE has said `again`; `now` is needed only then, too */
} emqxi_operation_event;

typedef struct emqxi_operation_action {
    enum {
        EMQXI_DO_NOTHING,
        EMQXI_DO_RESERVE,  /* ask for a slot, held for lease_ms; it can be waited for wait_ms */
        EMQXI_DO_PREPARE,  /* do what comes before the request, which leaves within lease_ms */
        EMQXI_DO_SEND,     /* start an exchange of at most lease_ms; take a turn at `until` */
        EMQXI_DO_WITHDRAW, /* take the exchange back from the transport */
        EMQXI_DO_SETTLE,   /* tell the quota `outcome` and wait_ms, and the caller the answer */
        EMQXI_DO_PAUSE,    /* take a turn at `until` */
        EMQXI_DO_END,      /* it is over: operation.end says why */
    } type;
    uint32_t outcome; /* EMQX_TLS_OUTCOME_* */
    bool again;
    int64_t lease_ms, wait_ms, until;
} emqxi_operation_action;

/* Every event may come in every state. One that means nothing there changes nothing. */
emqxi_operation_action emqxi_operation_next(emqxi_operation *operation,
                                            const emqxi_operation_event *event);

#endif
