/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#ifndef EMQXI_TEST_CLOCK_H
#define EMQXI_TEST_CLOCK_H

#include <stdbool.h>

#include <emqxtls/test.h>

/* Moves the clock to until_ms, or runs the first action that was set for a time up to then and
 * stops there: true. INT64_MAX: only the second. */
bool emqxi_test_clock_step(emqx_tls_test_clock *clock, int64_t until_ms);

#endif
