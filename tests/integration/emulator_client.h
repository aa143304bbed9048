/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the integration tests share: an emulator, a client for it, and material.
 */
#ifndef EMULATOR_CLIENT_H
#define EMULATOR_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>

#include "emulator.h"
#include "material.h"
#include "real_clock.h"

#define ID "ge6a1a75"

typedef struct fixture {
    emulator_run emulator;
    emqx_tls_client *client;
    emqx_tls_limiter *limiter; /* so wide that only the platform's limit is felt */
    emqx_tls_status status;
    emqx_tls_error error;
} fixture;

/* Starts the emulator with these options and makes a client for it. */
void fixture_start(fixture *f, const char *const *options);
/* The same where `material` is in place and runs. */
void fixture_start_with_certificate(fixture *f);
void fixture_end(fixture *f);

/* Another client, made from this after what is to be different was changed. Its deadlines are such
 * that no call meets one. */
emqx_tls_config fixture_config(fixture *f);
void fixture_client(fixture *f, const emqx_tls_config *config);
/* Another limiter, for the clients that follow; 0 stands for the default. */
void fixture_limit(fixture *f, uint32_t reads, uint32_t writes, uint64_t window_ms);
uint32_t fixture_used(const fixture *f, uint32_t op);

/* For broker.test, for 90 days and for 180: a group's set-up and tear-down make and free them. */
extern test_material material, renewed;
int make_material(void **state);
int free_material(void **state);
/* A request that borrows it: one-way, or two-way with the CA as client CA. */
emqx_tls_request material_request(const test_material *m, uint32_t type);

emqx_tls_code get(fixture *f);
emqx_tls_code create(fixture *f, const test_material *m, uint32_t type);
emqx_tls_code update(fixture *f, const test_material *m, uint32_t type);
emqx_tls_code put(fixture *f); /* updates with `material`, one-way */
emqx_tls_code delete_it(fixture *f);

#endif
