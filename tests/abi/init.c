/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The two ways to set up a struct, the inline one of C and the exported one of bindings, in the
 * shipped library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>

/* One function type for the table; the wrappers take a pointer to anything. */
#define WRAP(X)                                                                                    \
    static void inline_##X(void *p)                                                                \
    {                                                                                              \
        emqx_tls_##X##_init(p);                                                                    \
    }                                                                                              \
    static void exported_##X(void *p, size_t size)                                                 \
    {                                                                                              \
        emqx_tls_##X##_init_size(p, size);                                                         \
    }
#define EACH(DO)                                                                                   \
    DO(error)                                                                                      \
    DO(clock)                                                                                      \
    DO(allocator)                                                                                  \
    DO(request)                                                                                    \
    DO(status)                                                                                     \
    DO(transport)                                                                                  \
    DO(limiter_config)                                                                             \
    DO(quota)                                                                                      \
    DO(store)                                                                                      \
    DO(config)                                                                                     \
    DO(ensure_options)                                                                             \
    DO(ensure_result)                                                                              \
    DO(probe_result)                                                                               \
    DO(policy)                                                                                     \
    DO(finding)
#define ROW(X) {#X, sizeof(struct emqx_tls_##X), inline_##X, exported_##X},

EACH(WRAP)

static const struct row {
    const char *name;
    size_t size;
    void (*in_line)(void *);
    void (*exported)(void *, size_t);
} rows[] = {EACH(ROW)};

#define COUNT (sizeof rows / sizeof rows[0])

static uint32_t size_of(const void *p)
{
    uint32_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

static void *filled(size_t n)
{
    void *p = malloc(n);
    assert_non_null(p);
    return memset(p, 0xEE, n);
}

static void both_ways_give_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        void *a = filled(rows[i].size), *b = filled(rows[i].size);
        rows[i].in_line(a);
        rows[i].exported(b, rows[i].size);
        assert_int_equal(size_of(a), rows[i].size);
        if (memcmp(a, b, rows[i].size) != 0)
            fail_msg("%s", rows[i].name);
        free(a);
        free(b);
    }
}

static void a_newer_callers_tail_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = rows[i].size + 40;
        unsigned char *own = filled(rows[i].size), *newer = filled(size);
        rows[i].in_line(own);
        rows[i].exported(newer, size);
        assert_int_equal(size_of(newer), size);
        assert_memory_equal(newer + 4, own + 4, rows[i].size - 4);
        for (size_t at = rows[i].size; at < size; at++)
            if (newer[at] != 0)
                fail_msg("%s at %zu", rows[i].name, at);
        free(own);
        free(newer);
    }
}

static void nothing_behind_a_smaller_struct_is_touched(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t size = 0; size < rows[i].size; size++) {
            unsigned char *p = filled(rows[i].size);
            rows[i].exported(p, size);
            for (size_t at = size; at < rows[i].size; at++)
                if (p[at] != 0xEE)
                    fail_msg("%s of %zu bytes at %zu", rows[i].name, size, at);
            free(p);
        }
    }
}

static void null_and_sizes_that_cannot_be_do_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        unsigned char *p = filled(rows[i].size);
        rows[i].exported(NULL, rows[i].size);
        rows[i].exported(p, 4097);
        rows[i].exported(p, SIZE_MAX);
        for (size_t at = 0; at < rows[i].size; at++)
            if (p[at] != 0xEE)
                fail_msg("%s at %zu", rows[i].name, at);
        free(p);
    }
}

static void defaults_are_the_documented_ones(void **state)
{
    (void)state;
    emqx_tls_config config;
    emqx_tls_limiter_config limiter;
    emqx_tls_ensure_options options;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_config_init(&config);
    assert_int_equal(config.connect_timeout_ms, 10000);
    assert_int_equal(config.timeout_ms, 30000);
    assert_int_equal(config.quota_wait_ms, 0);
    emqx_tls_limiter_config_init(&limiter);
    assert_int_equal(limiter.reads, 60);
    assert_int_equal(limiter.writes, 6);
    assert_int_equal(limiter.window_ms, 3600000);
    emqx_tls_ensure_options_init(&options);
    assert_int_equal(options.probe_port, 8883);
    assert_int_equal(options.wait_ms, 0);
    emqx_tls_policy policy;
    emqx_tls_policy_init(&policy);
    assert_int_equal(policy.min_days_left, 60);
    assert_int_equal(policy.algorithm, EMQX_TLS_REFUSE);
    assert_int_equal(policy.root_included, EMQX_TLS_WARN);
    emqx_tls_status_init(&status);
    assert_true(status.expire == INT64_MIN);
    emqx_tls_error_init(&error);
    assert_int_equal(error.retry_after_ms, -1);
    assert_int_equal(error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_give_the_same),
        cmocka_unit_test(a_newer_callers_tail_is_zero),
        cmocka_unit_test(nothing_behind_a_smaller_struct_is_touched),
        cmocka_unit_test(null_and_sizes_that_cannot_be_do_nothing),
        cmocka_unit_test(defaults_are_the_documented_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
