/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP/1.1 over TLS, byte for byte. http1_rows.c has the behaviours.
 */
#include "http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUEST_ROOM 16384

/* -- the request ------------------------------------------------------------------------------- */

/* Up to the blank line. */
static bool read_head(loopback_connection *c, char *to)
{
    size_t n = 0;
    while (n < 4 || memcmp(to + n - 4, "\r\n\r\n", 4) != 0)
        if (n + 1 >= REQUEST_ROOM || !loopback_read(c, to + n++, 1))
            return false;
    to[n] = '\0';
    return true;
}

static bool read_body(loopback_connection *c, const char *head)
{
    char body[REQUEST_ROOM];
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t n = length ? strtoul(length + 17, NULL, 10) : 0;
    return n <= sizeof body && loopback_read(c, body, n);
}

static void note_method(loopback_connection *c, char *head)
{
    *strchr(head, ' ') = '\0';
    loopback_note(c, head);
    head[strlen(head)] = ' ';
}

/* -- the answer -------------------------------------------------------------------------------- */

typedef struct text {
    char *bytes;
    size_t len;
} text;

/* The row's bytes with its filling, cut. */
static text spell(const behaviour *b)
{
    const char *with = b->with ? b->with : "x";
    size_t room = b->len + b->fill * strlen(with) + 1;
    text t = {malloc(room), 0};
    for (size_t i = 0; t.bytes && i < b->len; i++) {
        if (b->bytes[i] != FILLING[0]) {
            t.bytes[t.len++] = b->bytes[i];
            continue;
        }
        for (size_t n = 0; n < b->fill; n++, t.len += strlen(with))
            memcpy(t.bytes + t.len, with, strlen(with));
    }
    if (b->cut)
        t.len = b->cut;
    return t;
}

static bool send_pieces(loopback_connection *c, const behaviour *b, const text *t)
{
    if (b->split)
        return loopback_write(c, t->bytes, b->split) &&
               loopback_write(c, t->bytes + b->split, t->len - b->split);
    if (!(b->how & DRIP))
        return loopback_write(c, t->bytes, t->len);
    for (size_t i = 0; i < t->len; i++)
        if (!loopback_write(c, t->bytes + i, 1))
            return false;
    return true;
}

static bool send_row(loopback_connection *c, const behaviour *b)
{
    text t = spell(b);
    bool ok = t.bytes && send_pieces(c, b, &t);
    free(t.bytes);
    return ok;
}

/* -- a connection ------------------------------------------------------------------------------ */

static void serve(loopback_connection *c)
{
    static const char good[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{\"status\":\"running\",\"cn\":\"good\"}";
    peer *p = loopback_user(c);
    const behaviour *b = p->row;
    char head[REQUEST_ROOM];
    if ((b->how & EARLY) && !atomic_load(&p->good) && !send_row(c, b))
        return;
    while (read_head(c, head)) {
        bool behaves = atomic_load(&p->good);
        if ((behaves || !(b->how & HEAD_ONLY)) && !read_body(c, head))
            return;
        note_method(c, head);
        if (behaves ? !loopback_write(c, good, sizeof good - 1)
                    : !(b->how & EARLY) && !send_row(c, b))
            return;
        if (behaves)
            continue;
        loopback_end(c, b->end);
        if (b->end != KEEP)
            return;
    }
}

int main(void)
{
    tls_server server;
    static behaviour cuts[HTTP1_CUTS_MAX];
    tls_server_make(&server, "IP:127.0.0.1");
    hostile_suite rows = {"HTTP/1.1", http1_rows, http1_row_count, serve, &server};
    hostile_suite pieces = {"HTTP/1.1 in pieces", cuts, http1_cuts(cuts), serve, &server};
    int failed = hostile_run(&rows) | hostile_run(&pieces);
    tls_server_free(&server);
    return failed;
}
