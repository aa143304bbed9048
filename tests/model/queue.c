/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "queue.h"

#include <stdlib.h>

static bool before(const event *a, const event *b)
{
    return a->time_us != b->time_us ? a->time_us < b->time_us : a->order < b->order;
}

void queue_put(queue *q, event e)
{
    if (q->count == q->size) {
        q->size = q->size ? 2 * q->size : 64;
        q->events = realloc(q->events, q->size * sizeof *q->events);
        if (!q->events)
            abort();
    }
    e.order = q->order++;
    size_t i = q->count++;
    for (; i > 0 && before(&e, &q->events[(i - 1) / 2]); i = (i - 1) / 2)
        q->events[i] = q->events[(i - 1) / 2];
    q->events[i] = e;
}

bool queue_take(queue *q, event *e)
{
    if (q->count == 0)
        return false;
    *e = q->events[0];
    event last = q->events[--q->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < q->count && before(&q->events[child + 1], &q->events[child]))
            child++;
        if (child >= q->count || !before(&q->events[child], &last))
            break;
        q->events[i] = q->events[child];
        i = child;
    }
    if (q->count > 0)
        q->events[i] = last;
    return true;
}

void queue_free(queue *q)
{
    free(q->events);
}
