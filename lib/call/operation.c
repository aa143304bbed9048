/* SPDX-License-Identifier: MIT
 *
 * One operation: validate, check, reserve, exchange, settle, decode, and again where the rules of
 * repeats allow it.
 *
 *   RESERVE   wants a slot: at the start, in line for quota, behind a locked store, or after the
 *             pause before a repeat
 *   EXCHANGE  the transport has it; the timer is its lease, after which nothing may depart
 */
#include "call/client.h"

#include <string.h>

#include "call/answer.h"
#include "call/request.h"

#define REPEATS_MAX    2
#define PAUSE_MS       500     /* the first repeat's longest pause; doubled for the next */
#define WINDOW_MS      3600000 /* the platform's */
#define PATIENCE_MS    2000    /* how long a settlement waits for a locked store */
#define POOL_MAX       2
#define BUSY_DOUBLINGS 7 /* of the time after which a locked store is asked again */
#define BUSY_MAX_MS    1000

enum state { RESERVE, EXCHANGE };

typedef struct operation {
    emqx_tls_call call;
    enum state state;
    uint32_t op;
    uint32_t timeout_ms;
    int64_t deadline;   /* for all but waiting for quota */
    int64_t quota_left; /* how long it may still wait for quota */
    int64_t line_since; /* in line since then, if it is */
    bool in_line;
    int64_t lease_end; /* of the exchange under way */
    int64_t departed;
    emqxi_waiter waiter;
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    emqx_tls_exchange exchange;
    void *handle;
    const char *url;
    char *body; /* holds the private key: wiped as soon as it is not needed */
    size_t body_len;
    bool body_borrowed;
    unsigned store_busy; /* so often in a row when it asked for a slot */
    bool (*before_send)(void *user, int64_t lease_ms, emqxi_error *error);
    /* of what follows, kept in the pool: polling one deployment builds it once */
    size_t room;
    char deployment_id[]; /* and behind it the URL */
} operation;

static const char *const methods[] = {
    [EMQX_TLS_OP_GET] = "GET",
    [EMQX_TLS_OP_CREATE] = "POST",
    [EMQX_TLS_OP_UPDATE] = "PUT",
    [EMQX_TLS_OP_DELETE] = "DELETE",
};

static bool is_read(const operation *o)
{
    return o->op == EMQX_TLS_OP_GET;
}

static const char *host_and_path(const operation *o)
{
    return strstr(o->url, "://") + 3;
}

/* -- the end ----------------------------------------------------------------------------------- */

static void drop_body(operation *o)
{
    if (!o->body_borrowed)
        emqxi_wipe_free(&o->call.client->allocator, o->body, o->body_len);
    o->body = NULL;
}

static void finish(operation *o)
{
    emqx_tls_client *client = o->call.client;
    emqxi_error *e = &o->call.error;
    if (e->code != EMQX_TLS_OK) {
        emqxi_log(client, EMQX_TLS_LOG_WARNING, "%s %s ended with %s after %u attempts",
                  methods[o->op], host_and_path(o), emqx_tls_code_name(e->code),
                  (unsigned)e->attempts);
    }
    drop_body(o);
    emqxi_call_finish(&o->call);
}

static void settle(operation *o, uint32_t outcome, int64_t retry_after_ms)
{
    emqx_tls_client *client = o->call.client;
    emqxi_error error;
    emqxi_error_clear(&error);
    o->call.spent += outcome != EMQX_TLS_OUTCOME_NOT_SENT;
    /* Waited for in vain once, not once for each of many in flight: that would stop the user's loop
     * for minutes. */
    int64_t patience_ms = client->store_stuck ? 0 : PATIENCE_MS;
    client->store_stuck = emqxi_limiter_settle(client->limiter, o->ticket, outcome, retry_after_ms,
                                               patience_ms, &error) != EMQX_TLS_OK;
    if (client->store_stuck)
        emqxi_log(client, EMQX_TLS_LOG_WARNING,
                  "quota slot not settled, it is held until its lease is over: %s", error.message);
}

static uint32_t outcome_of(uint32_t delivery)
{
    if (delivery == EMQX_TLS_DELIVERY_NOT_SENT)
        return EMQX_TLS_OUTCOME_NOT_SENT;
    return delivery == EMQX_TLS_DELIVERY_ANSWERED ? EMQX_TLS_OUTCOME_ANSWERED
                                                  : EMQX_TLS_OUTCOME_LOST;
}

