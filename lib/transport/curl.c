/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The libcurl transport: life and vtable. Its choices, with where libcurl's behaviour was read
 * (7.88.1):
 *
 *   - One multi handle a client: connections, names and parsed CA certificates are shared by its
 *     exchanges and by nobody else.
 *   - Easy handles are kept and used again; an option is set when it differs from the handle's last
 *     exchange. libcurl spends some 100 instructions on each byte of a header (lib/mprintf.c), so
 *     nothing is formatted twice: the agent is a header line, the path the request target. A warm
 *     read costs 0.75 of a plain curl_easy_perform and 54 allocations (69), none of them ours.
 *   - The departure is CURLOPT_PREREQFUNCTION (lib/multi.c, MSTATE_DO): no byte of the request has
 *     left before it. libcurl's own repeats (lib/transfer.c, Curl_retry_request) come by it again
 *     and are refused there.
 *   - Reads may share a connection, by HTTP/2 too. Writes go out on a fresh one over HTTP/1.1, body
 *     by a read callback.
 *   - Nothing of libcurl is called inside its callbacks; `done` is called when libcurl has
 *     returned, so it may start and cancel exchanges.
 */
#include "transport/curl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS        10
#define CONNECTING_MAX 64
/* CURLMOPT_QUICK_EXIT of 8.20, which may be newer than the headers here; older ones refuse it */
#define QUICK_EXIT  ((CURLMoption)(CURLOPTTYPE_LONG + 21))
#define STREAMS_MAX 1000L /* on an HTTP/2 connection, if the server takes as many */

static emqxi_transfer *first_of(const emqxi_curl *c, emqxi_stage stage)
{
    emqxi_node *node = c->at[stage].first;
    return node ? EMQXI_OF(node, emqxi_transfer, node) : NULL;
}

static void move(emqxi_transfer *t, emqxi_stage stage)
{
    emqxi_list_remove(&t->curl->at[t->stage], &t->node);
    emqxi_list_append(&t->curl->at[stage], &t->node);
    t->stage = stage;
}

static void make_idle(emqxi_transfer *t)
{
    emqxi_transfer_reset(t);
    move(t, EMQXI_IDLE);
}

/* Of several reads that begin together only the first goes out, until it departs or ends: before
 * that libcurl can't know whether the others may share its connection (HTTP/2) or need their own.
 * CURLOPT_PIPEWAIT would let them follow one after another where the host speaks HTTP/1.1, and
 * keeps no deadline meanwhile (lib/multi.c: process_pending_handles, MSTATE_PENDING). Later ones
 * wait while many connect: a handshake takes 20 KiB more than what comes behind it, and a burst of
 * hundreds is nothing to do to a server. */
static bool must_wait(emqxi_curl *c, emqxi_transfer *t)
{
    if (t->fresh || (c->host_known && c->connecting < CONNECTING_MAX))
        return false;
    if (c->host_known || c->scout)
        return true;
    c->scout = t;
    return false;
}

