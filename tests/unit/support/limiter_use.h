/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A limiter as an operation uses it.
 */
#ifndef LIMITER_USE_H
#define LIMITER_USE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "limiter/limiter.h"

#define MINUTE_MS ((int64_t)60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define HELD_MS   (HOUR_MS + 1000 + HOUR_MS / 2000) /* one window, 1 s, 0.05 % */
#define STRAY_MS  MINUTE_MS
#define LEASE_MS  30000
#define READ      EMQX_TLS_OP_GET
#define WRITE     EMQX_TLS_OP_UPDATE
#define ANSWERED  EMQX_TLS_OUTCOME_ANSWERED

/* Asks once, for LEASE_MS, and does not wait in line. */
emqx_tls_code reserve(emqx_tls_limiter *limiter, uint32_t op, const char *deployment,
                      emqxi_reserve *r, emqxi_error *error);
/* For "d1": takes a slot and answers it. Slots held; until one is free. */
void use(emqx_tls_limiter *limiter, uint32_t op);
uint32_t used(emqx_tls_limiter *limiter, uint32_t op);
int64_t next_ms(emqx_tls_limiter *limiter, uint32_t op);

#endif