/* Goes round again after a pause, if the rules and the time allow it; else the error stands. */
static void repeat_or_finish(operation *o, bool allowed, int64_t at_least_ms)
{
    emqx_tls_client *client = o->call.client;
    int64_t now = emqxi_now(&client->clock);
    if (allowed && o->call.error.attempts <= REPEATS_MAX) {
        int64_t longest = (int64_t)PAUSE_MS << (o->call.error.attempts - 1);
        int64_t pause = EMQXI_MAX((int64_t)(emqxi_random() % (uint64_t)(longest + 1)), at_least_ms);
        if (emqxi_add(now, pause) < o->deadline) {
            o->state = RESERVE;
            emqxi_call_at(&o->call, now + pause);
            return;
        }
    }
    finish(o);
}

/* -- the answer -------------------------------------------------------------------------------- */

/* How long a 429 asks to wait: what the limiter makes of it, shared with all its users. */
static int64_t shut_for(operation *o, int64_t told_ms)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    if (emqx_tls_limiter_query(o->call.client->limiter, o->op, o->deployment_id, &quota, NULL) ==
        EMQX_TLS_OK)
        return EMQXI_MAX(quota.next_ms, 0);
    if (told_ms != EMQXI_RETRY_NONE)
        return told_ms < 0 ? WINDOW_MS : EMQXI_MIN(told_ms, WINDOW_MS);
    return o->op == EMQX_TLS_OP_GET ? 60000 : 600000; /* a slot's share of the platform's window */
}

/* An HTTP answer came. */
static void judge_answer(operation *o, const emqx_tls_reply *reply, int64_t retry_after_ms)
{
    emqxi_error *e = &o->call.error;
    int32_t status = reply->http_status;
    e->http_status = status;
    if (status >= 200 && status < 300) {
        e->code = EMQX_TLS_OK;
        e->message[0] = '\0';
        e->api_code[0] = '\0';
        if (o->op != EMQX_TLS_OP_DELETE &&
            emqxi_decode_status(reply->body, reply->body_len, &o->call.status, e) != EMQX_TLS_OK)
            emqxi_answer_unreadable(e, o->op);
        finish(o);
        return;
    }
    emqxi_api_code(reply->body, reply->body_len, e->api_code);
    if (status == 429)
        e->retry_after_ms = shut_for(o, retry_after_ms);
    emqxi_answer_refused(e, o->op, o->deployment_id);
    repeat_or_finish(o, is_read(o) && status >= 502 && status <= 504, retry_after_ms);
}

/* No answer, or not the whole of one: `status` is what came of it, 0: nothing. */
static void no_answer(operation *o, emqx_tls_code code, int32_t status, uint32_t delivery,
                      const char *detail, bool permanent)
{
    emqxi_error *e = &o->call.error;
    e->http_status = status;
    e->api_code[0] = '\0';
    e->delivery = delivery;
    emqxi_answer_missing(e, o->op, o->call.client->endpoint.host, code, detail);
    bool again = e->code == EMQX_TLS_E_TRANSPORT || e->code == EMQX_TLS_E_TIMEOUT;
    repeat_or_finish(
        o, again && !permanent && (is_read(o) || delivery == EMQX_TLS_DELIVERY_NOT_SENT), 0);
}

