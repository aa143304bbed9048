/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP/1.1 over TLS, byte for byte. http1_rows.c has the behaviours.
 */
#include "http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    peer *p = loopback_user(c);
    const behaviour *b = p->row;
    char head[HTTP1_HEAD_MAX];
    if ((b->how & EARLY) && !atomic_load(&p->good) && !send_row(c, b))
        return;
    while (http1_read_head(c, head)) {
        bool behaves = atomic_load(&p->good);
        if ((behaves || !(b->how & HEAD_ONLY)) && !http1_read_body(c, head))
            return;
        http1_note(c, head);
        if (behaves ? !loopback_write(c, HTTP1_GOOD, sizeof HTTP1_GOOD - 1)
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
    hostile_suite rows = {"HTTP/1.1", http1_rows, http1_row_count, serve, server.ca_path,
                          server.tls, NULL};
    hostile_suite pieces = {"HTTP/1.1 in pieces", cuts, http1_cuts(cuts), serve, server.ca_path,
                            server.tls,           NULL};
    int failed = hostile_run(&rows) | hostile_run(&pieces);
    tls_server_free(&server);
    return failed;
}
