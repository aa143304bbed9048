/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * An operation as a call of the client's loop: checks what it shall do, and carries out what its
 * machine (operation.h) says.
 */
#include "call/client.h"

#include <string.h>

#include "call/exchange.h"
#include "call/operation.h"
#include "call/request.h"

#define WINDOW_MS   3600000 /* the platform's */
#define PATIENCE_MS 2000    /* how long a settlement waits for a locked store */

typedef emqxi_operation_event event;
typedef emqxi_operation_action action;

typedef struct operation_call {
    emqx_tls_call call;
    emqxi_operation machine;
    uint32_t op;
    bool body_borrowed;
    emqxi_waiter waiter;
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_exchange exchange; /* its body holds the private key: wiped when it is not needed */
    void *handle;
    int64_t sent;        /* when */
    emqxi_answer answer; /* that the transport did not give */
    bool (*before_send)(void *user, int64_t lease_ms, emqxi_error *error);
    char deployment_id[]; /* and behind it the URL: one that is kept has both */
} operation_call;

static const char *host_and_path(const operation_call *o)
{
    return strstr(o->exchange.url, "://") + 3;
}

static event event_now(const operation_call *o, int type)
{
    return (event){.type = type, .now = emqxi_now(&o->call.client->clock)};
}

/* -- the deeds: each carries an action out, and says what came of it in *e. False: nothing yet, or
 * nothing any more. */

static bool ask_slot(operation_call *o, const action *a, event *e)
{
    emqxi_reserve r = {.op = o->op,
                       .deployment_id = o->deployment_id,
                       .lease_ms = a->lease_ms,
                       .wait_ms = a->wait_ms};
    /* Where a repeat finds no quota, what happened to the request itself tells the caller more. */
    emqxi_error *error = o->machine.attempts == 0 ? &o->call.error : NULL;
    emqx_tls_code code = emqxi_limiter_reserve(o->call.client->limiter, &r, &o->waiter, error);
    *e = event_now(o, code != EMQX_TLS_OK ? EMQXI_ON_NO_SLOT
                      : r.granted         ? EMQXI_ON_SLOT
                      : r.busy            ? EMQXI_ON_STORE_BUSY
                                          : EMQXI_ON_LINE);
    e->wait_ms = r.look_again_ms;
    if (r.granted)
        memcpy(o->ticket, r.ticket, sizeof o->ticket);
    return true;
}

static bool operation_prepare(operation_call *o, const action *a, event *e)
{
    e->type = EMQXI_ON_READY;
    if (o->before_send) {
        bool ready = o->before_send(o->call.user, a->lease_ms, &o->call.error);
        *e = event_now(o, ready ? EMQXI_ON_READY : EMQXI_ON_HELD_BACK);
    }
    return true;
}

static bool send_request(operation_call *o, const action *a, event *e)
{
    o->sent = a->until - a->lease_ms;
    if (!emqxi_exchange_start(o->call.client, &o->exchange, a->lease_ms, &o->handle, &o->answer)) {
        *e = (event){.type = EMQXI_ON_ANSWER, .answer = &o->answer};
        return true;
    }
    if (o->machine.state == EMQXI_OPERATION_SENT) /* else the transport blocks: it has ended */
        emqxi_call_at(&o->call, a->until);
    return false;
}

static bool withdraw(operation_call *o, const action *a, event *e)
{
    (void)a;
    o->answer = emqxi_exchange_withdraw(o->call.client, o->handle);
    *e = (event){.type = EMQXI_ON_ANSWER, .answer = &o->answer};
    return true;
}

static bool ask_quota(const operation_call *o, emqx_tls_quota *quota)
{
    emqx_tls_quota_init(quota);
    return emqx_tls_limiter_query(o->call.client->limiter, o->op, o->deployment_id, quota, NULL) ==
           EMQX_TLS_OK;
}

/* How long a 429 asks to wait: what the limiter makes of it, shared with all its users. */
static int64_t shut_for(const operation_call *o, int64_t told_ms)
{
    emqx_tls_quota quota;
    if (ask_quota(o, &quota))
        return EMQXI_MAX(quota.next_ms, 0);
    if (told_ms != EMQXI_RETRY_NONE)
        return told_ms < 0 ? WINDOW_MS : EMQXI_MIN(told_ms, WINDOW_MS);
    return o->op == EMQX_TLS_OP_GET ? 60000 : 600000; /* a slot's share of the platform's window */
}