static void on_reply(void *user, const emqx_tls_reply *given)
{
    operation *o = user;
    emqx_tls_client *client = o->call.client;
    emqx_tls_reply reply;
    if (o->state != EXCHANGE)
        return; /* a transport that answers twice */
    o->state = RESERVE;
    if (!emqxi_input_ok(given, offsetof(emqx_tls_reply, flags), sizeof reply)) {
        settle(o, EMQX_TLS_OUTCOME_LOST, -1);
        no_answer(o, EMQX_TLS_E_TRANSPORT, 0, EMQX_TLS_DELIVERY_MAYBE,
                  "the transport set no reply.size", true);
        return;
    }
    emqxi_input_copy(&reply, given, sizeof reply);
    if (!reply.body)
        reply.body_len = 0;
    if (reply.http_status < 100 || reply.http_status > 599) {
        reply.http_status = 0;
        if (reply.code == EMQX_TLS_OK) {
            reply.code = EMQX_TLS_E_PROTOCOL;
            reply.detail = "no such HTTP status";
        }
    }
    if (reply.delivery > EMQX_TLS_DELIVERY_ANSWERED)
        reply.delivery = EMQX_TLS_DELIVERY_MAYBE;
    if (reply.code == EMQX_TLS_OK || reply.code == EMQX_TLS_E_PROTOCOL)
        reply.delivery = EMQX_TLS_DELIVERY_ANSWERED;
    if (reply.delivery != EMQX_TLS_DELIVERY_ANSWERED)
        reply.http_status = 0;
    /* A refusal is one, and a DELETE carried out, whatever became of the body. */
    if (reply.code != EMQX_TLS_OK &&
        reply.http_status >= (o->op == EMQX_TLS_OP_DELETE ? 200 : 300)) {
        reply.code = EMQX_TLS_OK;
        reply.body = NULL;
        reply.body_len = 0;
    }
    o->call.error.delivery = reply.delivery;

    int64_t retry_after_ms = reply.code == EMQX_TLS_OK
                                 ? emqxi_retry_after(reply.retry_after, reply.date)
                                 : EMQXI_RETRY_NONE;
    bool refused = reply.code == EMQX_TLS_OK && reply.http_status == 429;
    settle(o, refused ? EMQX_TLS_OUTCOME_REFUSED : outcome_of(reply.delivery),
           refused ? retry_after_ms : EMQXI_RETRY_NONE);
    if (client->log) {
        emqx_tls_quota quota;
        emqx_tls_quota_init(&quota);
        emqx_tls_limiter_query(client->limiter, o->op, o->deployment_id, &quota, NULL);
        emqxi_log(client, EMQX_TLS_LOG_INFO,
                  "%s %s: status %d, attempt %u, %lld ms, quota %u of %u left", methods[o->op],
                  host_and_path(o), (int)reply.http_status, (unsigned)o->call.error.attempts,
                  (long long)(emqxi_now(&client->clock) - o->departed), (unsigned)quota.remaining,
                  (unsigned)quota.limit);
    }
    if (reply.code == EMQX_TLS_OK)
        judge_answer(o, &reply, retry_after_ms);
    else
        no_answer(o, reply.code, reply.http_status, reply.delivery, reply.detail,
                  reply.flags & EMQX_TLS_REPLY_PERMANENT);
}

/* -- the exchange ------------------------------------------------------------------------------ */

static void depart(operation *o)
{
    emqx_tls_client *client = o->call.client;
    emqx_tls_exchange *x = &o->exchange;
    int64_t now = emqxi_now(&client->clock), left = o->lease_end - now;
    if (o->before_send && left > 0) {
        if (!o->before_send(o->call.user, left, &o->call.error)) {
            settle(o, EMQX_TLS_OUTCOME_NOT_SENT, -1);
            finish(o);
            return;
        }
        now = emqxi_now(&client->clock); /* it may have written a file */
        left = o->lease_end - now;
    }
    if (left <= 0) {
        settle(o, EMQX_TLS_OUTCOME_NOT_SENT, -1);
        emqxi_fail(&o->call.error, EMQX_TLS_E_TIMEOUT,
                   "the quota store took too long: nothing was sent");
        finish(o);
        return;
    }
    memset(x, 0, sizeof *x);
    x->size = sizeof *x;
    x->flags = is_read(o) ? 0 : EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT;
    x->method = methods[o->op];
    x->url = o->url;
    x->headers = client->headers + (o->body ? 0 : 1);
    x->body = o->body;
    x->body_len = o->body ? o->body_len : 0;
    x->timeout_ms = (uint32_t)left;
    x->connect_timeout_ms = EMQXI_MIN(client->connect_timeout_ms, x->timeout_ms);
    x->reply_max = EMQXI_REPLY_MAX;
    x->done = on_reply;
    x->done_user = o;

    o->state = EXCHANGE;
    o->departed = now;
    o->handle = NULL;
    o->call.error.attempts++;
    emqx_tls_code code = client->transport.start(client->transport.context, x, &o->handle);
    if (o->state != EXCHANGE)
        return; /* a blocking transport: done was called */
    if (code != EMQX_TLS_OK) {
        o->state = RESERVE;
        settle(o, EMQX_TLS_OUTCOME_NOT_SENT, -1);
        no_answer(o, code, 0, EMQX_TLS_DELIVERY_NOT_SENT, NULL, code != EMQX_TLS_E_TRANSPORT);
        return;
    }
    emqxi_call_at(&o->call, o->lease_end);
}

