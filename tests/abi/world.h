/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the simulated callers need: a client of the shipped library on a scripted transport, and
 * memory of exact length, so that ASan and valgrind see every byte too many.
 */
#ifndef EMQXTLS_ABI_WORLD_H
#define EMQXTLS_ABI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>
#include <emqxtls/test.h>

typedef struct world {
    emqx_tls_test_clock *clock;
    emqx_tls_test_transport *script;
    emqx_tls_client *client;
} world;

void world_config(world *w, emqx_tls_config *config);
int world_set_up(void **state);
int world_tear_down(void **state);

/* Of a struct of whatever size: its first member. */
void put_size(void *p, size_t size);
uint32_t get_size(const void *p);

/* n bytes of that value, to be freed. */
void *exactly(size_t n, int fill);

#endif
