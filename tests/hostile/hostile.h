/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Servers that do not behave, and what a client has to say of them. A behaviour is a row of a
 * table. Each is met by a read and by each write, every one with a client, a quota and a server of
 * its own, many side by side.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "support/loopback.h"
#include "support/tls_server.h"

#include <stdatomic.h>

#include <emqxtls/emqxtls.h>

/* What has to come of it. Sets are of BIT(EMQX_TLS_...). */
#define BIT(n) (1u << (n))
typedef struct verdict {
    unsigned read, write, delete; /* codes: of GET, of POST and PUT, of DELETE */
    unsigned deliveries;
    uint32_t state; /* of a status that was taken */
    unsigned reads; /* requests of a read; 0: one to three */
    bool hangs;     /* nothing but the deadline ends it */
    bool unread;    /* a request may have left that the server has not seen */
    bool permanent; /* error.permanent is 1, so nothing is tried again */
} verdict;

/* hostile.c says what they are. */
extern const verdict taken, taken_empty, not_json, too_long, cut_head, broken, broken_head,
    broken_chunks, not_taken, careless, no_status, cut_status, lost, no_http, switched, hung,
    hung_answered, forbidden_late;
extern const verdict no_stream, cut_stream, no_success, early_goodbye, forbidden_or_lost,
    empty_stream;                                                 /* HTTP/2 */
extern const verdict not_trusted, no_handshake, not_sent, silent; /* TLS */
extern const verdict unauthorized, forbidden, not_found, unprocessable, rate_limited, other_status,
    passing;

/* How a row's bytes go out, besides all at once. */
enum {
    DRIP = 1,     /* each byte for itself */
    EARLY = 2,    /* before the request */
    HEAD_ONLY = 4 /* when the request's head was read, without a look at its body */
};

typedef struct behaviour {
    const char *name;
    const char *bytes; /* '\x1a' stands for the filling */
    size_t len;
    int end; /* KEEP, CLOSE ... of loopback.h */
    const verdict *expected;
    unsigned how;
    size_t fill;      /* how often */
    const char *with; /* NULL: "x" */
    size_t cut;       /* only so many bytes; 0: all */
    size_t split;     /* as two pieces, the first so long; 0: as one */
    const void *more; /* of the program's own */
} behaviour;

#define TEXT(bytes) bytes, sizeof(bytes) - 1
#define IS(verdict) .expected = &verdict

/* A server's own. */
typedef struct peer {
    const behaviour *row;
    atomic_bool good; /* from now on it behaves, and tells of a certificate that runs for `good` */
} peer;

typedef struct hostile_suite {
    const char *name;
    const behaviour *rows;
    size_t count;
    void (*serve)(loopback_connection *); /* its user is a peer; notes the method of each request */
    const char *ca_file;
    void *tls;             /* an SSL_CTX; NULL: `serve` shakes hands by itself */
    const verdict *writes; /* what comes of every write; NULL: what the rows say */
} hostile_suite;

/* Plays all rows. 0, or 1: what went wrong is printed. */
int hostile_run(const hostile_suite *suite);

#endif