/* Takes the exchange back from the transport; returns its delivery. */
static uint32_t withdraw(operation *o)
{
    emqx_tls_transport *t = &o->call.client->transport;
    uint32_t delivery = EMQX_TLS_DELIVERY_MAYBE;
    if (t->cancel)
        delivery = t->cancel(t->context, o->handle);
    if (delivery > EMQX_TLS_DELIVERY_ANSWERED)
        delivery = EMQX_TLS_DELIVERY_MAYBE;
    o->state = RESERVE;
    settle(o, outcome_of(delivery), -1);
    return delivery;
}

/* -- the slot ---------------------------------------------------------------------------------- */

static void begun_too_late(operation *o)
{
    if (o->store_busy)
        emqxi_fail(&o->call.error, EMQX_TLS_E_STORE,
                   "the quota store stayed locked by another process until the deadline, look for "
                   "one that is stopped; "
                   "nothing was sent");
    else
        emqxi_fail(&o->call.error, EMQX_TLS_E_TIMEOUT,
                   "timeout_ms was over before the call's turn came (run was not called, or other "
                   "calls blocked it): "
                   "nothing was sent");
}

static void reserve(operation *o)
{
    emqx_tls_client *client = o->call.client;
    int64_t now = emqxi_now(&client->clock);
    if (o->in_line) { /* time in line counts against quota_wait_ms alone */
        int64_t waited = now - o->line_since;
        o->deadline += waited;
        o->quota_left = EMQXI_MAX(o->quota_left - waited, 0);
        o->in_line = false;
    }
    int64_t left = o->deadline - now;
    if (left <= 0) {
        emqxi_limiter_leave(client->limiter, &o->waiter);
        if (o->call.error.attempts == 0)
            begun_too_late(o);
        finish(o);
        return;
    }
    emqxi_reserve r = {
        .op = o->op,
        .deployment_id = o->deployment_id,
        .lease_ms = is_read(o) ? EMQXI_MIN(left, EMQXI_MAX(o->timeout_ms / 2, 1)) : left,
        .wait_ms = o->quota_left,
    };
    emqxi_error error;
    emqxi_error_clear(&error);
    emqx_tls_code code = emqxi_limiter_reserve(client->limiter, &r, &o->waiter, &error);
    unsigned busy_before = o->store_busy;
    o->store_busy = r.busy ? busy_before + 1 : 0;
    if (code != EMQX_TLS_OK) {
        /* Where a repeat finds no quota, what happened to the request itself tells the caller
         * more. */
        if (o->call.error.attempts == 0)
            o->call.error = error;
        finish(o);
    } else if (r.granted) {
        memcpy(o->ticket, r.ticket, sizeof o->ticket);
        o->lease_end = now + r.lease_ms;
        depart(o);
    } else if (r.busy) {
        /* Thousands may ask while a stopped process holds the lock: each asks less and less
         * often. */
        int64_t look = r.look_again_ms;
        if (look < BUSY_MAX_MS)
            look = EMQXI_MIN(look << EMQXI_MIN(busy_before, BUSY_DOUBLINGS), BUSY_MAX_MS);
        emqxi_call_at(&o->call, now + EMQXI_MIN(look, left));
    } else {
        o->in_line = true;
        o->line_since = now;
        emqxi_call_at(&o->call, now + EMQXI_MIN(r.look_again_ms, o->quota_left));
    }
}

static void advance(emqx_tls_call *call)
{
    operation *o = (operation *)call;
    if (o->state == RESERVE) {
        reserve(o);
    } else if (emqxi_now(&call->client->clock) >= o->lease_end) {
        uint32_t delivery = withdraw(o);
        no_answer(o, EMQX_TLS_E_TIMEOUT, 0, delivery, NULL, false);
    }
}

