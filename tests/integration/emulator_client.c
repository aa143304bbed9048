/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "emulator_client.h"

test_material material, renewed;

int make_material(void **state)
{
    (void)state;
    material_make(&material, "broker.test", 90);
    material_make(&renewed, "broker.test", 180);
    return 0;
}

int free_material(void **state)
{
    (void)state;
    material_free(&material);
    material_free(&renewed);
    return 0;
}

emqx_tls_request material_request(const test_material *m, uint32_t type)
{
    emqx_tls_request r;
    emqx_tls_request_init(&r);
    r.type = type;
    r.cert = m->cert;
    r.cert_len = strlen(m->cert);
    r.key = m->key;
    r.key_len = strlen(m->key);
    if (type == EMQX_TLS_TYPE_TWO_WAY) {
        r.cacert = m->cacert;
        r.cacert_len = strlen(m->cacert);
    }
    return r;
}

emqx_tls_config fixture_config(fixture *f)
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
    config.connect_timeout_ms = config.timeout_ms = 10 * PATIENCE_MS;
    return config;
}

void fixture_client(fixture *f, const emqx_tls_config *config)
{
    emqx_tls_client_free(f->client);
    if (emqx_tls_client_new(config, &f->client, &f->error) != EMQX_TLS_OK)
        fail_msg("%s", f->error.message);
}

void fixture_limit(fixture *f, uint32_t reads, uint32_t writes, uint64_t window_ms)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    if (reads)
        config.reads = reads;
    if (writes)
        config.writes = writes;
    if (window_ms)
        config.window_ms = window_ms;
    emqx_tls_limiter_unref(f->limiter);
    assert_int_equal(emqx_tls_limiter_new(&config, &f->limiter, NULL), EMQX_TLS_OK);
}

uint32_t fixture_used(const fixture *f, uint32_t op)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(f->limiter, op, ID, &quota, NULL), EMQX_TLS_OK);
    return quota.used;
}

void fixture_start(fixture *f, const char *const *options)
{
    memset(f, 0, sizeof *f);
    emqx_tls_error_init(&f->error);
    emqx_tls_status_init(&f->status);
    emulator_start(&f->emulator, options);
    fixture_limit(f, 10000, 10000, 0);
    emqx_tls_config config = fixture_config(f);
    fixture_client(f, &config);
}

void fixture_start_with_certificate(fixture *f)
{
    fixture_start(f, (const char *[]){"--pending", "0", NULL});
    assert_int_equal(create(f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_OK);
}

void fixture_end(fixture *f)
{
    emqx_tls_client_free(f->client);
    emqx_tls_limiter_unref(f->limiter);
    emulator_end(&f->emulator);
}

emqx_tls_code get(fixture *f)
{
    return emqx_tls_get(f->client, ID, &f->status, &f->error);
}

emqx_tls_code create(fixture *f, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    return emqx_tls_create(f->client, ID, &request, &f->status, &f->error);
}

emqx_tls_code update(fixture *f, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    return emqx_tls_update(f->client, ID, &request, &f->status, &f->error);
}

emqx_tls_code put(fixture *f)
{
    return update(f, &material, EMQX_TLS_TYPE_ONE_WAY);
}

emqx_tls_code delete_it(fixture *f)
{
    return emqx_tls_delete(f->client, ID, &f->error);
}
