/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What comes back of an exchange, and what became of it.
 */
#include "transport/curl.h"

#include <string.h>
#include <strings.h>

#define REPLY_FIRST 256 /* bytes; a status has some 150 */
/* libcurl before 8.3 keeps heads of any length in memory (CVE-2023-38039) */
#define HEAD_MAX   65536
#define TOO_LARGE  ((CURLcode)100) /* CURLE_TOO_LARGE of 8.6 */
#define REPLY_KEPT 2048            /* a larger buffer is given back when the handle is idle */

/* -- callbacks of libcurl ---------------------------------------------------------------------- */

static bool is_header(const char *name, const char *line, size_t n)
{
    size_t at = strlen(name);
    return n > at && line[at] == ':' && strncasecmp(line, name, at) == 0;
}

/* Keeps the value of a header if this is the one; longer than any date it is of no use. */
static void keep_header(char to[EMQXI_VALUE_ROOM], const char *name, const char *line, size_t n)
{
    size_t at = strlen(name);
    if (!is_header(name, line, n))
        return;
    for (at++; at < n && (line[at] == ' ' || line[at] == '\t');)
        at++;
    while (n > at && (unsigned char)line[n - 1] <= ' ')
        n--;
    if (n - at >= EMQXI_VALUE_ROOM)
        return;
    memcpy(to, line + at, n - at);
    to[n - at] = '\0';
}

static void keep_line(emqxi_transfer *t, const char *line, size_t n)
{
    switch (n > 0 ? line[0] | 0x20 : 0) {
    case 'c':
        t->framed |= is_header("Content-Length", line, n);
        break;
    case 'd':
        keep_header(t->date, "Date", line, n);
        break;
    case 'r':
        keep_header(t->retry_after, "Retry-After", line, n);
        break;
    case 't':
        t->framed |= is_header("Transfer-Encoding", line, n);
        break;
    default:
        break;
    }
}

/* libcurl takes an answer that breaks off in its head for a whole one with an empty body: "no
 * certificate". So the head's end is noted. What comes behind it are trailers, or the head that
 * follows an interim answer. */
size_t emqxi_on_header(char *line, size_t size, size_t count, void *user)
{
    emqxi_transfer *t = user;
    size_t n = size * count;
    t->head_len += n;
    t->unread = true;
    if (t->head_len > HEAD_MAX)
        return 0;
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
        t->head_whole = t->framed = false;
    } else if (n > 0 && (line[0] == '\r' || line[0] == '\n')) {
        t->head_whole = true;
        if (!t->framed)
            emqxi_closure_look(t->easy, &t->closure);
        t->closure.head_bytes = t->closure.bytes;
    }
    if (!t->head_whole)
        keep_line(t, line, n);
    return n;
}