static void stop(emqx_tls_call *call)
{
    operation *o = (operation *)call;
    emqxi_limiter_leave(call->client->limiter, &o->waiter);
    if (o->state == EXCHANGE)
        call->error.delivery = withdraw(o);
    drop_body(o);
}

/* -- begin and end of life --------------------------------------------------------------------- */

static void release(emqx_tls_call *call)
{
    operation *o = (operation *)call;
    emqx_tls_client *client = call->client;
    if (client->pool_count >= POOL_MAX) {
        emqxi_free(&client->allocator, o);
        return;
    }
    call->next = client->pool;
    client->pool = call;
    client->pool_count++;
}

void emqxi_pool_free(emqx_tls_client *client)
{
    while (client->pool) {
        operation *o = (operation *)client->pool;
        client->pool = o->call.next;
        emqxi_free(&client->allocator, o);
    }
    client->pool_count = 0;
}

/* A zeroed operation with its ID and URL, from the pool if it holds one; NULL: no memory. */
static operation *obtain(emqx_tls_client *client, const char *deployment_id)
{
    const char *base = client->endpoint.base;
    size_t id_size = strlen(deployment_id) + 1,
           need = id_size + emqxi_url_size(base, deployment_id);
    operation *o = (operation *)client->pool;
    size_t room = o ? o->room : 0;
    bool built = o && strcmp(o->deployment_id, deployment_id) == 0;
    if (o) {
        client->pool = o->call.next;
        client->pool_count--;
    }
    if (room < need) {
        operation *larger = emqxi_resize(&client->allocator, o, sizeof *o + need);
        if (!larger) {
            emqxi_free(&client->allocator, o);
            return NULL;
        }
        o = larger;
        room = need;
    }
    /* not sizeof: what follows may begin inside of it */
    memset(o, 0, offsetof(operation, deployment_id));
    o->room = room;
    o->url = o->deployment_id + id_size;
    if (!built) {
        memcpy(o->deployment_id, deployment_id, id_size);
        emqxi_url(base, deployment_id, o->deployment_id + id_size);
    }
    return o;
}

static const emqxi_call_type operation_type = {
    .advance = advance, .stop = stop, .release = release};

emqx_tls_code emqxi_operation_start(emqx_tls_client *client, const emqxi_order *order,
                                    emqx_tls_call **call, emqxi_error *error)
{
    const char *problem;
    uint32_t op = order->op;
    char *body = (char *)(uintptr_t)order->body;
    size_t body_len = order->body_len;
    *call = NULL;
    if (op < EMQX_TLS_OP_GET || op > EMQX_TLS_OP_DELETE)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "op is %u: use one of EMQX_TLS_OP_*",
                          (unsigned)op);
    if ((problem = emqxi_deployment_id_problem(order->deployment_id)))
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "deployment_id %s", problem);
    if (!body && (op == EMQX_TLS_OP_CREATE || op == EMQX_TLS_OP_UPDATE)) {
        emqx_tls_code code =
            emqxi_request_body(client, order->request, NULL, &body, &body_len, NULL, error);
        if (code != EMQX_TLS_OK)
            return code;
    } else if (order->request) {
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "request must be NULL for a read or a delete");
    }
    operation *o = obtain(client, order->deployment_id);
    if (!o) {
        if (!order->body)
            emqxi_wipe_free(&client->allocator, body, body_len);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    }
    o->call.client = client;
    o->call.type = &operation_type;
    o->call.done = order->done;
    o->call.user = order->user;
    o->call.internal = order->internal;
    emqx_tls_status_init(&o->call.status);
    emqxi_error_clear(&o->call.error);
    o->state = RESERVE;
    o->op = op;
    o->body = body;
    o->body_len = body_len;
    o->body_borrowed = order->body != NULL;
    o->before_send = order->before_send;
    o->timeout_ms = order->timeout_ms;
    o->deadline = emqxi_now(&client->clock) + order->timeout_ms;
    o->quota_left = order->quota_wait_ms;
    o->waiter.wake = emqxi_call_wake;
    o->waiter.wake_context = &o->call;
    if (emqxi_call_enter(client, &o->call) != EMQX_TLS_OK) {
        drop_body(o);
        release(&o->call);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    }
    *call = &o->call;
    return EMQX_TLS_OK;
}