static void operation_tell(operation_call *o, const emqxi_answer *a)
{
    emqx_tls_client *client = o->call.client;
    emqx_tls_quota quota;
    if (client->log) {
        ask_quota(o, &quota);
        emqxi_log(client, EMQX_TLS_LOG_INFO,
                  "%s %s: status %d, attempt %u, %lld ms, quota %u of %u left", o->exchange.method,
                  host_and_path(o), (int)a->status, (unsigned)o->machine.attempts,
                  (long long)(emqxi_now(&client->clock) - o->sent), (unsigned)quota.remaining,
                  (unsigned)quota.limit);
    }
    if (a->code == EMQX_TLS_OK && a->status == 429)
        o->call.error.retry_after_ms = shut_for(o, a->retry_after_ms);
    emqxi_answer_tell(a, o->op, o->deployment_id, &client->endpoint, &o->call.status,
                      &o->call.error);
}

static bool settle_slot(operation_call *o, const action *a, event *e)
{
    emqx_tls_client *client = o->call.client;
    emqxi_error error; /* not cleared, since only what fails writes and reads it */
    o->call.spent += a->outcome != EMQX_TLS_OUTCOME_NOT_SENT;
    /* Waited for in vain once, not once for each of many in flight: that would stop the user's loop
     * for minutes. */
    int64_t patience_ms = client->store_stuck ? 0 : PATIENCE_MS;
    client->store_stuck = emqxi_limiter_settle(client->limiter, o->ticket, a->outcome, a->wait_ms,
                                               patience_ms, &error) != EMQX_TLS_OK;
    if (client->store_stuck)
        emqxi_log(client, EMQX_TLS_LOG_WARNING,
                  "quota slot not settled, it is held until its lease is over: %s", error.message);
    if (e->answer)
        operation_tell(o, e->answer);
    *e = (event){.type = EMQXI_ON_SETTLED};
    if (a->again) {
        e->now = emqxi_now(&client->clock);
        e->random = emqxi_random();
    }
    return true;
}

static bool operation_pause(operation_call *o, const action *a, event *e)
{
    (void)e;
    emqxi_call_at(&o->call, a->until);
    return false;
}

static bool end(operation_call *o, const action *a, event *last)
{
    (void)a, (void)last;
    int why = o->machine.end;
    emqxi_error *e = &o->call.error;
    emqxi_limiter_leave(o->call.client->limiter, &o->waiter);
    if (!o->body_borrowed)
        emqxi_wipe_free(&o->call.client->allocator, (char *)(uintptr_t)o->exchange.body,
                        o->exchange.body_len);
    o->exchange.body = NULL;
    e->attempts = o->machine.attempts;
    if (why == EMQXI_END_CANCELLED)
        return false; /* emqxi_call_cancel does the rest */
    if (why == EMQXI_END_STORE_BUSY)
        emqxi_fail(e, EMQX_TLS_E_STORE, "%s; nothing was sent", e->message);
    else if (why != EMQXI_END_TOLD)
        emqxi_fail(e, EMQX_TLS_E_TIMEOUT, "%s: nothing was sent",
                   why == EMQXI_END_STALE ? "the quota store took too long"
                                          : "timeout_ms was over before the call's turn came (run "
                                            "was not called, or other calls blocked it)");
    if (e->code != EMQX_TLS_OK)
        emqxi_log(o->call.client, EMQX_TLS_LOG_WARNING, "%s %s ended with %s after %u attempts",
                  o->exchange.method, host_and_path(o), emqx_tls_code_name(e->code),
                  (unsigned)e->attempts);
    emqxi_call_finish(&o->call);
    return false;
}

/* Gives the machine an event and does what it says, until it has to wait or is over. */
static void operation_carry_out(operation_call *o, event e)
{
    static bool (*const deeds[])(operation_call *, const action *,
                                 event *) = {[EMQXI_DO_RESERVE] = ask_slot,
                                             [EMQXI_DO_PREPARE] = operation_prepare,
                                             [EMQXI_DO_SEND] = send_request,
                                             [EMQXI_DO_WITHDRAW] = withdraw,
                                             [EMQXI_DO_SETTLE] = settle_slot,
                                             [EMQXI_DO_PAUSE] = operation_pause,
                                             [EMQXI_DO_END] = end};
    action a;
    do
        a = emqxi_operation_next(&o->machine, &e);
    while (a.type != EMQXI_DO_NOTHING && deeds[a.type](o, &a, &e));
}

static void on_reply(void *user, const emqx_tls_reply *reply)
{
    operation_call *o = user;
    emqxi_answer answer = emqxi_exchange_read(reply, o->op == EMQX_TLS_OP_DELETE);
    operation_carry_out(o, (event){.type = EMQXI_ON_ANSWER, .answer = &answer});
}

