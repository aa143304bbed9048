/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * queue - events by time, and those of one time in the order in which they were put.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "model.h"

typedef struct event {
    int64_t time_us;
    uint64_t order;
    int kind;
    int index;
    /* of the caller, when it was put: an event of a turn that is over counts no more */
    uint64_t turn;
} event;

typedef struct queue {
    event *events; /* a binary heap */
    size_t count, size;
    uint64_t order;
} queue;

void queue_put(queue *q, event e);
bool queue_take(queue *q, event *e);
void queue_free(queue *q);

#endif
