/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One exchange on an easy handle: its options, its departure, its body. See curl.c for the choices.
 */
#include "transport/curl.h"

#include <poll.h>
#include <stdint.h>
#include <string.h>

/* Room for a whole answer: 16 KiB of body, and 7 for its head and those of interim answers. Before
 * 8.1 libcurl reads HTTP/2 for all streams of a connection at once, each into its own buffer of
 * this size, and where one is full it stops (curl.h, sleeps_on_answers). Later ones have a queue
 * for that, and one buffer for all. */
#define DOWN_BYTES 24000L
#define IDLE_MAX_S 70L /* the longest pause of a wait between two reads, and some */
#define UP_BYTES   16384L

/* -- callbacks of libcurl ---------------------------------------------------------------------- */

void emqxi_transfer_connected(emqxi_transfer *t)
{
    t->curl->connecting -= t->connecting;
    t->connecting = false;
}

/* Can something be read on a connection that was used before? The server has closed it, or answers
 * what nobody asked: libcurl looks for neither in time (7.88 takes a closure of TLS for life, later
 * ones look once a second). What is there may also be for others that are on their way on it. */
static bool is_stale(const emqxi_transfer *t, int local_port)
{
    struct pollfd p = {.fd = t->reused ? emqxi_opened_find(t->curl, local_port) : -1,
                       .events = POLLIN};
    if (p.fd < 0 || (poll(&p, 1, 0) == 0 && !emqxi_closure_pending(t->easy)))
        return false;
    for (emqxi_node *node = t->curl->at[EMQXI_RUNNING].first; node; node = node->next) {
        const emqxi_transfer *other = EMQXI_OF(node, emqxi_transfer, node);
        if (other->departed && other->local_port == local_port)
            return false;
    }
    return true;
}

/* The request leaves now. libcurl sends again by itself when a reused connection turns out dead,
 * and after an HTTP/2 REFUSED_STREAM: the second time is refused here, since only the quota's owner
 * may pay for it. */
static int on_departure(void *user, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port;
    emqxi_transfer *t = user;
    long made = 0;
    if (t->departed) {
        t->again = true;
        return CURL_PREREQFUNC_ABORT;
    }
    /* libcurl's clock stands still while the machine sleeps */
    if (emqxi_now(&t->curl->clock) > t->deadline_ms) {
        t->late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &made);
    t->reused = made == 0;
    if (is_stale(t, local_port)) {
        t->stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    t->departed = true;
    t->local_port = local_port;
    emqxi_transfer_connected(t);
    return CURL_PREREQFUNC_OK;
}

static size_t on_body_wanted(char *to, size_t size, size_t count, void *user)
{
    emqxi_transfer *t = user;
    size_t n = EMQXI_MIN(size * count, t->exchange->body_len - t->body_sent);
    if (emqxi_now(&t->curl->clock) > t->deadline_ms) {
        t->late = true;
        return CURL_READFUNC_ABORT;
    }
    memcpy(to, t->exchange->body + t->body_sent, n);
    t->body_sent += n;
    return n;
}

/* -- the handle -------------------------------------------------------------------------------- */

#define SET(option, value) (ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK)

static bool set_callbacks(emqxi_transfer *t)
{
    CURL *e = t->easy;
    bool ok = true;
    SET(CURLOPT_WRITEFUNCTION, emqxi_on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, emqxi_on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_READFUNCTION, on_body_wanted);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, emqxi_on_open);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, emqxi_on_close);
    SET(CURLOPT_CLOSESOCKETDATA, t->curl);
    SET(CURLOPT_PREREQFUNCTION, on_departure);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, emqxi_on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    return ok;
}

/* All that no exchange changes. Defaults that matter and are left alone: the certificate and its
 * name are verified, no redirects, cookies, netrc, compression, HTTP/0.9; TCP_NODELAY. */
static bool set_once(emqxi_transfer *t, bool http)
{
    const emqxi_curl *c = t->curl;
    CURL *e = t->easy;
    bool ok = set_callbacks(t);
    SET(CURLOPT_PRIVATE, (char *)t);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    SET(CURLOPT_QUICK_EXIT, 1L); /* the end does not wait for a name that is being resolved */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* Authorization is not for a proxy */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_BUFFERSIZE, DOWN_BYTES);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, UP_BYTES);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_CURLU, t->origin);
    if (c->proxy)
        SET(CURLOPT_PROXY, c->proxy);
    ok = ok && emqxi_trust_set(t);
    /* "*" spares libcurl all look for a proxy. One that is built without proxies knows no such
     * option. */
    CURLcode code = curl_easy_setopt(e, CURLOPT_NOPROXY, http ? "*" : c->no_proxy);
    ok = ok && (code == CURLE_OK || code == CURLE_UNKNOWN_OPTION);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                     (long)CURL_HTTP_VERSION_2TLS); /* a libcurl without HTTP/2 stays with 1.1 */
    /* without a proxy two copies fewer for each request */
    if (!c->proxy || c->ca_file) {
        curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, c->proxy ? c->ca_file : NULL);
        curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, NULL);
    }
    return ok;
}

/* The length of scheme, host and port. */
static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/") : 0;
}

