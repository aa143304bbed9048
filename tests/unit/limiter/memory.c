/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The store suite on the store in memory.
 */
#include "limiter/store.h"
#include "support/store_suite.h"

#include <emqxtls/test.h>

static void advance(void *context, int64_t ms)
{
    emqx_tls_test_clock_advance(context, ms);
}

static emqx_tls_code open_memory(void *context, const emqx_tls_limiter_config *config,
                                 emqx_tls_store *store)
{
    emqx_tls_limiter_config with_clock = *config;
    emqxi_settings settings;
    with_clock.clock = emqx_tls_test_clock_vtable(context);
    emqx_tls_code code = emqxi_settings_take(&settings, &with_clock, 0, NULL);
    return code == EMQX_TLS_OK ? emqxi_memory_open(store, &settings, NULL, NULL) : code;
}

static int run(const char *name, int64_t origin_ms)
{
    emqx_tls_test_clock *clock = emqx_tls_test_clock_new(origin_ms, 0);
    const store_subject memory = {.name = name,
                                  .context = clock,
                                  .open = open_memory,
                                  .advance = advance,
                                  .window_ms = 3600000,
                                  .patience_ms = INT64_MAX};
    int failed = store_suite_run(&memory);
    emqx_tls_test_clock_free(clock);
    return failed;
}

/* A clock's origin is its own business. */
int main(void)
{
    return run("store in memory", 1000) +
           run("store in memory, on a clock before zero", -((int64_t)1 << 40));
}
