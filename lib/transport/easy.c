/* SPDX-License-Identifier: MIT
 *
 * One exchange on an easy handle: options, callbacks, and what became of it. See curl.c for the choices.
 */
#include "transport/curl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_FIRST  512  /* bytes; a status has some 150 */
#define REPLY_KEPT   2048 /* a larger buffer is given back when the handle is idle */
#define HEADER_MAX   128  /* of Retry-After and Date: a date has 29 */
#define BUFFER_BYTES 16384L

/* -- callbacks of libcurl: nothing of libcurl is called here -------------------------------------------------------- */

/* The request leaves now. libcurl sends again by itself when a reused connection turns out dead, and after an HTTP/2
 * REFUSED_STREAM: the second time is refused here, since only the quota's owner may pay for it. */
static int on_departure(void *user, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    emqxi_transfer *t = user;
    if (t->departed) {
        t->again = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (emqxi_now(&t->curl->clock) > t->deadline_ms) { /* libcurl's clock stands still while the machine sleeps */
        t->late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    t->departed = true;
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

/* libcurl takes an answer that breaks off in its head for a whole one with an empty body: "no certificate". */
static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    emqxi_transfer *t = user;
    size_t n = size * count;
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0)
        t->head_whole = false; /* the one before was an interim answer's */
    else if (n > 0 && (line[0] == '\r' || line[0] == '\n'))
        t->head_whole = true;
    return n;
}

static bool reply_grow(emqxi_transfer *t, size_t need)
{
    const emqx_tls_allocator *a = &t->curl->allocator;
    size_t room = EMQXI_MAX(EMQXI_MAX(need, 2 * t->reply_room), REPLY_FIRST);
    char *larger = emqxi_alloc(a, room);
    if (!larger)
        return false;
    if (t->reply_len > 0)
        memcpy(larger, t->reply, t->reply_len);
    emqxi_wipe_free(a, t->reply, t->reply_len); /* an error's body may echo the request */
    t->reply = larger;
    t->reply_room = room;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    emqxi_transfer *t = user;
    size_t n = size * count;
    if (n > t->exchange->reply_max - t->reply_len) {
        t->too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (n > t->reply_room - t->reply_len && !reply_grow(t, t->reply_len + n)) {
        t->no_memory = true;
        return CURL_WRITEFUNC_ERROR;
    }
    memcpy(t->reply + t->reply_len, data, n);
    t->reply_len += n;
    return n;
}

/* -- the handle ----------------------------------------------------------------------------------------------------- */

/* All that no exchange changes. Defaults that matter and are left alone: the certificate and its name are verified, no
 * redirects, cookies, netrc, compression, HTTP/0.9; TCP_NODELAY. */
static bool set_once(emqxi_transfer *t)
{
    const emqxi_curl *c = t->curl;
    CURL *e = t->easy;
    bool ok = true;
#define SET(option, value) (ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK)
    SET(CURLOPT_PRIVATE, (char *)t);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* the end does not wait for a name that is being resolved */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_PIPEWAIT, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "libemqxtls/" EMQXI_VERSION);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* Authorization is not for a proxy */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_READFUNCTION, on_body_wanted);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_departure);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_PROXY, c->proxy ? c->proxy : "");
    SET(CURLOPT_NOPROXY, c->no_proxy);
    if (c->ca_file)
        SET(CURLOPT_CAINFO, c->ca_file);
#undef SET
    if (c->ca_file || c->ca_path_off)
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL); /* some TLS back ends have none */
    return ok;
}

emqxi_transfer *emqxi_transfer_new(emqxi_curl *curl)
{
    emqxi_transfer *t = emqxi_zalloc(&curl->allocator, sizeof *t);
    if (!t)
        return NULL;
    t->curl = curl;
    t->easy = curl_easy_init();
    t->url = curl_url();
    strcpy(t->method, "GET");
    if (!t->easy || !t->url || !set_once(t)) {
        emqxi_transfer_free(t);
        return NULL;
    }
    return t;
}

void emqxi_transfer_free(emqxi_transfer *t)
{
    const emqx_tls_allocator *a = &t->curl->allocator;
    curl_easy_cleanup(t->easy);
    curl_url_cleanup(t->url);
    emqxi_free(a, t->origin);
    emqxi_free(a, t->reply); /* wiped when it was last used */
    emqxi_free(a, t);
}

/* -- what differs --------------------------------------------------------------------------------------------------- */

