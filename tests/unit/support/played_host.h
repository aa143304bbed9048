/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * played_host - a machine for the quota file, whose id and trust in its wall clock the test sets.
 */
#ifndef PLAYED_HOST_H
#define PLAYED_HOST_H

#include "limiter/timebase.h"

extern uint8_t machine; /* 0: it has no id */
extern bool wall_trusted;
extern const emqxi_host played_host;

#endif
