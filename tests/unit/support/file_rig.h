/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file_rig - what the tests of the quota file share: a folder of its own for each test, a virtual
 * clock, and a machine that is played.
 */
#ifndef FILE_RIG_H
#define FILE_RIG_H

#include "limiter_use.h"

#include <emqxtls/test.h>

#include "limiter/file.h"
#include "played_host.h"

extern emqx_tls_test_clock *timer; /* up for a day */
extern char folder[64], path[128];

int file_rig_set_up(void **state);
int file_rig_tear_down(void **state);
#define file_test(f) cmocka_unit_test_setup_teardown(f, file_rig_set_up, file_rig_tear_down)

/* Opens the file as a process of this machine does, with the test's clock. NULL config: the
 * defaults. */
emqx_tls_limiter *file_open(const emqx_tls_limiter_config *config);
emqx_tls_code file_try_open(const emqx_tls_limiter_config *config, emqx_tls_limiter **limiter,
                            emqx_tls_error *error);

/* The same for one call, as a short process does. */
void file_use(uint32_t op);
uint32_t file_used(uint32_t op);
int64_t file_next(uint32_t op);

/* The defaults with the test's clock. */
emqx_tls_limiter_config defaults(void);

void make_file(void);

/* Opening is refused with STORE, and the message names the path and `why`. */
void assert_refused(const emqx_tls_limiter_config *config, const char *why);

size_t file_contents(char *data, size_t size);

#endif
