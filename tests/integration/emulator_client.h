/* SPDX-License-Identifier: MIT
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

#define ID "ge6a1a75"

typedef struct fixture {
    emulator_run emulator;
    emqx_tls_client *client;
    emqx_tls_limiter *limiter; /* so wide that only the platform's limit is felt */
    emqx_tls_status status;
    emqx_tls_error error;
} fixture;

static inline emqx_tls_config fixture_config(fixture *f)
{
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = f->emulator.endpoint;
    config.api_key = EMULATOR_KEY;
    config.api_secret = EMULATOR_SECRET;
    config.ca_file = f->emulator.ca_file[0] ? f->emulator.ca_file : NULL;
    config.flags = f->emulator.ca_file[0] ? 0 : EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    config.proxy = "";
    config.limiter = f->limiter;
    return config;
}

static inline void fixture_client(fixture *f, const emqx_tls_config *config)
{
    emqx_tls_client_free(f->client);
    if (emqx_tls_client_new(config, &f->client, &f->error) != EMQX_TLS_OK)
        fail_msg("%s", f->error.message);
}

/* Starts the emulator with these options and makes a client for it. */
static inline void fixture_start(fixture *f, const char *const *options)
{
    emqx_tls_limiter_config wide;
    memset(f, 0, sizeof *f);
    emqx_tls_error_init(&f->error);
    emqx_tls_status_init(&f->status);
    emulator_start(&f->emulator, options);
    emqx_tls_limiter_config_init(&wide);
    wide.reads = wide.writes = 10000;
    assert_int_equal(emqx_tls_limiter_new(&wide, &f->limiter, NULL), EMQX_TLS_OK);
    emqx_tls_config config = fixture_config(f);
    fixture_client(f, &config);
}

static inline void fixture_end(fixture *f)
{
    emqx_tls_client_free(f->client);
    emqx_tls_limiter_unref(f->limiter);
    emulator_end(&f->emulator);
}

static inline emqx_tls_code get(fixture *f)
{
    return emqx_tls_get(f->client, ID, &f->status, &f->error);
}

static inline emqx_tls_code create(fixture *f, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    return emqx_tls_create(f->client, ID, &request, &f->status, &f->error);
}

static inline emqx_tls_code update(fixture *f, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    return emqx_tls_update(f->client, ID, &request, &f->status, &f->error);
}

static inline emqx_tls_code delete_it(fixture *f)
{
    return emqx_tls_delete(f->client, ID, &f->error);
}

#endif
