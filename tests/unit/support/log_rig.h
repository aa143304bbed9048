/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One sliding log by itself, in times that the test hands in.
 */
#ifndef LOG_RIG_H
#define LOG_RIG_H

#include "limiter_use.h"

#include "limiter/core.h"

extern emqxi_limits limits;
extern emqxi_log kept;
extern emqxi_slot slots[64];
extern int64_t time_ms;

/* An empty log of so many slots an hour, at a time. */
void log_set_up(uint32_t count, int64_t at);
const emqxi_view *view(void);
/* For LEASE_MS, with so many ahead. */
emqx_tls_grant ask_behind(uint32_t ahead, emqxi_flight *flight);
/* Takes a slot, which there must be; ends it, without a word on when to come again. */
emqxi_flight take(void);
void end(emqxi_flight flight, uint32_t outcome);

#endif
