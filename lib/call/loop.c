/* SPDX-License-Identifier: MIT
 *
 * The loop of a client: which call moves on when.
 */
#include "call/client.h"

/* A transport that can't be woken is looked at so often for an interrupt or a freed slot; one that
 * tells by nothing when it has something to do, for that. */
#define SLICE_MS 100

/* -- lists ------------------------------------------------------------------------------------- */

static void push(emqxi_call_list *list, emqx_tls_call *call)
{
    call->queue = list;
    call->queue_next = NULL;
    call->queue_previous = list->last;
    if (list->last)
        list->last->queue_next = call;
    else
        list->first = call;
    list->last = call;
}

static void unqueue(emqx_tls_call *call)
{
    emqxi_call_list *list = call->queue;
    if (!list)
        return;
    if (call->queue_previous)
        call->queue_previous->queue_next = call->queue_next;
    else
        list->first = call->queue_next;
    if (call->queue_next)
        call->queue_next->queue_previous = call->queue_previous;
    else
        list->last = call->queue_previous;
    call->queue = NULL;
}

/* -- timers ------------------------------------------------------------------------------------ */

static void place(emqx_tls_client *client, size_t at, emqx_tls_call *call)
{
    client->timers[at] = call;
    call->timer = at + 1;
}

static void sift(emqx_tls_client *client, size_t at, emqx_tls_call *call)
{
    while (at > 0 && client->timers[(at - 1) / 2]->due > call->due) {
        place(client, at, client->timers[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < client->timer_count &&
            client->timers[child + 1]->due < client->timers[child]->due)
            child++;
        if (child >= client->timer_count || client->timers[child]->due >= call->due)
            break;
        place(client, at, client->timers[child]);
        at = child;
    }
    place(client, at, call);
}

static void untime(emqx_tls_call *call)
{
    emqx_tls_client *client = call->client;
    if (!call->timer)
        return;
    size_t at = call->timer - 1;
    emqx_tls_call *last = client->timers[--client->timer_count];
    call->timer = 0;
    if (last != call)
        sift(client, at, last);
}

void emqxi_call_at(emqx_tls_call *call, int64_t due_ms)
{
    emqx_tls_client *client = call->client;
    size_t at = call->timer ? call->timer - 1 : client->timer_count++;
    call->due = due_ms;
    sift(client, at, call);
}

/* -- calls ------------------------------------------------------------------------------------- */

emqx_tls_code emqxi_call_enter(emqx_tls_client *client, emqx_tls_call *call)
{
    if (client->call_count >= client->timer_room) {
        size_t room = client->timer_room ? 2 * client->timer_room : 8;
        emqx_tls_call **timers =
            emqxi_resize(&client->allocator, client->timers, room * sizeof *timers);
        if (!timers)
            return EMQX_TLS_E_NO_MEMORY;
        client->timers = timers;
        client->timer_room = room;
    }
    call->client = client;
    call->previous = NULL;
    call->next = client->all;
    if (client->all)
        client->all->previous = call;
    client->all = call;
    client->call_count++;
    client->pending += !call->internal;
    emqxi_call_ready(call);
    return EMQX_TLS_OK;
}

void emqxi_call_ready(emqx_tls_call *call)
{
    if (!call->queue)
        push(&call->client->ready, call);
}

void emqxi_call_wake(void *context)
{
    emqx_tls_call *call = context;
    emqx_tls_client *client = call->client;
    if (atomic_exchange(&call->woken, true))
        return;
    emqx_tls_call *head = atomic_load(&client->woken);
    do
        call->woken_next = head;
    while (!atomic_compare_exchange_weak(&client->woken, &head, call));
    if (client->transport.wake)
        client->transport.wake(client->transport.context);
}

static void take_woken(emqx_tls_client *client)
{
    emqx_tls_call *call = atomic_exchange(&client->woken, NULL), *next;
    for (; call; call = next) {
        next = call->woken_next;
        atomic_store(&call->woken, false);
        emqxi_call_ready(call);
    }
}

void emqxi_call_finish(emqx_tls_call *call)
{
    untime(call);
    take_woken(call->client); /* so that the stack holds no call that is about to go */
    unqueue(call);
    push(&call->client->finished, call);
}

void emqxi_call_cancel(emqx_tls_call *call)
{
    if (call->told || call->queue == &call->client->finished)
        return;
    call->type->stop(call);
    emqxi_fail(&call->error, EMQX_TLS_E_CANCELLED, "cancelled%s",
               call->error.delivery == EMQX_TLS_DELIVERY_MAYBE
                   ? ": the request may have reached the platform"
                   : "");
    emqxi_call_finish(call);
}

static void leave(emqx_tls_call *call)
{
    emqx_tls_client *client = call->client;
    unqueue(call);
    if (call->previous)
        call->previous->next = call->next;
    else
        client->all = call->next;
    if (call->next)
        call->next->previous = call->previous;
    client->call_count--;
    client->pending -= !call->internal;
}

/* -- the turn ---------------------------------------------------------------------------------- */

static void advance(emqx_tls_client *client)
{
    int64_t now = client->timer_count ? emqxi_now(&client->clock) : 0;
    take_woken(client);
    while (client->timer_count && client->timers[0]->due <= now) {
        emqx_tls_call *call = client->timers[0];
        untime(call);
        emqxi_call_ready(call);
    }
    /* With a transport that blocks in `start`, each call takes its time: an interrupt comes between
     * two. */
    while (client->ready.first &&
           !atomic_load_explicit(&client->interrupted, memory_order_relaxed)) {
        emqx_tls_call *call = client->ready.first;
        unqueue(call);
        call->type->advance(call);
    }
}

bool emqxi_deliver(emqx_tls_client *client)
{
    emqx_tls_call *last = client->finished.last;
    bool outer = client->in_done, more = last != NULL;
    client->in_done = true;
    while (more) {
        emqx_tls_call *call = client->finished.first;
        more = call != last;
        client->delivered += !call->internal;
        leave(call);
        call->told = true;
        if (call->done)
            call->done(call->user, call, call->error.code);
        call->type->release(call);
    }
    client->in_done = outer;
    return last != NULL;
}

static int64_t wait_for(emqx_tls_client *client, int64_t timeout_ms)
{
    int64_t wait = timeout_ms;
    if (client->timer_count) {
        int64_t due = client->timers[0]->due - emqxi_now(&client->clock);
        if (due < 0)
            due = 0;
        if (wait < 0 || due < wait)
            wait = due;
    }
    /* nothing ends clock.sleep_ms early */
    bool wakes = client->transport.wake && client->transport.poll;
    if (!wakes && (wait < 0 || wait > SLICE_MS))
        wait = SLICE_MS;
    return wait > INT32_MAX ? INT32_MAX : wait;
}

emqx_tls_code emqxi_turn(emqx_tls_client *client, int64_t timeout_ms)
{
    emqx_tls_code code = EMQX_TLS_OK;
    advance(client);
    if (emqxi_deliver(client))
        timeout_ms = 0;
    if (client->ready.first || client->finished.first || atomic_load(&client->interrupted))
        timeout_ms = 0;
    int64_t wait = wait_for(client, timeout_ms);
    if (client->transport.poll)
        code = client->transport.poll(client->transport.context, (int)wait);
    else if (wait > 0)
        client->clock.sleep_ms(client->clock.context, wait);
    advance(client);
    emqxi_deliver(client);
    return code;
}

int64_t emqxi_own_next_ms(emqx_tls_client *client)
{
    if (client->ready.first || client->finished.first || atomic_load(&client->woken) ||
        atomic_load(&client->interrupted))
        return 0;
    return client->call_count ? wait_for(client, -1) : -1;
}

int64_t emqxi_next_ms(emqx_tls_client *client)
{
    if (!client->call_count)
        return -1;
    const emqx_tls_transport *t = &client->transport;
    int64_t own = emqxi_own_next_ms(client), transport = -1;
    if (t->next_ms)
        transport = t->next_ms(t->context);
    else if (t->poll && (!t->fd || t->fd(t->context) < 0))
        transport = SLICE_MS;
    return transport >= 0 && (own < 0 || transport < own) ? transport : own;
}
