/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The libcurl transport: life and vtable. Its choices, with where libcurl's behaviour was read
 * (7.88.1):
 *
 *   - One multi handle a client: connections, names and parsed CA certificates are shared by its
 *     exchanges and by nobody else. libcurl caches the CA store for a day
 *     (CURLOPT_CA_CACHE_TIMEOUT) if there is no CAPATH (lib/vtls/openssl.c).
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
#define STREAMS_MAX    1000L /* on an HTTP/2 connection, if the server takes as many */

void emqx_tls_transport_init_size(emqx_tls_transport *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

static void make_idle(emqxi_curl *c, emqxi_transfer *t)
{
    emqxi_transfer_reset(t);
    t->next = c->idle;
    c->idle = t;
}

static void append(emqxi_transfers *list, emqxi_transfer *t)
{
    t->next = NULL;
    t->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = t;
    list->last = t;
}

static void take_out(emqxi_transfers *list, const emqxi_transfer *t)
{
    *(t->previous ? &t->previous->next : &list->first) = t->next;
    *(t->next ? &t->next->previous : &list->last) = t->previous;
}

static emqxi_transfer *take_first(emqxi_transfers *list)
{
    emqxi_transfer *t = list->first;
    take_out(list, t);
    return t;
}

/* Of several reads that begin together only the first goes out, until it departs or ends: before
 * that libcurl can't know whether the others may share its connection (HTTP/2) or need their own.
 * CURLOPT_PIPEWAIT would let them follow one after another where the host speaks HTTP/1.1, and
 * keeps no deadline meanwhile (lib/multi.c: process_pending_handles, MSTATE_PENDING). Later ones
 * wait while many connect: a handshake takes 20 KiB more than what comes behind it, and a burst of
 * hundreds is nothing to do to a server. */
static bool hold_back(emqxi_curl *c, emqxi_transfer *t)
{
    if (t->fresh || (c->host_known && c->connecting < CONNECTING_MAX))
        return false;
    if (c->host_known || c->scout) {
        append(&c->held, t);
        return true;
    }
    c->scout = t;
    return false;
}

static bool go(emqxi_curl *c, emqxi_transfer *t)
{
    if (curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
        return false;
    t->state = EMQXI_RUNNING;
    t->connecting = !t->fresh;
    c->connecting += t->connecting;
    return true;
}

/* The others need not wait for this one any longer: what they could learn from it is known, or
 * never will be. */
static void scouted(emqxi_curl *c, const emqxi_transfer *t)
{
    if (t != c->scout)
        return;
    c->scout = NULL;
    c->host_known = true;
}

static void finish(emqxi_curl *c, emqxi_transfer *t, CURLcode result)
{
    emqxi_transfer_connected(t); /* or never to be */
    t->result = result;
    t->state = EMQXI_FINISHED;
    append(&c->finished, t);
    scouted(c, t);
}

static void release_held(emqxi_curl *c)
{
    while (c->host_known && c->held.first && c->connecting < CONNECTING_MAX) {
        emqxi_transfer *t = take_first(&c->held);
        if (!emqxi_transfer_shorten(t))
            finish(c, t, CURLE_OPERATION_TIMEDOUT);
        else if (!go(c, t))
            finish(c, t, CURLE_OUT_OF_MEMORY);
    }
}

/* A transfer is over, one way or another. */
static void leave(emqxi_curl *c, emqxi_transfer *t)
{
    emqxi_transfer_connected(t);
    c->active--;
    if (t->fresh)
        return;
    c->reads--;
    scouted(c, t);
    if (c->reads == 0)
        c->host_known = false; /* connections may be closed while nothing is in flight */
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *exchange, void **handle)
{
    emqxi_curl *c = context;
    emqxi_transfer *t = c->idle;
    if (t)
        c->idle = t->next;
    if (t && !emqxi_transfer_suits(t, exchange->url)) {
        emqxi_transfer_free(t);
        t = NULL;
    }
    if (!t && !(t = emqxi_transfer_new(c, exchange->url)))
        return EMQX_TLS_E_NO_MEMORY;
    bool prepared = emqxi_transfer_prepare(t, exchange);
    if (prepared && hold_back(c, t)) {
        t->state = EMQXI_HELD;
    } else if (!prepared || !go(c, t)) {
        if (c->scout == t)
            c->scout = NULL;
        emqxi_transfer_free(t); /* half set: not to be used again */
        return EMQX_TLS_E_NO_MEMORY;
    }
    c->active++;
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
        finish(c, t, result);
    }
    if (c->scout && c->scout->departed)
        c->host_known = true;
    release_held(c);
}

static void deliver(emqxi_curl *c)
{
    while (c->finished.first) {
        emqxi_transfer *t = take_first(&c->finished);
        const emqx_tls_exchange *x = t->exchange;
        emqx_tls_reply reply;
        leave(c, t);
        emqxi_transfer_reply(t, &reply);
        x->done(x->done_user, &reply);
        make_idle(c, t);
    }
}

static emqx_tls_code poll_exchanges(void *context, int timeout_ms)
{
    emqxi_curl *c = context;
    CURLMcode code = emqxi_sockets_run(&c->sockets);
    collect(c);
    if (code == CURLM_OK && !c->finished.first) {
        code = emqxi_sockets_wait(&c->sockets, timeout_ms);
        collect(c);
    }
    deliver(c);
    emqxi_sockets_arm(&c->sockets);
    return code == CURLM_OK              ? EMQX_TLS_OK
           : code == CURLM_OUT_OF_MEMORY ? EMQX_TLS_E_NO_MEMORY
                                         : EMQX_TLS_E_TRANSPORT;
}

static int64_t next_ms(void *context)
{
    const emqxi_curl *c = context;
    int64_t next = emqxi_sockets_next_ms(&c->sockets);
    /* Who has no descriptor hears of a socket only by looking. */
    if (c->sockets.timer < 0 && c->active > 0 && (next < 0 || next > LOOK_MS))
        next = LOOK_MS;
    return next;
}

static int fd(void *context)
{
    emqxi_curl *c = context;
    return emqxi_sockets_fd(&c->sockets);
}

static void wake(void *context)
{
    const emqxi_curl *c = context;
    emqxi_sockets_wake(&c->sockets);
}

static uint32_t cancel(void *context, void *handle)
{
    emqxi_curl *c = context;
    emqxi_transfer *t = handle;
    if (t->state == EMQXI_RUNNING)
        curl_multi_remove_handle(c->multi, t->easy);
    else
        take_out(t->state == EMQXI_HELD ? &c->held : &c->finished, t);
    uint32_t delivery = t->departed ? EMQX_TLS_DELIVERY_MAYBE : EMQX_TLS_DELIVERY_NOT_SENT;
    leave(c, t);
    release_held(c);
    make_idle(c, t);
    emqxi_sockets_arm(&c->sockets);
    return delivery;
}

static void destroy(void *context)
{
    emqxi_curl *c = context;
    const emqx_tls_allocator a = c->allocator;
    while (c->idle) {
        emqxi_transfer *t = c->idle;
        c->idle = t->next;
        emqxi_transfer_free(t);
    }
    curl_multi_cleanup(c->multi);
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

static bool set_up(emqxi_curl *c, const emqxi_curl_options *options)
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
    c->ca_path_off = c->libcurl->cached_bundle && access(c->libcurl->cached_bundle, R_OK) == 0;
    c->multi = curl_multi_init();
    /* libcurl's own limit is 100 */
    curl_multi_setopt(c->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    return emqxi_sockets_init(&c->sockets, c->multi) && keep(a, &c->ca_file, options->ca_file) &&
           keep(a, &c->proxy, proxy) && keep(a, &c->no_proxy, no_proxy);
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
    if (!set_up(c, options)) {
        destroy(c);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory or descriptor for the transport");
    }
    *out = (emqx_tls_transport){.size = sizeof *out,
                                .context = c,
                                .start = start,
                                .poll = poll_exchanges,
                                .next_ms = next_ms,
                                .fd = fd,
                                .wake = wake,
                                .cancel = cancel,
                                .destroy = destroy};
    return EMQX_TLS_OK;
}
