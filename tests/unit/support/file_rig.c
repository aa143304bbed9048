/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "file_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "folder.h"

emqx_tls_test_clock *timer;
char folder[64], path[128];

int file_rig_set_up(void **state)
{
    (void)state;
    if (!folder_make_in_memory(folder, "file"))
        return -1;
    snprintf(path, sizeof path, "%s/quota", folder);
    timer = emqx_tls_test_clock_new(24 * HOUR_MS, 1700000000000);
    machine = 1;
    wall_trusted = false;
    return timer ? 0 : -1;
}

/* Nothing but the file itself may be left in the folder. */
int file_rig_tear_down(void **state)
{
    (void)state;
    emqx_tls_test_clock_free(timer);
    unlink(path);
    return rmdir(folder);
}

emqx_tls_code file_try_open(const emqx_tls_limiter_config *config, emqx_tls_limiter **limiter,
                            emqx_tls_error *error)
{
    emqx_tls_store store;
    emqxi_settings settings;
    emqx_tls_limiter_config own;
    emqx_tls_limiter_config_init(&own);
    if (config)
        own = *config;
    own.clock = emqx_tls_test_clock_vtable(timer);
    *limiter = NULL;
    emqx_tls_code code = emqxi_file_open(path, &own, &played_host, &store, &settings, error);
    if (code != EMQX_TLS_OK)
        return code;
    code =
        emqx_tls_limiter_open_store(&store, &settings.clock, &settings.allocator, limiter, error);
    if (code != EMQX_TLS_OK)
        store.destroy(store.context);
    return code;
}

emqx_tls_limiter *file_open(const emqx_tls_limiter_config *config)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    if (file_try_open(config, &limiter, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    return limiter;
}

void file_use(uint32_t op)
{
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, op);
    emqx_tls_limiter_unref(limiter);
}

uint32_t file_used(uint32_t op)
{
    emqx_tls_limiter *limiter = file_open(NULL);
    uint32_t n = used(limiter, op);
    emqx_tls_limiter_unref(limiter);
    return n;
}

int64_t file_next(uint32_t op)
{
    emqx_tls_limiter *limiter = file_open(NULL);
    int64_t ms = next_ms(limiter, op);
    emqx_tls_limiter_unref(limiter);
    return ms;
}

emqx_tls_limiter_config defaults(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.clock = emqx_tls_test_clock_vtable(timer);
    return config;
}

void make_file(void)
{
    emqx_tls_limiter_unref(file_open(NULL));
}

void assert_refused(const emqx_tls_limiter_config *config, const char *why)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(file_try_open(config, &limiter, &error), EMQX_TLS_E_STORE);
    assert_null(limiter);
    if (!strstr(error.message, path) || !strstr(error.message, why))
        fail_msg("\"%s\" does not name the path and \"%s\"", error.message, why);
}

size_t file_contents(char *data, size_t size)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, data, size);
    close(fd);
    assert_true(n > 0 && (size_t)n < size);
    return (size_t)n;
}
