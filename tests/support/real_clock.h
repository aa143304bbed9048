/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Real time, for what can't be tested or measured in virtual time.
 */
#ifndef REAL_CLOCK_H
#define REAL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nothing that is waited for takes so long, but for what hangs. */
#define PATIENCE_MS 60000

int64_t clock_ns(clockid_t id);
int64_t real_ms(void); /* CLOCK_MONOTONIC */
int64_t cpu_ms(void);  /* what this process has used of the processors */

#endif
