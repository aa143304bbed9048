/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP/2 by hand, for loopback_options.serve: frames as no good server would send them.
 */
#ifndef HTTP2_SERVER_H
#define HTTP2_SERVER_H

#include "loopback.h"

/* How an answer ends. */
typedef enum http2_end {
    HTTP2_END_STREAM, /* as it should: on the head where there is no body, else on the last DATA */
    HTTP2_EMPTY_DATA, /* on a DATA frame of its own without a byte */
    HTTP2_RST_STREAM, /* reset behind what came before, with `error` */
    HTTP2_GOODBYE, /* GOAWAY instead of the answer, which takes no stream, and a closed connection */
    HTTP2_CLOSE,   /* the connection is closed behind what came before */
} http2_end;

typedef struct http2_answer {
    int status;        /* 0: no head */
    const char *field; /* a header's name and ": " and value; NULL: none */
    size_t field_len;  /* filled up to so long a value with letters */
    bool sized;        /* the head has a content-length */
    size_t body;       /* bytes of http2_body */
    size_t first_body; /* and of the first of those that are gathered; 0: as many */
    size_t frame;      /* most bytes in a DATA frame; 0: as many as a frame may have */
    size_t record;     /* most bytes in a TLS record; 0: as many as one may have */
    unsigned interim;  /* so many 103 before it */
    http2_end end;
    unsigned error;  /* of RST_STREAM */
    unsigned gather; /* so many requests are answered together, their frames mixed; 0: each alone */
} http2_answer;

/* What the servers that are started from now on answer; not copied. */
void http2_answer_with(const http2_answer *answer);

void http2_serve(loopback_connection *c);

/* The byte that every body has at this place. */
char http2_body(size_t at);

#endif
