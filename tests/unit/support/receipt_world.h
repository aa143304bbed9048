/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure with receipts: what is in the folder, and a process that dies after its write left.
 */
#ifndef RECEIPT_WORLD_H
#define RECEIPT_WORLD_H

#include "provision_world.h"

#include "provision/receipt_file.h"

int receipt_set_up(void **state);
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, receipt_set_up, world_tear_down)

/* As it is now. */
emqxi_receipt receipt(void);
/* The path of the receipt with another ending, such as ".json". */
void path_of(const char *ending, char to[256]);

/* The script: a write, on whose way the intent must be in the folder. */
void write_is(const char *method, int32_t status, const char *body);
/* That look, for a step of the test's own; it keeps what a crash would leave. */
const char *intent_is_written(void *context, const emqx_tls_exchange *x);
/* As if the process had died after that write left. */
void crash(void);
void write_over_old_and_crash(void);

void certainly(uint32_t certain); /* is what the result says */

#endif
