/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The loop of a client: which call moves on when.
 */
#include "call/client.h"

/* A transport that can't be woken is looked at so often for an interrupt or a freed slot; one that
 * tells by nothing when it has something to do, for that. */
#define SLICE_MS 100

/* -- timers ------------------------------------------------------------------------------------ */

static void set_place(emqx_tls_client *client, size_t at, emqx_tls_call *call)
{
    client->timers[at] = call;
    call->timer = at + 1;
}

static void sift(emqx_tls_client *client, size_t at, emqx_tls_call *call)
{
    emqx_tls_call **heap = client->timers;
    for (; at > 0 && heap[(at - 1) / 2]->due > call->due; at = (at - 1) / 2)
        set_place(client, at, heap[(at - 1) / 2]);
    for (size_t child; (child = 2 * at + 1) < client->timer_count; at = child) {
        if (child + 1 < client->timer_count && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= call->due)
            break;
        set_place(client, at, heap[child]);
    }
    set_place(client, at, call);
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

static void move_to(emqxi_list *list, emqx_tls_call *call)
{
    if (call->queue)
        emqxi_list_remove(call->queue, &call->queue_node);
    if (list)
        emqxi_list_append(list, &call->queue_node);
    call->queue = list;
}

static emqx_tls_call *first_of(const emqxi_list *queue)
{
    return queue->first ? EMQXI_OF(queue->first, emqx_tls_call, queue_node) : NULL;
}

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
    emqxi_list_append(&client->all, &call->node);
    client->call_count++;
    client->pending += !call->internal;
    emqxi_call_ready(call);
    return EMQX_TLS_OK;
}

static void loop_leave(emqx_tls_call *call)
{
    emqx_tls_client *client = call->client;
    move_to(NULL, call);
    emqxi_list_remove(&client->all, &call->node);
    client->call_count--;
    client->pending -= !call->internal;
}

void emqxi_call_ready(emqx_tls_call *call)
{
    if (!call->queue)
        move_to(&call->client->ready, call);
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
    if (call->error.code != EMQX_TLS_E_RATE_LIMITED)
        call->error.retry_after_ms = -1;
    untime(call);
    take_woken(call->client); /* so that the stack holds no call that is about to go */
    move_to(&call->client->finished, call);
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

/* -- the turn ---------------------------------------------------------------------------------- */

static void advance_all(emqx_tls_client *client)
{
    int64_t now = client->timer_count ? emqxi_now(&client->clock) : 0;
    emqx_tls_call *call;
    take_woken(client);
    while (client->timer_count && client->timers[0]->due <= now) {
        call = client->timers[0];
        untime(call);
        emqxi_call_ready(call);
    }
    /* With a transport that blocks in `start`, each call takes its time: an interrupt comes between
     * two. */
    while ((call = first_of(&client->ready)) &&
           !atomic_load_explicit(&client->interrupted, memory_order_relaxed)) {
        move_to(NULL, call);
        call->type->advance(call);
    }
}

bool emqxi_deliver(emqx_tls_client *client)
{
    const emqxi_node *last = client->finished.last;
    bool more = last != NULL;
    while (more) {
        emqx_tls_call *call = first_of(&client->finished);
        more = &call->queue_node != last;
        client->delivered += !call->internal;
        loop_leave(call);
        call->told = true;
        if (call->done)
            call->done(call->user, call, call->error.code);
        call->type->release(call);
    }
    return last != NULL;
}

/* Of two times to wait, -1 is for ever. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int64_t emqxi_own_next_ms(emqx_tls_client *client)
{
    if (client->ready.first || client->finished.first || atomic_load(&client->woken) ||
        atomic_load(&client->interrupted))
        return 0;
    if (!client->call_count)
        return -1;
    /* nothing ends clock.sleep_ms early */
    int64_t next = client->transport.wake && client->transport.poll ? -1 : SLICE_MS;
    if (client->timer_count) {
        int64_t left = client->timers[0]->due - emqxi_now(&client->clock);
        next = earlier(EMQXI_MAX(left, 0), next);
    }
    return next;
}

int64_t emqxi_next_ms(emqx_tls_client *client)
{
    const emqx_tls_transport *t = &client->transport;
    int64_t next = emqxi_own_next_ms(client);
    if (!client->call_count)
        return -1;
    if (t->next_ms)
        return earlier(next, t->next_ms(t->context));
    if (t->poll && (!t->fd || t->fd(t->context) < 0))
        return earlier(next, SLICE_MS);
    return next;
}

emqx_tls_code emqxi_turn(emqx_tls_client *client, int64_t timeout_ms, emqxi_error *error)
{
    emqx_tls_code code = EMQX_TLS_OK;
    advance_all(client);
    bool told = emqxi_deliver(client);
    int64_t wait = told ? 0 : earlier(timeout_ms, emqxi_own_next_ms(client));
    if (client->transport.poll)
        code = client->transport.poll(client->transport.context, (int)EMQXI_MIN(wait, INT32_MAX));
    else if (wait > 0)
        client->clock.sleep_ms(client->clock.context, wait);
    advance_all(client);
    emqxi_deliver(client);
    if (code != EMQX_TLS_OK)
        return emqxi_fail(error, EMQX_TLS_E_TRANSPORT, "the transport can't poll (%s)",
                          emqx_tls_code_name(code));
    return EMQX_TLS_OK;
}
