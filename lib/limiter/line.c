/* SPDX-License-Identifier: MIT */
#include "limiter/line.h"

#define PASS_MS 1000 /* between two passes through a whole line */
#define PEEK_MS 1000 /* how often the first in line looks at a store that others use too */

static void set_asleep(emqxi_line *line, emqxi_waiter *waiter, bool asleep)
{
    if (waiter->asleep != asleep)
        line->asleep += asleep ? 1 : -1;
    waiter->asleep = asleep;
}

static bool asleep(emqxi_line *line, emqxi_waiter *waiter, int64_t now)
{
    if (!waiter->asleep && emqxi_add(waiter->look_ms, EMQXI_CLAIM_MS) <= now)
        set_asleep(line, waiter, true);
    return waiter->asleep;
}

static void wake(emqxi_waiter *waiter, int64_t now)
{
    waiter->look_ms = EMQXI_MIN(waiter->look_ms, now);
    waiter->wake(waiter->wake_context);
}

/* The first from `waiter` on that is awake, or NULL. */
static emqxi_waiter *awake_from(emqxi_line *line, emqxi_waiter *waiter, int64_t now)
{
    while (waiter && asleep(line, waiter, now))
        waiter = waiter->next;
    return waiter;
}

uint32_t emqxi_line_ahead(emqxi_line *line, emqxi_waiter *waiter, int64_t now)
{
    uint32_t ahead = 0;
    if (!waiter->queued)
        return line->count - line->asleep;
    set_asleep(line, waiter, false);
    waiter->look_ms = now;
    for (emqxi_waiter *w = line->first; w != waiter; w = w->next)
        ahead += !asleep(line, w, now);
    return ahead;
}

emqxi_line *emqxi_line_find(const emqxi_table *lines, uint64_t scope)
{
    emqxi_entry *entry = lines->count > 0 ? emqxi_table_find(lines, scope) : NULL;
    return entry ? entry->value : NULL;
}

bool emqxi_line_join(emqxi_table *lines, uint64_t scope, emqxi_waiter *waiter)
{
    emqxi_line *line = emqxi_line_find(lines, scope);
    if (!line) {
        line = emqxi_zalloc(lines->allocator, sizeof *line);
        if (!line)
            return false;
        line->scope = scope;
        line->hopeless_ms = line->passed_ms = INT64_MIN;
        if (!emqxi_table_add(lines, scope, line)) {
            emqxi_free(lines->allocator, line);
            return false;
        }
    }
    waiter->previous = line->last;
    waiter->next = NULL;
    if (line->last)
        line->last->next = waiter;
    else
        line->first = waiter;
    line->last = waiter;
    line->count++;
    waiter->line = line;
    waiter->queued = true;
    waiter->asleep = false;
    return true;
}

void emqxi_line_leave(emqxi_table *lines, emqxi_waiter *waiter, int64_t now)
{
    emqxi_line *line = waiter->line;
    emqxi_waiter *next = waiter->next;
    set_asleep(line, waiter, false);
    *(waiter->previous ? &waiter->previous->next : &line->first) = next;
    *(next ? &next->previous : &line->last) = waiter->previous;
    waiter->queued = false;
    waiter->next = waiter->previous = NULL;
    waiter->line = NULL;
    if (--line->count == 0) {
        emqxi_table_remove(lines, emqxi_table_find(lines, line->scope));
        emqxi_free(lines->allocator, line);
        if (lines->count == 0)
            emqxi_table_free(lines);
        return;
    }
    next = awake_from(line, next, now);
    if (next)
        wake(next, now);
}

void emqxi_line_wake(emqxi_line *line, int64_t now)
{
    emqxi_waiter *first = awake_from(line, line->first, now);
    if (first)
        wake(first, now);
}

/* From now, when the first may go through the line again; INT64_MAX: no need. */
static int64_t wake_hopeless(emqxi_line *line, const emqxi_waiter *first, int64_t early_ms,
                             int64_t now)
{
    if (line->count == 1 || early_ms <= line->hopeless_ms)
        return INT64_MAX;
    if (line->passed_ms > emqxi_add(now, -PASS_MS))
        return line->passed_ms + PASS_MS - now;
    line->hopeless_ms = early_ms;
    line->passed_ms = now;
    for (emqxi_waiter *w = line->first; w; w = w->next)
        if (w != first && w->deadline_ms < early_ms)
            wake(w, now);
    return INT64_MAX;
}

int64_t emqxi_line_stay(emqxi_waiter *waiter, const emqxi_outlook *o, int64_t now)
{
    emqxi_line *line = waiter->line;
    int64_t look = o->early_ms;
    waiter->look_ms = now; /* it is awake */
    /* It depends on calls in flight, and their end wakes: until the earliest time at which it could
     * be is too late. */
    if (o->early_ms < o->late_ms)
        look = EMQXI_MIN(o->late_ms, o->wait_ms - o->early_ms + 1);
    if (o->ahead == 0) {
        look = EMQXI_MIN(look, wake_hopeless(line, waiter, emqxi_add(now, o->early_ms), now));
    } else {
        const emqxi_waiter *first = awake_from(line, line->first, now);
        if (first == waiter) /* all before it have just been found asleep */
            look = 0;
        else
            look = EMQXI_MIN(look, first->look_ms - now + o->ahead * (int64_t)EMQXI_CLAIM_MS);
    }
    if (o->shared)
        look = EMQXI_MIN(look, (o->ahead + 1) * (int64_t)PEEK_MS);
    look = EMQXI_MAX(EMQXI_MIN(look, o->wait_ms), 1);
    waiter->deadline_ms = emqxi_add(now, o->wait_ms);
    waiter->look_ms = emqxi_add(now, look);
    return look;
}
