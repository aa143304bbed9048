/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The behaviours of a server that speaks HTTP/1.1, or something like it.
 */
#ifndef HOSTILE_HTTP1_H
#define HOSTILE_HTTP1_H

#include "hostile.h"

#define FILLING "\x1a" /* in a row's bytes: what stands in `with`, `fill` times */

extern const behaviour http1_rows[];
extern const size_t http1_row_count;

#endif
