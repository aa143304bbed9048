/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * world - what is around a machine of ensure, wait or remove: the platform, requests that were given
 * up and may still arrive, the receipt on the disk, other writers, and the driver in small. And what
 * a story has to hold. All times count from now, so that it goes on for ever in a finite number of
 * states.
 */
#ifndef WORLD_H
#define WORLD_H

#include "explore.h"
#include "platform.h"
#include "provision/ensure.h"

#define NOW      INT64_C(1000000000)
#define WALL     INT64_C(1800000000)
#define LEASE_MS 19000 /* of a write */

/* What a call is given, and what may happen to it. */
typedef struct setting {
    const emqxi_machine *machine;
    uint32_t wait_ms, flags;
    bool receipts, probes;
    bool expects; /* of wait: the wanted certificate, and not any */
    enum telling telling;
    bool lags;     /* the platform's reads lag behind what it took */
    bool outsider; /* somebody else writes, without receipts */
} setting;

typedef union machine {
    emqxi_watch watch;
    emqxi_ensure ensure;
    emqxi_wait wait;
} machine;

typedef struct world {
    machine machine;
    emqxi_receipt disk;
    platform platform;
    uint8_t calling;
    uint8_t locked;   /* the receipt's lock is held */
    uint8_t op;       /* of the write under way */
    uint8_t stray[8]; /* by op: one that was given up may arrive within so many ticks */
    uint8_t own[8];   /* by op: it is this call's */
    /* what has become of this call's writes; whether somebody else has written */
    uint8_t carried_out, sent, others, colleague;
    uint8_t steps; /* since time went on */
    int64_t until_ms, wait_ms;
} world;

extern const setting *the_setting;

/* -- world.c: what goes on around the machine */
world world_begin(const holding *start);
void world_age(world *w, int64_t ms);
/* Those moves that are nobody's but the world's. */
void world_moves(explorer *x, const world *w);
/* A request arrives that carries the wanted certificate. */
int world_take(world *w, uint32_t op);
/* The same of one that was given up. */
int world_stray_arrives(world *w, uint32_t op);
void world_stray_leaves(world *w, uint32_t op);

/* -- driver.c: a call, and everything that may become of its actions */
void driver_moves(explorer *x, const world *w);
/* The call is given up where it stands: its process was killed. */
void driver_crash(world *w);
void driver_begin(world *w);
/* An event; what must hold is looked at. */
emqxi_action driver_tell(explorer *x, world *w, emqxi_event *e);
/* Nothing goes wrong any more: two calls at most reach what is wanted. */
void driver_goes_well(explorer *x, const world *w);

/* What is left of it; the receipt is kept; an event is told, and it goes on to what follows. */
int64_t driver_left_ms(const world *w);
void driver_keeps_receipt(world *w);
void driver_go_on(explorer *x, world *w, emqxi_event *e);

/* -- exchange.c: what may become of a read, of a write that is about to leave, of one that has */
void exchange_reads(explorer *x, const world *w);
void exchange_writes(explorer *x, const world *w);
void exchange_sends(explorer *x, const world *w);
/* The write under way arrives and is answered. */
enum emqxi_event_type exchange_arrives(world *w, emqxi_error *error);
extern const emqxi_error exchange_taken, exchange_no_memory;

/* -- held.c: what must hold */
void held_after(explorer *x, const world *before, const world *after, const emqxi_event *e,
                const emqxi_action *a);

#endif