int emqxi_on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                      curl_off_t up)
{
    emqxi_transfer *t = user;
    (void)down_all, (void)down, (void)up_all, (void)up;
    if (t->head_whole && !t->framed)
        emqxi_closure_look(t->easy, &t->closure);
    return 0;
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

size_t emqxi_on_body(char *data, size_t size, size_t count, void *user)
{
    emqxi_transfer *t = user;
    size_t n = size * count;
    t->unread = true;
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

/* -- the end ----------------------------------------------------------------------------------- */

void emqxi_transfer_reset(emqxi_transfer *t)
{
    emqxi_wipe(t->reply, t->reply_len);
    t->reply_len = t->head_len = t->body_sent = 0;
    if (t->reply_room > REPLY_KEPT) {
        emqxi_free(&t->curl->allocator, t->reply);
        t->reply = NULL;
        t->reply_room = 0;
    }
    t->exchange = NULL;
    t->date[0] = t->retry_after[0] = '\0';
    t->stale = t->departed = t->again = t->late = t->too_long = t->no_memory = t->head_whole =
        t->framed = false;
    t->closure = (emqxi_closure){0};
}

/* Fixed texts only: libcurl's error buffer may hold a proxy's password or a header. */
static const char *detail(const emqxi_transfer *t)
{
    long tunnel = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
    if (!t->departed && tunnel >= 300)
        return tunnel == 407 ? "the proxy wants a login: put it into the proxy's URL"
                             : "the proxy refused to connect to the host";
    switch (t->result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the host's name could not be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the proxy's URL is none, or its name could not be resolved";
    case CURLE_COULDNT_CONNECT:
        return "the host (or its proxy) refused the connection or can't be reached";
    case CURLE_PEER_FAILED_VERIFICATION:
        return emqxi_verify_why(t);
    case CURLE_SSL_CACERT_BADFILE:
        return "the file of CA certificates can't be used: name a good one in ca_file";
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
    case CURLE_WRITE_ERROR:
        return "the answer's head is too long";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return "the answer is not HTTP";
    default:
        return curl_easy_strerror(t->result);
    }
}

/* What trying again can't mend. */
static bool is_permanent(const emqxi_transfer *t)
{
    switch (t->result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return !t->departed;
    case CURLE_WRITE_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return t->departed;
    default:
        return false;
    }
}

/* libcurl says that it has no memory for a line of more than 100 KB, and later that it is large. */
static bool line_too_long(const emqxi_transfer *t)
{
    curl_off_t first_byte = 0;
    if (t->head_whole || t->no_memory ||
        (t->result != CURLE_OUT_OF_MEMORY && t->result != TOO_LARGE))
        return false;
    return curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte) == CURLE_OK &&
           first_byte > 0;
}

/* Was it told that a success has no body? libcurl takes a connection that was cut off behind a head
 * without a length for the body's end, and "no certificate" would be read into it. Of HTTP/2 it
 * tells no END_STREAM, but one that came with the head can be known: nothing was read behind it. */
static bool end_told(const emqxi_transfer *t, long status)
{
    const emqxi_closure *closure = &t->closure;
    long version = 0;
    if (t->reply_len > 0 || t->framed || status == 204 || status >= 300)
        return true;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    if (t->result != CURLE_OK || version < CURL_HTTP_VERSION_2_0)
        return t->result == CURLE_OK && closure->told;
    return t->curl->libcurl->drops_reset_heads && closure->known &&
           closure->bytes == closure->head_bytes;
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
        reply->date = *t->date ? t->date : NULL;
        reply->retry_after = *t->retry_after ? t->retry_after : NULL;
    }
    if (t->too_long) {
        reply->code = EMQX_TLS_E_PROTOCOL;
        reply->detail = "the answer is too long";
    } else if (line_too_long(t)) {
        reply->code = EMQX_TLS_E_PROTOCOL;
        reply->detail = "the answer's head is too long";
    } else if (t->no_memory || t->result == CURLE_OUT_OF_MEMORY) {
        reply->code = EMQX_TLS_E_NO_MEMORY;
    } else if (t->again) {
        reply->detail = t->reused
                            ? "the reused connection was closed before an answer came"
                            : "the server took no request (HTTP/2 REFUSED_STREAM): try again later";
    } else if (t->late || t->result == CURLE_OPERATION_TIMEDOUT) {
        reply->code = EMQX_TLS_E_TIMEOUT;
        /* the rest is told by delivery */
        reply->detail = answered ? "the answer did not end in time" : NULL;
    } else if (answered && t->head_whole && !end_told(t, status)) {
        reply->code = EMQX_TLS_E_PROTOCOL;
        reply->detail = "the connection was closed behind the answer's head, and nothing tells "
                        "whether a body was to come";
    } else if (t->result != CURLE_OK) {
        reply->detail = detail(t);
        reply->flags = is_permanent(t) ? EMQX_TLS_REPLY_PERMANENT : 0;
    } else if (!answered) {
        reply->detail = "the answer is not HTTP";
        reply->flags = EMQX_TLS_REPLY_PERMANENT;
    } else if (!t->head_whole) {
        reply->detail = "the connection was closed in the middle of the answer";
    } else {
        reply->code = EMQX_TLS_OK;
        reply->body = t->reply;
        reply->body_len = t->reply_len;
    }
}
