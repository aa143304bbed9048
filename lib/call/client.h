/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * call - operations, and the client that drives many of them.
 *
 * loop.c moves calls on: a call is advanced when its time has come, when an exchange of its ended,
 * or when the limiter woke it. What is over waits in `finished` for its `done`. The blocking calls
 * (blocking.c) and the asynchronous ones (async.c) drive this same loop. Jobs of provision are
 * calls too, with an `advance` of their own.
 */
#ifndef EMQXI_CLIENT_H
#define EMQXI_CLIENT_H

#include <stdatomic.h>

#include "base/base.h"
#include "base/list.h"
#include "limiter/limiter.h"
#include "wire/wire.h"

#include <emqxtls/check.h>
#include <emqxtls/client.h>

typedef struct emqxi_call_type {
    void (*advance)(emqx_tls_call *call); /* its time has come */
    void (*stop)(emqx_tls_call *call);    /* cancelled: let go of all; sets error.delivery */
    void (*release)(emqx_tls_call *call); /* give its memory back, the struct included */
} emqxi_call_type;

struct emqx_tls_call {
    emqx_tls_client *client;
    const emqxi_call_type *type;
    emqxi_node node;   /* in `all` */
    emqxi_list *queue; /* `ready` or `finished`, or NULL */
    emqxi_node queue_node;
    emqx_tls_call *woken_next;
    atomic_bool woken;
    bool internal;  /* a job's: not counted as pending */
    bool told;      /* its `done` has begun: nothing can end it any more */
    uint32_t spent; /* exchanges that cost quota */
    size_t timer;   /* place in the heap + 1; 0: none */
    int64_t due;
    emqx_tls_done_fn done;
    void *user;
    emqx_tls_status status;
    emqxi_error error;
};

struct emqx_tls_client {
    emqx_tls_allocator allocator;
    emqx_tls_clock clock;
    emqx_tls_transport transport;
    emqx_tls_limiter *limiter;
    emqx_tls_log_fn log;
    void *log_user;
    void (*log_destroy)(void *log_user);
    uint32_t flags;
    uint32_t connect_timeout_ms, timeout_ms, quota_wait_ms;
    emqxi_endpoint endpoint;
    char *authorization; /* wiped when freed */
    const char *headers[4];
    uint32_t forks; /* emqxi_fork_count() when it was made */

    emqxi_list all, ready, finished; /* every call; to be advanced; `done` is to come */
    _Atomic(emqx_tls_call *) woken;  /* pushed by the limiter, from any thread */
    emqx_tls_call **timers;          /* a heap, the earliest first */
    size_t timer_count, timer_room;
    size_t call_count, pending;
    uint64_t delivered;  /* how often a `done` of the user's has run */
    emqx_tls_call *kept; /* the operation that was over last, for the next one */

    atomic_bool interrupted;
    bool store_stuck;          /* the last settlement has failed */
    _Atomic(uintptr_t) inside; /* the thread that is, and EMQXI_TO_BE_FREED; 0: none */
    unsigned depth;            /* how often it has entered */
    bool closing;
    int fd, timer_fd; /* epoll with the transport's fd and a timer; -1 until asked for */
};

/* -- client.c */
/* In `inside`: who leaves last frees the client. No thread's own bit: a thread is a pointer. */
#define EMQXI_TO_BE_FREED ((uintptr_t)1)

/* One call of the API: between begin and end its thread is inside the client, if begin was true. */
typedef struct emqxi_entry {
    bool inside, over;
    emqx_tls_call *call; /* that was started, or NULL */
    emqx_tls_status *status;
    emqxi_error error;
} emqxi_entry;
/* `again`: from a callback too. `problem`: what is wrong with an argument, or NULL. */
bool emqxi_entry_begin(emqxi_entry *entry, emqx_tls_client *client, bool again,
                       const char *problem);
emqx_tls_code emqxi_entry_end(const emqxi_entry *entry, emqx_tls_client *client,
                              emqx_tls_error *error);

