/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the library tells of itself: version, features, names, sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>

static void the_version_is_that_of_its_header(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", EMQX_TLS_VERSION_MAJOR, EMQX_TLS_VERSION_MINOR,
             EMQX_TLS_VERSION_PATCH);
    assert_string_equal(emqx_tls_version(), text);
    assert_int_equal(emqx_tls_version_number(), EMQX_TLS_VERSION_NUMBER);
}

#if !EMQX_TLS_VERSION_AT_LEAST(0, 1, 0) || EMQX_TLS_VERSION_AT_LEAST(200, 0, 0)
#error "the preprocessor compares versions wrongly"
#endif

static void versions_are_compared_part_by_part(void **state)
{
    (void)state;
    assert_true(EMQX_TLS_VERSION_MAKE(0, 1, 255) < EMQX_TLS_VERSION_MAKE(0, 2, 0));
    assert_true(EMQX_TLS_VERSION_MAKE(0, 255, 255) < EMQX_TLS_VERSION_MAKE(1, 0, 0));
    assert_int_equal(EMQX_TLS_VERSION_MAKE(1, 2, 3), 0x010203);
    assert_true(EMQX_TLS_VERSION_AT_LEAST(EMQX_TLS_VERSION_MAJOR, EMQX_TLS_VERSION_MINOR,
                                          EMQX_TLS_VERSION_PATCH));
    assert_false(EMQX_TLS_VERSION_AT_LEAST(EMQX_TLS_VERSION_MAJOR, EMQX_TLS_VERSION_MINOR,
                                           EMQX_TLS_VERSION_PATCH + 1));
}

/* A feature that is told is there, one that is not told says so. */
static void features_are_what_the_calls_do(void **state)
{
    (void)state;
    emqx_tls_probe_result result;
    emqx_tls_probe_result_init(&result);
    uint32_t features = emqx_tls_features();
    assert_int_equal(features, FEATURES);
    assert_int_equal(emqx_tls_probe("127.0.0.1", 1, NULL, NULL, 5000, &result, NULL),
                     features & EMQX_TLS_HAS_PROBE ? EMQX_TLS_E_TRANSPORT : EMQX_TLS_E_INVALID);
}

static const char *opened(uint32_t feature, emqx_tls_code code, const emqx_tls_error *error)
{
    if (code != (emqx_tls_features() & feature ? EMQX_TLS_OK : EMQX_TLS_E_INVALID))
        return error->message;
    return code == EMQX_TLS_OK || strstr(error->message, "this build") ? NULL : error->message;
}

static void a_part_that_was_left_out_says_so(void **state)
{
    (void)state;
    emqx_tls_error error;
    emqx_tls_client *client;
    emqx_tls_limiter *limiter;
    char folder[] = "/tmp/emqxtls-describe-XXXXXX", path[64];
    emqx_tls_error_init(&error);

    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = "https://127.0.0.1:1/a";
    config.api_key = config.api_secret = "a";
    emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
    assert_null(opened(EMQX_TLS_HAS_CURL, code, &error));
    emqx_tls_client_free(client);

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/quota", folder);
    code = emqx_tls_limiter_open_file(path, NULL, &limiter, &error);
    assert_null(opened(EMQX_TLS_HAS_FILE_STORE, code, &error));
    emqx_tls_limiter_unref(limiter);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);

    /* without a client both are INVALID */
    if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION)) {
        code = emqx_tls_remove(NULL, "d1", 0, &error);
        assert_null(opened(EMQX_TLS_HAS_PROVISION, code, &error));
    }
}

static void every_value_has_its_name_and_no_other_is_null(void **state)
{
    (void)state;
    static const struct {
        const char *(*name)(uint32_t);
        const char *names[8];
    } rows[] = {
        {emqx_tls_state_name,
         {"unknown", "absent", "pending", "running", "failed", "terminated", "other"}},
        {emqx_tls_type_name, {"unknown", "one-way", "two-way"}},
        {emqx_tls_action_name, {"none", "unchanged", "created", "updated"}},
        {emqx_tls_delivery_name, {"maybe", "not-sent", "answered"}},
        {emqx_tls_severity_name, {"off", "warn", "refuse"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t value = 0;
        for (; rows[i].names[value]; value++)
            assert_string_equal(rows[i].name(value), rows[i].names[value]);
        assert_string_equal(rows[i].name(value), "unknown");
        assert_string_equal(rows[i].name(UINT32_MAX), "unknown");
    }
}

static void every_code_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "OK",      "INVALID",   "NO_MEMORY",    "CHECK",     "RATE_LIMITED", "TRANSPORT",
        "TIMEOUT", "CANCELLED", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND",    "UNPROCESSABLE",
        "HTTP",    "PROTOCOL",  "STORE",        "FAILED",
    };
    for (int32_t code = 0; code < 16; code++)
        assert_string_equal(emqx_tls_code_name(code), names[code]);
    assert_string_equal(emqx_tls_code_name(16), "UNKNOWN");
    assert_string_equal(emqx_tls_code_name(-1), "UNKNOWN");
    assert_string_equal(emqx_tls_code_name(INT32_MIN), "UNKNOWN");
}

static void sizes_are_told_by_name(void **state)
{
    (void)state;
    assert_int_equal(emqx_tls_struct_size("config"), sizeof(emqx_tls_config));
    assert_int_equal(emqx_tls_struct_size("emqx_tls_error"), sizeof(emqx_tls_error));
    assert_int_equal(emqx_tls_struct_size("client"), 0);
    assert_int_equal(emqx_tls_struct_size("emqx_tls_"), 0);
    assert_int_equal(emqx_tls_struct_size(""), 0);
    assert_int_equal(emqx_tls_struct_size(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_its_header),
        cmocka_unit_test(versions_are_compared_part_by_part),
        cmocka_unit_test(features_are_what_the_calls_do),
        cmocka_unit_test(a_part_that_was_left_out_says_so),
        cmocka_unit_test(every_value_has_its_name_and_no_other_is_null),
        cmocka_unit_test(every_code_has_its_name),
        cmocka_unit_test(sizes_are_told_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