/* Most exchanges of a client differ in the path alone. */
static bool set_url(emqxi_transfer *t, const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    size_t len = path ? (size_t)(path - url) : 0;
    if (len > 0 && len == t->origin_len && memcmp(url, t->origin, len) == 0)
        return curl_url_set(t->url, CURLUPART_PATH, path, 0) == CURLUE_OK;
    if (curl_url_set(t->url, CURLUPART_URL, url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_easy_setopt(t->easy, CURLOPT_CURLU, t->url) != CURLE_OK)
        return false;
    char *origin = emqxi_alloc(&t->curl->allocator, len + 1);
    if (!origin)
        return false;
    memcpy(origin, url, len);
    emqxi_free(&t->curl->allocator, t->origin);
    t->origin = origin;
    t->origin_len = len;
    bool http = strncmp(url, "http:", 5) == 0;
    if (http != t->http) {
        t->http = http;
        return curl_easy_setopt(t->easy, CURLOPT_NOPROXY, http ? "*" : t->curl->no_proxy) == CURLE_OK;
    }
    return true;
}

static bool set_method(emqxi_transfer *t, const emqx_tls_exchange *x)
{
    if (strcmp(x->method, t->method) != 0 || (x->body_len > 0) != (t->body_len > 0)) {
        const char *custom = strcmp(x->method, "GET") == 0 ? NULL : x->method;
        if (strlen(x->method) >= sizeof t->method || curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
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
static bool set_headers(emqxi_transfer *t, const char *const *headers)
{
    static char no_wait[] = "Expect:"; /* no "100 Continue" is waited for */
    size_t n = 0;
    t->headers[n++].data = no_wait;
    for (; headers && *headers; headers++) {
        if (n == EMQXI_HEADERS_MAX)
            return false;
        t->headers[n++].data = (char *)(uintptr_t)*headers;
    }
    for (size_t i = 0; i < n; i++)
        t->headers[i].next = i + 1 < n ? &t->headers[i + 1] : NULL;
    return true;
}

bool emqxi_transfer_prepare(emqxi_transfer *t, const emqx_tls_exchange *x)
{
    CURL *e = t->easy;
    bool fresh = (x->flags & EMQX_TLS_FRESH_CONNECTION) != 0;
    t->exchange = x;
    t->deadline_ms = emqxi_add(emqxi_now(&t->curl->clock), x->timeout_ms);
    if (!set_url(t, x->url) || !set_method(t, x) || !set_headers(t, x->headers))
        return false;
    if (fresh != t->fresh) {
        t->fresh = fresh;
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)(fresh ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    }
    if (x->timeout_ms != t->timeout_ms) {
        t->timeout_ms = x->timeout_ms;
        curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)EMQXI_MAX(x->timeout_ms, 1));
    }
    if (x->connect_timeout_ms != t->connect_timeout_ms) {
        t->connect_timeout_ms = x->connect_timeout_ms;
        curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)EMQXI_MAX(x->connect_timeout_ms, 1));
    }
    return true;
}

void emqxi_transfer_reset(emqxi_transfer *t)
{
    emqxi_wipe(t->reply, t->reply_len);
    t->reply_len = t->body_sent = 0;
    if (t->reply_room > REPLY_KEPT) {
        emqxi_free(&t->curl->allocator, t->reply);
        t->reply = NULL;
        t->reply_room = 0;
    }
    t->exchange = NULL;
    t->finished = t->departed = t->again = t->late = t->too_long = t->no_memory = t->head_whole = false;
}

/* -- what became of it ---------------------------------------------------------------------------------------------- */

static const char *header(const emqxi_transfer *t, const char *name)
{
    struct curl_header *h;
    if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK || strlen(h->value) > HEADER_MAX)
        return NULL;
    return h->value;
}

/* Fixed texts only: libcurl's error buffer may hold a proxy's password or a header. */
static const char *detail(const emqxi_transfer *t)
{
    switch (t->result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the host's name could not be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the proxy's name could not be resolved";
    case CURLE_COULDNT_CONNECT:
        return "the host (or its proxy) refused the connection or can't be reached";
    case CURLE_OPERATION_TIMEDOUT:
        return t->departed ? "no answer in time" : "no connection in time";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "the server's certificate does not verify; if it is signed by a CA of your own, name that in ca_file";
    case CURLE_SSL_CACERT_BADFILE:
        return "the file of CA certificates can't be read; name one in ca_file";
    case CURLE_SSL_CONNECT_ERROR:
        return "the TLS handshake failed";
    case CURLE_GOT_NOTHING:
        return "the connection was closed before an answer came";
    case CURLE_PARTIAL_FILE:
        return "the connection was closed in the middle of the answer";
    case CURLE_SEND_ERROR:
        return "the connection was lost while sending";
    case CURLE_RECV_ERROR:
        return "the connection was lost before the answer was complete";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return "the answer is not HTTP";
    default:
        return curl_easy_strerror(t->result);
    }
}

void emqxi_transfer_reply(emqxi_transfer *t, emqx_tls_reply *reply)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    bool answered = t->departed && status >= 200 && status <= 599;
    *reply = (emqx_tls_reply){.size = sizeof *reply, .code = EMQX_TLS_E_TRANSPORT};
    reply->delivery = answered      ? EMQX_TLS_DELIVERY_ANSWERED
                      : t->departed ? EMQX_TLS_DELIVERY_MAYBE
                                    : EMQX_TLS_DELIVERY_NOT_SENT;
    if (answered) {
        reply->http_status = (int32_t)status;
        reply->date = header(t, "Date");
        reply->retry_after = header(t, "Retry-After");
    }
    if (t->too_long) {
        reply->code = EMQX_TLS_E_PROTOCOL;
        reply->detail = "the answer is too long";
    } else if (t->no_memory || t->result == CURLE_OUT_OF_MEMORY) {
        reply->code = EMQX_TLS_E_NO_MEMORY;
    } else if (t->again) {
        reply->detail = "the reused connection was closed before an answer came";
    } else if (t->late || t->result == CURLE_OPERATION_TIMEDOUT) {
        reply->code = EMQX_TLS_E_TIMEOUT;
        reply->detail = t->departed ? "no answer in time" : "no connection in time";
    } else if (t->result != CURLE_OK) {
        reply->detail = detail(t);
        if (!t->departed && (t->result == CURLE_PEER_FAILED_VERIFICATION || t->result == CURLE_SSL_CACERT_BADFILE))
            reply->flags = EMQX_TLS_REPLY_PERMANENT;
    } else if (!answered) {
        reply->detail = "the answer is not HTTP";
    } else if (!t->head_whole) {
        reply->detail = "the connection was closed in the middle of the answer";
    } else {
        reply->code = EMQX_TLS_OK;
        reply->body = t->reply;
        reply->body_len = t->reply_len;
    }
}
