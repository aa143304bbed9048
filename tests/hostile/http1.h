/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The behaviours of a server that speaks HTTP/1.1, or something like it.
 */
#ifndef HOSTILE_HTTP1_H
#define HOSTILE_HTTP1_H

#include "hostile.h"

/* -- requests, and a good answer (http1_request.c) -- */

#define HTTP1_HEAD_MAX 16384
#define HTTP1_GOOD                                                                                 \
    "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{\"status\":\"running\",\"cn\":\"good\"}"

bool http1_read_head(loopback_connection *c, char to[HTTP1_HEAD_MAX]); /* up to the blank line */
bool http1_read_body(loopback_connection *c, const char *head);
void http1_note(loopback_connection *c, const char *head); /* its method */

/* -- rows -- */

#define FILLING "\x1a" /* in a row's bytes: what stands in `with`, `fill` times */

extern const behaviour http1_rows[];
extern const size_t http1_row_count;

/* Adds three answers cut off at every byte, and one in two pieces at every byte; returns how many
 * rows that makes. */
#define HTTP1_CUTS_MAX 400
size_t http1_cuts(behaviour to[HTTP1_CUTS_MAX]);

#endif