static void operation_advance(emqx_tls_call *call)
{
    operation_call *o = (operation_call *)call;
    operation_carry_out(o, event_now(o, EMQXI_ON_TURN));
}

static void operation_stop(emqx_tls_call *call)
{
    operation_carry_out((operation_call *)call, (event){.type = EMQXI_ON_CANCEL});
}

/* -- begin and end of life --------------------------------------------------------------------- */

/* The last one is kept, with its ID and URL: who polls one deployment allocates nothing. */
static void operation_release(emqx_tls_call *call)
{
    emqx_tls_client *client = call->client;
    emqxi_free(&client->allocator, client->kept);
    client->kept = call;
}

/* A zeroed operation with its ID and URL; NULL: no memory. */
static operation_call *obtain(emqx_tls_client *client, const char *deployment_id)
{
    const char *base = client->endpoint.base;
    size_t id_size = strlen(deployment_id) + 1;
    operation_call *o = (operation_call *)client->kept;
    if (o && strcmp(o->deployment_id, deployment_id) == 0) {
        client->kept = NULL;
        memset(o, 0, offsetof(operation_call, deployment_id));
        return o;
    }
    o = emqxi_zalloc(&client->allocator, sizeof *o + id_size + emqxi_url_size(base, deployment_id));
    if (o) {
        memcpy(o->deployment_id, deployment_id, id_size);
        emqxi_url(base, deployment_id, o->deployment_id + id_size);
    }
    return o;
}

static const emqxi_call_type operation_type = {
    .advance = operation_advance, .stop = operation_stop, .release = operation_release};

static void operation_set_up(operation_call *o, emqx_tls_client *client, const emqxi_order *order,
                             const char *body, size_t body_len)
{
    bool is_own = order->timeout_ms > 0;
    o->call.type = &operation_type;
    o->call.done = order->done;
    o->call.user = order->user;
    o->call.internal = order->internal;
    emqx_tls_status_init(&o->call.status);
    emqxi_error_clear(&o->call.error);
    o->op = order->op;
    o->machine.is_read = order->op == EMQX_TLS_OP_GET;
    o->machine.timeout_ms = is_own ? order->timeout_ms : client->timeout_ms;
    o->machine.quota_left_ms = is_own ? order->quota_wait_ms : client->quota_wait_ms;
    o->machine.end_ms = order->end_ms;
    o->machine.deadline = emqxi_now(&client->clock) + o->machine.timeout_ms;
    emqxi_exchange_init(&o->exchange, client, order->op,
                        o->deployment_id + strlen(o->deployment_id) + 1, body, body_len);
    o->exchange.done = on_reply;
    o->exchange.done_user = o;
    o->body_borrowed = order->body != NULL;
    o->before_send = order->before_send;
    o->waiter.wake = emqxi_call_wake;
    o->waiter.wake_context = &o->call;
}

static emqx_tls_code check_order(emqx_tls_client *client, const emqxi_order *order, char **body,
                                 size_t *body_len, emqxi_error *error)
{
    const char *problem = emqxi_deployment_id_problem(order->deployment_id);
    if (order->op < EMQX_TLS_OP_GET || order->op > EMQX_TLS_OP_DELETE)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "op is %u: use one of EMQX_TLS_OP_*",
                          (unsigned)order->op);
    if (problem)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "deployment_id %s", problem);
    if (!order->body && (order->op == EMQX_TLS_OP_CREATE || order->op == EMQX_TLS_OP_UPDATE))
        return emqxi_request_body(client, order->request, NULL, body, body_len, NULL, error);
    if (order->request)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "request must be NULL for a read or a delete");
    *body = (char *)(uintptr_t)order->body;
    *body_len = order->body_len;
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_operation_start(emqx_tls_client *client, const emqxi_order *order,
                                    emqx_tls_call **call, emqxi_error *error)
{
    char *body;
    size_t body_len;
    *call = NULL;
    emqx_tls_code code = check_order(client, order, &body, &body_len, error);
    if (code != EMQX_TLS_OK)
        return code;
    operation_call *o = obtain(client, order->deployment_id);
    if (o)
        operation_set_up(o, client, order, body, body_len);
    if (!o || emqxi_call_enter(client, &o->call) != EMQX_TLS_OK) {
        if (!order->body)
            emqxi_wipe_free(&client->allocator, body, body_len);
        emqxi_free(&client->allocator, o);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    }
    *call = &o->call;
    return EMQX_TLS_OK;
}
