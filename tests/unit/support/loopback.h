/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A server on 127.0.0.1 inside the test: HTTP/1.1, plain or over TLS, with an answer for each
 * request that arrives.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct loopback loopback;

/* What the server does with the connection after an answer. CLOSE: cut off without a closure of TLS,
 * which CLOSE_NOTIFY sends first. */
enum { KEEP, CLOSE, CLOSE_NOTIFY, RESET, STALL };

typedef struct loopback_answer {
    const char *text; /* NULL: none */
    int then;
    int pause_ms;   /* before the answer */
    bool held;      /* the answer waits for loopback_release */
    bool head_only; /* the request's body is not read */
} loopback_answer;

/* A connection, for a server that speaks for itself. */
typedef struct loopback_connection loopback_connection;
/* exactly n; false: the client is gone */
bool loopback_read(loopback_connection *c, void *to, size_t n);
bool loopback_write(loopback_connection *c, const void *from, size_t n);
void loopback_note(loopback_connection *c, const char *request); /* counts a request */
void loopback_end(loopback_connection *c, int then);             /* KEEP, CLOSE ... */
void *loopback_user(const loopback_connection *c);
/* from now on by TLS: with an SSL_CTX */
bool loopback_handshake(loopback_connection *c, void *tls);
void *loopback_ssl(const loopback_connection *c); /* its SSL; NULL: plain */
int loopback_fd(const loopback_connection *c);

typedef struct loopback_options {
    /* for the 1st, 2nd ... request; the last one for all that follow */
    const loopback_answer *answers;
    size_t count;
    void (*serve)(loopback_connection *); /* instead of them */
    void *user;                           /* for it */
    void *tls;                            /* an SSL_CTX; NULL: plain */
} loopback_options;

loopback *loopback_start(const loopback_options *options);
int loopback_port(const loopback *l);
size_t loopback_requests(loopback *l); /* that have arrived */
size_t loopback_connections(loopback *l);
const char *loopback_request(loopback *l, size_t index); /* as it came: head, blank line, body */
void loopback_release(loopback *l);                      /* all answers, from now on */
size_t loopback_answers(loopback *l);                    /* that have been sent */
/* until so many connections are open, seen from the server */
void loopback_wait_open(loopback *l, size_t count);
void loopback_stop(loopback *l); /* ends all connections */

#define OK_JSON(body, length)                                                                      \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " #length "\r\n\r"       \
    "\n" body

#endif
