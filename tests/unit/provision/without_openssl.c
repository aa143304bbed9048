/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Provisioning in a build without OpenSSL: what needs it says so, and nothing is written over what
 * can't be compared.
 */
#include "support/scripted_client.h"

static emqx_tls_code ensure(fixture *f, const emqx_tls_ensure_options *options)
{
    return emqx_tls_ensure(f->client, "d1", &f->request, options, NULL, &f->status, &f->error);
}

static void receipts_and_probe_are_refused(void **state)
{
    fixture *f = *state;
    emqx_tls_ensure_options options;
    open_client(f);
    emqx_tls_ensure_options_init(&options);
    options.receipt_dir = "/tmp";
    assert_int_equal(ensure(f, &options), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(f->error.message, "OpenSSL"));
    emqx_tls_ensure_options_init(&options);
    options.probe_host = "127.0.0.1";
    assert_int_equal(ensure(f, &options), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("127.0.0.1", 8883, NULL, &f->request, 1000, NULL, &f->error),
                     EMQX_TLS_E_INVALID);
    assert_non_null(strstr(f->error.message, "OpenSSL"));
    assert_int_equal(emqx_tls_wait(f->client, "d1", &f->request, 1000, NULL, &f->error),
                     EMQX_TLS_E_INVALID);
    assert_non_null(strstr(f->error.message, "OpenSSL"));
}

static void only_force_writes_over_what_runs(void **state)
{
    fixture *f = *state;
    emqx_tls_ensure_options options;
    open_client(f);
    emqx_tls_ensure_options_init(&options);
    expect_answer(f, "GET", 200, "{}");
    expect_answer(f, "POST", 200, "{\"status\":\"pending\"}");
    assert_int_equal(ensure(f, &options), EMQX_TLS_OK);
    expect_answer(f, "GET", 200, "{\"status\":\"running\"}");
    assert_int_equal(ensure(f, &options), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(f->error.message, "FORCE"));
    options.flags = EMQX_TLS_FORCE;
    expect_answer(f, "GET", 200, "{\"status\":\"running\"}");
    expect_answer(f, "PUT", 200, "{\"status\":\"pending\"}");
    assert_int_equal(ensure(f, &options), EMQX_TLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(receipts_and_probe_are_refused),
        TEST(only_force_writes_over_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