static bool run_transfer(emqxi_transfer *t)
{
    emqxi_curl *c = t->curl;
    if (curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
        return false;
    move(t, EMQXI_RUNNING);
    t->connecting = !t->fresh;
    c->connecting += t->connecting;
    return true;
}

/* The others need not wait for this one any longer: what they could learn from it is known, or
 * never will be. */
static void scouted(const emqxi_transfer *t)
{
    emqxi_curl *c = t->curl;
    if (t != c->scout)
        return;
    c->scout = NULL;
    c->host_known = true;
}

static void finish_transfer(emqxi_transfer *t, CURLcode result)
{
    emqxi_transfer_connected(t); /* or never to be */
    t->result = result;
    t->curl->look_again |=
        t->http2 && result != CURLE_OK; /* it may have held up others of its connection */
    move(t, EMQXI_FINISHED);
    scouted(t);
}

static void release_held(emqxi_curl *c)
{
    emqxi_transfer *t;
    while (c->host_known && c->connecting < CONNECTING_MAX && (t = first_of(c, EMQXI_HELD))) {
        if (!emqxi_transfer_shorten(t))
            finish_transfer(t, CURLE_OPERATION_TIMEDOUT);
        else if (!run_transfer(t))
            finish_transfer(t, CURLE_OUT_OF_MEMORY);
    }
}

/* It is over, one way or another. */
static void leave_transfer(emqxi_transfer *t)
{
    emqxi_curl *c = t->curl;
    emqxi_transfer_connected(t);
    if (t->fresh)
        return;
    scouted(t);
    if (--c->reads == 0)
        c->host_known = false; /* connections may be closed while nothing is in flight */
}

/* Not to be used again. */
static void drop_transfer(emqxi_transfer *t)
{
    if (t->curl->scout == t)
        t->curl->scout = NULL;
    emqxi_list_remove(&t->curl->at[t->stage], &t->node);
    emqxi_transfer_free(t);
}

static emqx_tls_code transport_start(void *context, const emqx_tls_exchange *exchange,
                                     void **handle)
{
    emqxi_curl *c = context;
    emqxi_node *warmest = c->at[EMQXI_IDLE].last;
    emqxi_transfer *t = warmest ? EMQXI_OF(warmest, emqxi_transfer, node) : NULL;
    if (t && !emqxi_transfer_suits(t, exchange->url)) {
        drop_transfer(t);
        t = NULL;
    }
    if (!t) {
        if (!(t = emqxi_transfer_new(c, exchange->url)))
            return EMQX_TLS_E_NO_MEMORY;
        emqxi_list_append(&c->at[EMQXI_IDLE], &t->node);
    }
    bool ready = emqxi_transfer_prepare(t, exchange);
    if (ready && must_wait(c, t)) {
        move(t, EMQXI_HELD);
    } else if (!ready || !run_transfer(t)) {
        drop_transfer(t); /* it is half set */
        return EMQX_TLS_E_NO_MEMORY;
    }
    c->reads += !t->fresh;
    emqxi_sockets_arm(&c->sockets);
    *handle = t;
    return EMQX_TLS_OK;
}

/* Moves what libcurl has finished to our list. */
static void collect(emqxi_curl *c)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(c->multi, &left))) {
        emqxi_transfer *t;
        CURLcode result = m->data.result; /* gone after the removal */
        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
            continue;
        curl_multi_remove_handle(c->multi, t->easy);
        emqxi_transfer_connected(t);
        bool again = emqxi_transfer_renew(t) || emqxi_trust_bundle(t, result) ||
                     emqxi_verify_ask_names(t, result);
        if (!again || !run_transfer(t))
            finish_transfer(t, result);
    }
    if (c->scout && c->scout->departed)
        c->host_known = true;
    release_held(c);
}

static void deliver(emqxi_curl *c)
{
    emqxi_transfer *t;
    while ((t = first_of(c, EMQXI_FINISHED))) {
        const emqx_tls_exchange *x = t->exchange;
        emqx_tls_reply reply;
        leave_transfer(t);
        emqxi_transfer_reply(t, &reply);
        move(t, EMQXI_DELIVERED);
        x->done(x->done_user, &reply);
        make_idle(t);
    }
}

static bool bytes_came(emqxi_curl *c)
{
    bool came = c->look_again;
    c->look_again = false;
    for (emqxi_node *node = c->at[EMQXI_RUNNING].first; node; node = node->next) {
        emqxi_transfer *t = EMQXI_OF(node, emqxi_transfer, node);
        came |= t->unread;
        t->unread = false;
    }
    return came;
}

static emqx_tls_code transport_poll(void *context, int timeout_ms)
{
    emqxi_curl *c = context;
    CURLMcode code = emqxi_sockets_run(&c->sockets);
    collect(c);
    if (c->libcurl->loses_tunnels && c->proxy && first_of(c, EMQXI_RUNNING)) {
        timeout_ms = timeout_ms < 0 ? LOOK_MS : EMQXI_MIN(timeout_ms, LOOK_MS);
        c->look_again = true;
    }
    if (code == CURLM_OK && !first_of(c, EMQXI_FINISHED)) {
        code = emqxi_sockets_wait(&c->sockets, timeout_ms);
        collect(c);
    }
    while (c->libcurl->sleeps_on_answers && code == CURLM_OK &&
           emqxi_sockets_next_ms(&c->sockets) != 0 && bytes_came(c)) {
        code = c->libcurl->loses_tunnels ? emqxi_sockets_run_all(&c->sockets) : CURLM_OK;
        if (code == CURLM_OK)
            code = emqxi_opened_run(c);
        collect(c);
    }
    deliver(c);
    emqxi_sockets_arm(&c->sockets);
    return code == CURLM_OK              ? EMQX_TLS_OK
           : code == CURLM_OUT_OF_MEMORY ? EMQX_TLS_E_NO_MEMORY
                                         : EMQX_TLS_E_TRANSPORT;
}

