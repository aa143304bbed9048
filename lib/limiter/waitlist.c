/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/waitlist.h"

#define PASS_MS 1000 /* between two passes through a whole list */
#define PEEK_MS 1000 /* how often the first in line looks at a store that others use too */

static emqxi_waiter *waiter_of(emqxi_node *node)
{
    return node ? EMQXI_OF(node, emqxi_waiter, node) : NULL;
}

static void set_asleep(emqxi_waitlist *list, emqxi_waiter *waiter, bool asleep)
{
    if (waiter->asleep != asleep)
        list->asleep += asleep ? 1 : -1;
    waiter->asleep = asleep;
}

static bool is_asleep(emqxi_waitlist *list, emqxi_waiter *waiter, int64_t now)
{
    if (!waiter->asleep && emqxi_add(waiter->look_ms, EMQXI_CLAIM_MS) <= now)
        set_asleep(list, waiter, true);
    return waiter->asleep;
}

static void wake_waiter(emqxi_waiter *waiter, int64_t now)
{
    waiter->look_ms = EMQXI_MIN(waiter->look_ms, now);
    waiter->wake(waiter->wake_context);
}

/* The first from `node` on that is awake, or NULL. */
static emqxi_waiter *awake_from(emqxi_waitlist *list, emqxi_node *node, int64_t now)
{
    while (node && is_asleep(list, waiter_of(node), now))
        node = node->next;
    return waiter_of(node);
}

static void wake_from(emqxi_waitlist *list, emqxi_node *node, int64_t now)
{
    emqxi_waiter *waiter = awake_from(list, node, now);
    if (waiter)
        wake_waiter(waiter, now);
}

uint32_t emqxi_waitlist_ahead(emqxi_waitlist *list, emqxi_waiter *waiter, int64_t now)
{
    uint32_t ahead = 0;
    if (!waiter->queued)
        return list->count - list->asleep;
    set_asleep(list, waiter, false);
    waiter->look_ms = now;
    for (emqxi_node *n = list->waiters.first; n != &waiter->node; n = n->next)
        ahead += !is_asleep(list, waiter_of(n), now);
    return ahead;
}

static emqxi_waitlist *make_list(emqxi_table *lists, uint64_t scope)
{
    emqxi_waitlist *list = emqxi_zalloc(lists->allocator, sizeof *list);
    if (!list)
        return NULL;
    list->scope = scope;
    list->hopeless_ms = list->passed_ms = INT64_MIN;
    if (emqxi_table_set(lists, scope, list))
        return list;
    emqxi_free(lists->allocator, list);
    return NULL;
}

bool emqxi_waitlist_join(emqxi_table *lists, uint64_t scope, emqxi_waiter *waiter)
{
    emqxi_waitlist *list = emqxi_table_get(lists, scope);
    if (!list && !(list = make_list(lists, scope)))
        return false;
    emqxi_list_append(&list->waiters, &waiter->node);
    list->count++;
    waiter->list = list;
    waiter->queued = true;
    waiter->asleep = false;
    return true;
}

void emqxi_waitlist_leave(emqxi_table *lists, emqxi_waiter *waiter, int64_t now)
{
    emqxi_waitlist *list = waiter->list;
    emqxi_node *next = waiter->node.next;
    set_asleep(list, waiter, false);
    emqxi_list_remove(&list->waiters, &waiter->node);
    waiter->queued = false;
    waiter->list = NULL;
    if (--list->count > 0) {
        wake_from(list, next, now);
        return;
    }
    emqxi_table_remove(lists, list->scope);
    emqxi_free(lists->allocator, list);
    if (lists->count == 0)
        emqxi_table_free(lists);
}

void emqxi_waitlist_wake(emqxi_waitlist *list, int64_t now)
{
    wake_from(list, list->waiters.first, now);
}

/* From now, when the first may go through the list again; INT64_MAX: no need. */
static int64_t wake_hopeless(emqxi_waitlist *list, const emqxi_waiter *first, int64_t early_ms,
                             int64_t now)
{
    if (list->count == 1 || early_ms <= list->hopeless_ms)
        return INT64_MAX;
    if (list->passed_ms > emqxi_add(now, -PASS_MS))
        return list->passed_ms + PASS_MS - now;
    list->hopeless_ms = early_ms;
    list->passed_ms = now;
    for (emqxi_node *n = list->waiters.first; n; n = n->next)
        if (waiter_of(n) != first && waiter_of(n)->deadline_ms < early_ms)
            wake_waiter(waiter_of(n), now);
    return INT64_MAX;
}

int64_t emqxi_waitlist_stay(emqxi_waiter *waiter, const emqxi_outlook *o, int64_t now)
{
    emqxi_waitlist *list = waiter->list;
    int64_t look = o->early_ms;
    waiter->look_ms = now; /* it is awake */
    /* It depends on calls in flight, and their end wakes: until the earliest time at which it could
     * be is too late. */
    if (o->early_ms < o->late_ms)
        look = EMQXI_MIN(o->late_ms, o->wait_ms - o->early_ms + 1);
    if (o->ahead == 0) {
        look = EMQXI_MIN(look, wake_hopeless(list, waiter, emqxi_add(now, o->early_ms), now));
    } else {
        const emqxi_waiter *first = awake_from(list, list->waiters.first, now);
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
