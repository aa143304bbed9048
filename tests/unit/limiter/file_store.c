/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The store suite on the store in a file.
 */
#include "folder.h"
#include "limiter/file.h"
#include "support/store_suite.h"

#include <emqxtls/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[FOLDER_SIZE];
static char path[FOLDER_SIZE + 8];

static void advance(void *context, int64_t ms)
{
    emqx_tls_test_clock_advance(context, ms);
}

static emqx_tls_code open_file(void *context, const emqx_tls_limiter_config *config,
                               emqx_tls_store *store)
{
    emqx_tls_limiter_config with_clock = *config;
    emqxi_settings settings;
    with_clock.clock = emqx_tls_test_clock_vtable(context);
    unlink(path);
    return emqxi_file_open(path, &with_clock, NULL, store, &settings, NULL);
}

static int run(const char *name, int64_t origin_ms)
{
    emqx_tls_test_clock *clock = emqx_tls_test_clock_new(origin_ms, 0);
    const store_subject file = {.name = name,
                                .context = clock,
                                .open = open_file,
                                .advance = advance,
                                .window_ms = 3600000,
                                .patience_ms = INT64_MAX};
    int failed = store_suite_run(&file);
    emqx_tls_test_clock_free(clock);
    return failed;
}

int main(void)
{
    if (!folder_make_in_memory(folder, "store"))
        return 1;
    snprintf(path, sizeof path, "%s/quota", folder);
    int failed = run("store in a file", 1000) +
                 run("store in a file, on a clock before zero", -((int64_t)1 << 40));
    unlink(path);
    return rmdir(folder) == 0 ? failed : 1;
}