static int64_t transport_next_ms(void *context)
{
    const emqxi_curl *c = context;
    int64_t next = emqxi_sockets_next_ms(&c->sockets);
    /* Who has no descriptor hears of a socket only by looking. */
    if (c->sockets.timer < 0 && first_of(c, EMQXI_RUNNING) && (next < 0 || next > LOOK_MS))
        next = LOOK_MS;
    return next;
}

static int transport_fd(void *context)
{
    emqxi_curl *c = context;
    return emqxi_sockets_fd(&c->sockets);
}

static void transport_wake(void *context)
{
    const emqxi_curl *c = context;
    emqxi_sockets_wake(&c->sockets);
}

static uint32_t transport_cancel(void *context, void *handle)
{
    emqxi_curl *c = context;
    emqxi_transfer *t = handle;
    uint32_t delivery = t->departed ? EMQX_TLS_DELIVERY_MAYBE : EMQX_TLS_DELIVERY_NOT_SENT;
    if (t->stage == EMQXI_RUNNING)
        curl_multi_remove_handle(c->multi, t->easy);
    leave_transfer(t);
    make_idle(t);
    release_held(c);
    emqxi_sockets_arm(&c->sockets);
    return delivery;
}

static void transport_destroy(void *context)
{
    emqxi_curl *c = context;
    const emqx_tls_allocator a = c->allocator;
    for (emqxi_transfer *t; (t = first_of(c, EMQXI_IDLE));)
        drop_transfer(t);
    curl_multi_cleanup(c->multi);
    emqxi_free(&a, c->opened);
    emqxi_sockets_free(&c->sockets);
    emqxi_free(&a, c->ca_file);
    emqxi_wipe_free(&a, c->proxy, c->proxy ? strlen(c->proxy) : 0); /* may hold a password */
    emqxi_free(&a, c->no_proxy);
    emqxi_free(&a, c);
}

/* Copies `text` if there is one. */
static bool keep(const emqx_tls_allocator *a, char **to, const char *text)
{
    *to = text ? emqxi_strdup(a, text) : NULL;
    return *to || !text;
}

static bool set_up_curl(emqxi_curl *c, const emqxi_curl_options *options)
{
    const emqx_tls_allocator *a = &c->allocator;
    const char *proxy = options->proxy, *no_proxy = "";
    if (!proxy)
        proxy = emqxi_proxy_env(&no_proxy);
    if (!proxy || !*proxy) {
        proxy = NULL;
        no_proxy = "*"; /* spares libcurl the look-up for every request */
    } else if (!no_proxy) {
        no_proxy = "";
    }
    c->libcurl = emqxi_libcurl_get();
    c->multi = curl_multi_init();
    /* the end does not wait for a name; before 8.20 that is easy.c's to say */
    curl_multi_setopt(c->multi, QUICK_EXIT, 1L);
    /* libcurl's own limit is 100 */
    curl_multi_setopt(c->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    bool ok = emqxi_sockets_init(&c->sockets, c->multi) && keep(a, &c->ca_file, options->ca_file) &&
              keep(a, &c->proxy, proxy) && keep(a, &c->no_proxy, no_proxy);
    emqxi_trust_choose(c);
    return ok;
}

emqx_tls_code emqxi_curl_transport(const emqxi_curl_options *options, emqx_tls_transport *out,
                                   emqxi_error *error)
{
    if (options->ca_file && access(options->ca_file, R_OK) != 0)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "ca_file %s can't be read: %s",
                          options->ca_file, strerror(errno));
    if (!emqxi_libcurl_get()->ready)
        return emqxi_fail(error, EMQX_TLS_E_TRANSPORT,
                          "libcurl can't be set up (curl_global_init failed)");
    emqxi_curl *c = emqxi_zalloc(options->allocator, sizeof *c);
    if (!c)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for the transport");
    c->allocator = *options->allocator;
    c->clock = *options->clock;
    if (!set_up_curl(c, options)) {
        transport_destroy(c);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory or descriptor for the transport");
    }
    *out = (emqx_tls_transport){.size = sizeof *out,
                                .context = c,
                                .start = transport_start,
                                .poll = transport_poll,
                                .next_ms = transport_next_ms,
                                .fd = transport_fd,
                                .wake = transport_wake,
                                .cancel = transport_cancel,
                                .destroy = transport_destroy};
    return EMQX_TLS_OK;
}