/* -- config.c: checks and copies a config, but for limiter and transport */
emqx_tls_code emqxi_config_take(emqx_tls_client *client, const emqx_tls_config *config,
                                emqxi_error *error);

/* -- loop.c */
/* Enters a call that was allocated: its timer can't fail later. NO_MEMORY: it was not entered. */
emqx_tls_code emqxi_call_enter(emqx_tls_client *client, emqx_tls_call *call);
void emqxi_call_ready(emqx_tls_call *call);              /* advance it in this turn or the next */
void emqxi_call_at(emqx_tls_call *call, int64_t due_ms); /* by the client's clock */
void emqxi_call_wake(void *call);                        /* any thread: advance it soon */
void emqxi_call_finish(emqx_tls_call *call);             /* it is over: status and error are set */
void emqxi_call_cancel(emqx_tls_call *call);             /* unless it is over already */
/* Moves everything on once and runs `done` of what is over, first waiting for at most timeout_ms
 * (-1: no limit) if nothing can go on at once. OK, or TRANSPORT: it can't poll. */
emqx_tls_code emqxi_turn(emqx_tls_client *client, int64_t timeout_ms, emqxi_error *error);
/* Runs `done` of what is over; what a `done` itself ends comes with the next. False: there was
 * nothing. */
bool emqxi_deliver(emqx_tls_client *client);
/* Until emqxi_turn has something to do, -1: never; the second leaves out the transport's share. */
int64_t emqxi_next_ms(emqx_tls_client *client);
int64_t emqxi_own_next_ms(emqx_tls_client *client);

/* -- operation_call.c: the four calls */
typedef struct emqxi_order {
    uint32_t op;               /* EMQX_TLS_OP_* */
    const char *deployment_id; /* copied */
    /* Of CREATE and UPDATE one of the two: a request, which is checked and encoded, or a body for
     * which that was done, borrowed until the call is over. */
    const emqx_tls_request *request;
    const char *body;
    size_t body_len;
    uint32_t timeout_ms, quota_wait_ms; /* timeout_ms 0: both as the client's */
    int64_t end_ms; /* then all of it is over, on the client's clock; 0: no such bound */
    bool internal;
    /* A slot is held and the exchange is about to start; nothing of it leaves after lease_ms.
     * False: it must not, `error` says why. May be NULL. */
    bool (*before_send)(void *user, int64_t lease_ms, emqxi_error *error);
    emqx_tls_done_fn done;
    void *user; /* of before_send and done */
} emqxi_order;

/* INVALID, CHECK, NO_MEMORY: nothing was started. */
emqx_tls_code emqxi_operation_start(emqx_tls_client *client, const emqxi_order *order,
                                    emqx_tls_call **call, emqxi_error *error);

/* -- async.c */
/* Of a submit: done must not be NULL, and the call is for the caller. */
bool emqxi_submit_begin(emqxi_entry *entry, emqx_tls_client *client, emqx_tls_done_fn done);
emqx_tls_code emqxi_submit_end(const emqxi_entry *entry, emqx_tls_client *client,
                               emqx_tls_call **call, emqx_tls_error *error);

/* -- descriptor.c */
void emqxi_fd_open(emqx_tls_client *client); /* client->fd is -1 if it can't be made */
void emqxi_fd_close(emqx_tls_client *client);
/* Sets the descriptor's timer, after anything that changed when to turn next. */
void emqxi_arm(emqx_tls_client *client);

/* -- blocking.c */
/* Empties *status, which is filled by emqxi_blocking_done. */
bool emqxi_blocking_begin(emqxi_entry *entry, emqx_tls_client *client, emqx_tls_status *status);
/* Drives the loop until entry->call, which was started with emqxi_blocking_done, is over. */
void emqxi_blocking_drive(emqxi_entry *entry, emqx_tls_client *client);
void emqxi_blocking_done(void *entry, emqx_tls_call *call, emqx_tls_code code);

/* -- log.c */
void emqxi_log(emqx_tls_client *client, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
