/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * waitlist - those who wait for a slot, in the order they came: one list a scope. Nothing here runs
 * by itself: whoever stands in line looks when its own time has come, or is woken. The first in
 * line is the one who knows its time exactly; when it leaves, the next is woken and becomes the
 * one. So an event wakes one waiter, and wakes the next by being served.
 *
 * Who was told to look and has not come within 1 s is asleep (its thread is busy elsewhere): it
 * keeps its place, but does not count as ahead of the others until it comes. That the first has
 * fallen asleep is found by those behind, who look one after the other, a second apart, after its
 * time.
 */
#ifndef EMQXI_WAITLIST_H
#define EMQXI_WAITLIST_H

#include "limiter/limiter.h"
#include "limiter/table.h"

#define EMQXI_CLAIM_MS 1000

typedef struct emqxi_waitlist {
    uint64_t scope;
    emqxi_list waiters;
    uint32_t count;
    uint32_t asleep;     /* of these, found asleep */
    int64_t hopeless_ms; /* whose time ends before has been woken to fail */
    int64_t passed_ms;   /* when all were last gone through */
} emqxi_waitlist;

/* How many that are awake stand before the waiter, or in the list if it is not in it. Finds those
 * who have fallen asleep. */
uint32_t emqxi_waitlist_ahead(emqxi_waitlist *list, emqxi_waiter *waiter, int64_t now);

/* Goes to the end of the scope's list, which is made if there is none. False: no memory. */
bool emqxi_waitlist_join(emqxi_table *lists, uint64_t scope, emqxi_waiter *waiter);

/* Leaves the list and wakes the next one. The list goes with its last waiter. */
void emqxi_waitlist_leave(emqxi_table *lists, emqxi_waiter *waiter, int64_t now);

/* Something has changed: wakes the first who is awake. */
void emqxi_waitlist_wake(emqxi_waitlist *list, int64_t now);

/* What a store has answered to a waiter that stays in line. */
typedef struct emqxi_outlook {
    uint32_t ahead;
    int64_t early_ms, late_ms; /* from now */
    int64_t wait_ms;           /* how long the waiter can wait */
    bool shared;               /* the store's */
} emqxi_outlook;

/* Notes it, and returns when the waiter has to look again, from now. If the first in line learns
 * that nothing is free before early_ms, all whose time ends before are woken to fail at once, at
 * most one pass a second. */
int64_t emqxi_waitlist_stay(emqxi_waiter *waiter, const emqxi_outlook *outlook, int64_t now);

#endif
