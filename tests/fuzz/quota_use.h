/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * quota_use - a quota store of the library in use, as a story tells: slots are taken and settled,
 * time goes on. Whatever is behind the store, it gives no slot too many, and what it tells is
 * plausible.
 */
#ifndef QUOTA_USE_H
#define QUOTA_USE_H

#include "fuzz.h"

#include "limiter/store.h"
#include <emqxtls/test.h>

enum { USE_READS = 4, USE_WRITES = 2, USE_SLOTS = 64 };
#define USE_WINDOW_MS 3600000
#define USE_DAY_MS    86400000
#define WALL_MS       INT64_C(1700000000000) /* when a story begins */

typedef struct quota_use {
    emqx_tls_test_clock *clock;
    emqx_tls_test_allocator *allocator;
    emqx_tls_limiter_config config;
    emqx_tls_store store;
    bool open;
    const char *where;  /* what a message must name; NULL: nothing */
    const char *secret; /* and must not; NULL: nothing */
    int64_t passed_ms;  /* time that has passed in truth, whatever the clock tells */
    struct {
        uint64_t ticket[EMQX_TLS_TICKET_WORDS];
        uint32_t op;
        int64_t taken_ms;
        bool in_flight;
    } slots[USE_SLOTS];
    size_t count;
} quota_use;

/* Sets up the clock, the allocator and, by a digit, the configuration. */
void quota_use_begin(quota_use *u, uint8_t flags);
/* Closes the store. Nothing is left in memory. */
void quota_use_end(quota_use *u);
void quota_use_close(quota_use *u);

/* How a call of the store ended: OK, or with a code and a message that can be. */
void quota_use_ended(const quota_use *u, emqx_tls_code code, const emqx_tls_error *error);

/* Does what a letter means; false: it is none of these.
 *   g c p d   takes a slot for GET, POST, PUT, DELETE
 *   a n l     the oldest in flight is answered, was not sent, is lost
 *   r 0-9     the same is refused; the digit is its Retry-After
 *   q         asks for all quotas
 *   t 0-9     time goes on: 1 ms, 1 s, 20 s, 61 s, 10 min, 1 h, 1 h 3 s, 2 h 10 min, a day, 32 days
 *   m 0-9     the allocation after so many others fails */
bool quota_use_step(quota_use *u, char letter, fuzz_input *in);

#endif
