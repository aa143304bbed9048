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
#define REPLY_KEPT 2048 /* a larger buffer is given back when the handle is idle */

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

/* Anything else libcurl reads as far as it is a number: "0x14" as 0, for one. */
static bool is_length(const char *line, size_t n)
{
    char value[EMQXI_VALUE_ROOM] = "";
    keep_header(value, "Content-Length", line, n);
    return *value && strspn(value, "0123456789") == strlen(value);
}

static void keep_line(emqxi_transfer *t, const char *line, size_t n)
{
    switch (n > 0 ? line[0] | 0x20 : 0) {
    case 'c':
        t->framed |= is_length(line, n);
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
    t->http2 |= t->head_len == n && n > 6 && memcmp(line, "HTTP/2", 6) == 0;
    t->unread = t->http2;
    if (t->head_len > HEAD_MAX)
        return 0;
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
        t->head_whole = t->framed = false;
    } else if (n > 0 && (line[0] == '\r' || line[0] == '\n')) {
        t->head_whole = true;
        if (!t->framed) { /* from now on its end is watched: emqxi_on_progress */
            curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
            emqxi_closure_look(t->easy, &t->closure);
        }
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
    t->unread = t->http2;
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
    if (t->head_whole && !t->framed)
        curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 1L);
    t->date[0] = t->retry_after[0] = '\0';
    t->http2 = t->stale = t->departed = t->again = t->late = t->too_long = t->no_memory =
        t->head_whole = t->framed = false;
    t->closure = (emqxi_closure){0};
}
