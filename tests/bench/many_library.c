/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "many.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct loop {
    fleet fleet;
    emqx_tls_client *client;
    uint32_t next_name;
    size_t under_way, left;
    void (*each)(void);
    bool closing;
} loop;

static void *open_loop(const fleet *f)
{
    loop *l = calloc(1, sizeof *l);
    emqx_tls_config config;
    emqx_tls_error error;
    emqx_tls_config_init(&config);
    config.endpoint = f->target->endpoint;
    config.api_key = BENCH_KEY;
    config.api_secret = BENCH_SECRET;
    config.ca_file = *f->target->ca_file ? f->target->ca_file : NULL;
    config.connect_timeout_ms = 60000; /* under a profiler 64 handshakes take their time */
    config.timeout_ms = 240000;        /* one exchange gets half of it */
    config.allocator = bench_own();
    config.limiter = bench_limiter(f->flags, f->reads, f->step_ms, NULL);
    l->fleet = *f;
    emqx_tls_error_init(&error);
    if (emqx_tls_client_new(&config, &l->client, &error) != EMQX_TLS_OK)
        bench_fail("client: %s", error.message);
    emqx_tls_limiter_unref(config.limiter);
    return l;
}

static void begin(loop *l);

static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    loop *l = user;
    emqx_tls_status status;
    emqx_tls_error error;
    if (l->closing)
        return;
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    emqx_tls_call_result(call, &status, &error);
    if (code != EMQX_TLS_OK || status.state != EMQX_TLS_STATE_RUNNING)
        bench_fail("a call failed: %s", error.message);
    begin(l);
    l->left -= l->left > 0; /* one turn may end more than are wanted */
    if (l->each)
        l->each();
}

static void begin(loop *l)
{
    char deployment[16];
    emqx_tls_error error;
    snprintf(deployment, sizeof deployment, "g%07u", l->next_name);
    l->next_name = (l->next_name + 1) % l->fleet.names;
    emqx_tls_error_init(&error);
    if (emqx_tls_submit(l->client, EMQX_TLS_OP_GET, deployment, NULL, on_done, l, NULL, &error) !=
        EMQX_TLS_OK)
        bench_fail("submit: %s", error.message);
}

static void run(void *self, size_t calls, void (*each)(void))
{
    loop *l = self;
    l->left = calls;
    l->each = each;
    for (; l->under_way < l->fleet.in_flight; l->under_way++)
        begin(l);
    while (l->left > 0) {
        emqx_tls_error error;
        emqx_tls_error_init(&error);
        if (emqx_tls_client_run(l->client, -1, &error) != EMQX_TLS_OK)
            bench_fail("run: %s", error.message);
    }
}

static void close_loop(void *self)
{
    loop *l = self;
    l->closing = true;
    emqx_tls_client_free(l->client);
    free(l);
}

const crowd crowd_library = {.name = "library", .open = open_loop, .run = run, .close = close_loop};
