/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A client on a scripted transport and a virtual clock, for the tests of call and provision.
 */
#ifndef SCRIPTED_CLIENT_H
#define SCRIPTED_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>
#include <emqxtls/test.h>

#define API_KEY    "the-key"
#define API_SECRET "the-secret-of-the-key"
#define CERT_PEM   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define KEY_PEM    "-----BEGIN PRIVATE KEY-----\nc2VjcmV0IGtleSBieXRlcw==\n-----END PRIVATE KEY-----\n"

typedef struct fixture {
    emqx_tls_test_clock *clock;
    emqx_tls_test_transport *script;
    bool script_may_be_left; /* it need not be used up */
    emqx_tls_test_allocator *allocator;
    emqx_tls_config config; /* change it before open_client */
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_request request;
} fixture;

int client_set_up(void **state);
/* Every test ends with: the script was used up, no secret was left in memory given back, nothing
 * leaked. */
int client_tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, client_set_up, client_tear_down)

void open_client(fixture *f);
emqx_tls_code get(fixture *f); /* of the deployment d1, as the two that follow */
emqx_tls_code update(fixture *f);
emqx_tls_quota quota(fixture *f, uint32_t op);
int64_t now(fixture *f);

/* The script: a step; a request answered with this status and body; so many of them. */
void expect(fixture *f, const emqx_tls_test_step *step);
void expect_answer(fixture *f, const char *method, int32_t status, const char *body);
void expect_many(fixture *f, uint32_t times, const char *method, int32_t status, const char *body);

#endif
