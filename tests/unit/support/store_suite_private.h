/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the files of the store suite share.
 */
#ifndef STORE_SUITE_PRIVATE_H
#define STORE_SUITE_PRIVATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store_suite.h"

#define READS   7
#define WRITES  4
#define LEASE   2000  /* ms */
#define STRAY   60000 /* ms: a request that was given up may still arrive for so long */
#define SECONDS 1000

typedef struct rig {
    const store_subject *subject;
    emqx_tls_store store;
    int64_t window, held; /* W and W' */
} rig;

/* A store with READS and WRITES. */
void rig_open(rig *b, void **state, uint32_t flags);
void rig_close(rig *b);

/* Skips the test where the store's time is real and so long a wait is too long. */
void rig_needs(rig *b, int64_t ms);
void rig_pass(const rig *b, int64_t ms);

emqx_tls_grant rig_ask(rig *b, uint32_t op, const char *deployment, uint32_t ahead);
/* Reserves for "d1", and must get it. */
emqx_tls_grant rig_take(rig *b, uint32_t op);
bool rig_free(rig *b, uint32_t op);
void rig_settle(rig *b, const emqx_tls_grant *grant, uint32_t outcome);
void rig_refuse(rig *b, const emqx_tls_grant *grant, int64_t retry_after_ms);
/* Takes a slot and answers it. */
void rig_use(rig *b, uint32_t op);
emqx_tls_quota rig_query(rig *b, uint32_t op);

/* A time that the store tells, which may have shrunk since by what has passed unasked. */
#define assert_ms(told, low, high)                                                                 \
    do {                                                                                           \
        assert_true((told) >= (low)-b.subject->slack_ms);                                          \
        assert_true((told) <= (high));                                                             \
    } while (0)

extern const struct CMUnitTest store_suite_slots[], store_suite_refusals[];
extern const size_t store_suite_slots_count, store_suite_refusals_count;

#endif