emqxi_transfer *emqxi_transfer_new(emqxi_curl *curl, const char *url)
{
    emqxi_transfer *t = emqxi_zalloc(&curl->allocator, sizeof *t);
    if (!t)
        return NULL;
    t->curl = curl;
    t->easy = curl_easy_init();
    t->origin = curl_url();
    t->origin_len = origin_length(url);
    strcpy(t->method, "GET");
    if (!t->easy || !t->origin || !set_once(t, strncmp(url, "http:", 5) == 0) ||
        curl_url_set(t->origin, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_set(t->origin, CURLUPART_PATH, "/", 0) != CURLUE_OK) {
        emqxi_transfer_free(t);
        return NULL;
    }
    return t;
}

void emqxi_transfer_free(emqxi_transfer *t)
{
    const emqx_tls_allocator *a = &t->curl->allocator;
    curl_easy_cleanup(t->easy);
    curl_url_cleanup(t->origin);
    emqxi_free(a, t->url);
    emqxi_free(a, t->reply); /* wiped when it was last used */
    emqxi_free(a, t);
}

bool emqxi_transfer_suits(const emqxi_transfer *t, const char *url)
{
    return t->url && strncmp(url, t->url, t->origin_len) == 0 &&
           (url[t->origin_len] == '/' || url[t->origin_len] == '\0');
}

/* -- what differs ------------------------------------------------------------------------------ */

/* libcurl's URL ends at the host; the path is the request target, which libcurl sends as it is and
 * does not parse. */
static bool set_target(emqxi_transfer *t, const char *url)
{
    size_t need = strlen(url) + 1;
    if (t->url && strcmp(t->url, url) == 0)
        return true;
    if (need > t->url_room) {
        char *larger = emqxi_resize(&t->curl->allocator, t->url, need);
        if (!larger)
            return false;
        t->url = larger;
        t->url_room = need;
    }
    memcpy(t->url, url, need);
    const char *target = url + t->origin_len;
    return curl_easy_setopt(t->easy, CURLOPT_REQUEST_TARGET, *target ? target : "/") == CURLE_OK;
}

static bool set_method(emqxi_transfer *t, const emqx_tls_exchange *x)
{
    if (strcmp(x->method, t->method) != 0 || (x->body_len > 0) != (t->body_len > 0)) {
        const char *custom = strcmp(x->method, "GET") == 0 ? NULL : x->method;
        if (strlen(x->method) >= sizeof t->method ||
            curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
            curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, custom) != CURLE_OK ||
            (x->body_len > 0 && curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L) != CURLE_OK))
            return false;
        strcpy(t->method, x->method);
        t->body_len = 0;
    }
    if (x->body_len != t->body_len) {
        t->body_len = x->body_len;
        curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_len);
    }
    return true;
}

/* The nodes point to the exchange's own text, so there is no copy of Authorization here to wipe. */
static bool set_headers(emqxi_transfer *t, const emqx_tls_exchange *x)
{
    /* no "100 Continue" is waited for */
    static char no_wait[] = "Expect:";
    /* CURLOPT_USERAGENT formats it for each request */
    static char agent[] = "User-Agent: libemqxtls/" EMQXI_VERSION;
    size_t n = 0;
    if (x->body_len > 0)
        t->headers[n++].data = no_wait;
    t->headers[n++].data = agent;
    for (const char *const *headers = x->headers; headers && *headers; headers++) {
        if (n == EMQXI_HEADERS_MAX)
            return false;
        t->headers[n++].data = (char *)(uintptr_t)*headers;
    }
    for (size_t i = 0; i < n; i++)
        t->headers[i].next = i + 1 < n ? &t->headers[i + 1] : NULL;
    return true;
}

static void set_anew(emqxi_transfer *t, bool anew)
{
    if (anew != t->anew)
        curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, anew ? 1L : 0L);
    t->anew = anew;
}

static void set_timeout(emqxi_transfer *t, uint32_t timeout_ms)
{
    if (timeout_ms == t->timeout_ms)
        return;
    t->timeout_ms = timeout_ms;
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)EMQXI_MAX(timeout_ms, 1));
}

bool emqxi_transfer_shorten(emqxi_transfer *t)
{
    int64_t left = t->deadline_ms - emqxi_now(&t->curl->clock);
    if (left > 0)
        set_timeout(t, (uint32_t)EMQXI_MIN(left, t->exchange->timeout_ms));
    return left > 0;
}

bool emqxi_transfer_renew(emqxi_transfer *t)
{
    if (!t->stale)
        return false;
    t->stale = false;
    t->late = !emqxi_transfer_shorten(t);
    set_anew(t, true);
    return !t->late;
}

/* A handle with the same options that knows nothing of the answer before. */
static bool forget_answer(emqxi_transfer *t)
{
    CURL *copy = curl_easy_duphandle(t->easy);
    if (!copy)
        return false;
    curl_easy_cleanup(t->easy);
    t->easy = copy;
    return true;
}

bool emqxi_transfer_prepare(emqxi_transfer *t, const emqx_tls_exchange *x)
{
    if (t->url && t->curl->libcurl->folds_into_freed && !forget_answer(t))
        return false;
    CURL *e = t->easy;
    bool fresh = (x->flags & EMQX_TLS_FRESH_CONNECTION) != 0;
    t->exchange = x;
    t->deadline_ms = emqxi_add(emqxi_now(&t->curl->clock), x->timeout_ms);
    if (!set_target(t, x->url) || !set_method(t, x) || !set_headers(t, x))
        return false;
    set_anew(t, fresh);
    if (t->asks_names)
        curl_easy_setopt(e, CURLOPT_CERTINFO, 0L);
    t->asks_names = false;
    if (t->by_folder != (t->curl->hashed[0] != '\0') && !emqxi_trust_set(t))
        return false;
    if (fresh != t->fresh) {
        t->fresh = fresh;
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                         (long)(fresh ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    }
    set_timeout(t, x->timeout_ms);
    if (x->connect_timeout_ms != t->connect_timeout_ms) {
        t->connect_timeout_ms = x->connect_timeout_ms;
        curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)EMQXI_MAX(x->connect_timeout_ms, 1));
    }
    return true;
}
