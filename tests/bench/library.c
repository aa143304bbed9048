/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * This library as a user calls it, but for the quota's clock, without which a benchmark would wait
 * for an hour.
 */
#include "bench.h"

#include <stdlib.h>

typedef struct user {
    const target *target;
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_error error;
} user;

static user *open_with(const target *t, uint32_t flags)
{
    user *u = calloc(1, sizeof *u);
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = t->endpoint;
    config.api_key = BENCH_KEY;
    config.api_secret = BENCH_SECRET;
    config.ca_file = *t->ca_file ? t->ca_file : NULL;
    config.flags = flags;
    config.allocator = bench_own();
    config.limiter = bench_limiter(0, 60, 61000, bench_own());
    u->target = t;
    emqx_tls_status_init(&u->status);
    emqx_tls_error_init(&u->error);
    if (emqx_tls_client_new(&config, &u->client, &u->error) != EMQX_TLS_OK)
        bench_fail("client: %s", u->error.message);
    emqx_tls_limiter_unref(config.limiter);
    return u;
}

static void *open_client(const target *t)
{
    return open_with(t, 0);
}

static void *open_unsure(const target *t)
{
    return open_with(t, EMQX_TLS_SKIP_CHECK);
}

static void get(void *self, const char *deployment)
{
    user *u = self;
    if (emqx_tls_get(u->client, deployment, &u->status, &u->error) != EMQX_TLS_OK)
        bench_fail("get: %s", u->error.message);
}

static void put(void *self, const char *deployment)
{
    user *u = self;
    if (emqx_tls_update(u->client, deployment, u->target->body, &u->status, &u->error) !=
        EMQX_TLS_OK)
        bench_fail("update: %s", u->error.message);
}

static void close_client(void *self)
{
    user *u = self;
    emqx_tls_client_free(u->client);
    free(u);
}

const subject library = {
    .name = "library", .open = open_client, .get = get, .put = put, .close = close_client};
const subject library_unsure = {.name = "library, no check",
                                .open = open_unsure,
                                .get = get,
                                .put = put,
                                .close = close_client};
