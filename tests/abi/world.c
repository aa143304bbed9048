/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

void world_config(world *w, emqx_tls_config *config)
{
    emqx_tls_config_init(config);
    config->endpoint = "https://host.example/public_api/v1";
    config->api_key = "key";
    config->api_secret = "secret";
    config->flags = EMQX_TLS_SKIP_CHECK;
    config->clock = emqx_tls_test_clock_vtable(w->clock);
    config->transport = emqx_tls_test_transport_vtable(w->script);
}

int world_set_up(void **state)
{
    static world w;
    emqx_tls_config config;
    w.clock = emqx_tls_test_clock_new(1000, 1700000000000);
    w.script = emqx_tls_test_transport_new(w.clock);
    world_config(&w, &config);
    *state = &w;
    return emqx_tls_client_new(&config, &w.client, NULL) == EMQX_TLS_OK ? 0 : -1;
}

int world_tear_down(void **state)
{
    world *w = *state;
    emqx_tls_client_free(w->client);
    emqx_tls_test_transport_free(w->script);
    emqx_tls_test_clock_free(w->clock);
    return 0;
}

void put_size(void *p, size_t size)
{
    uint32_t n = (uint32_t)size;
    memcpy(p, &n, sizeof n);
}

uint32_t get_size(const void *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

void *exactly(size_t n, int fill)
{
    void *p = malloc(n);
    assert_non_null(p);
    return memset(p, fill, n);
}
