/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * store_suite - what every quota store must do, asked through the public vtable alone: run it
 * against a store of your own.
 *
 *     static emqx_tls_code open(void *context, const emqx_tls_limiter_config *config,
 *     emqx_tls_store *store) ... static void advance(void *context, int64_t ms) ...
 *     const store_subject mine = {.name = "mine", .open = open, .advance = advance, .window_ms =
 *     3600000,
 *                                 .patience_ms = INT64_MAX};
 *     return store_suite_run(&mine);
 */
#ifndef STORE_SUITE_H
#define STORE_SUITE_H

#include <emqxtls/limiter.h>

typedef struct store_subject {
    const char *name;
    void *context;
    /* Gives a fresh, empty store with these settings (clock and allocator are NULL: the subject's
     * own are meant). The suite destroys it, and has one open at a time. */
    emqx_tls_code (*open)(void *context, const emqx_tls_limiter_config *config,
                          emqx_tls_store *store);
    /* Lets time pass as the store sees it: sets a virtual clock on, or sleeps. */
    void (*advance)(void *context, int64_t ms);
    uint64_t window_ms; /* to test with; small where time is real */
    /* tests that must wait longer in one step are skipped; INT64_MAX where time is virtual */
    int64_t patience_ms;
    /* how much time may pass between two calls unasked: 0 where time is virtual */
    int64_t slack_ms;
} store_subject;

/* Runs all tests; returns the number of those that failed. */
int store_suite_run(const store_subject *subject);

#endif
