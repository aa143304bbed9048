/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A server that can't prove who it is gets nothing: no login, no key, no quota used.
 */
#include "emulator_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static test_material other;
static char folder[] = "/tmp/emqxtls-tls.XXXXXX";
static char cert_file[64], key_file[64], ca_file[64];

static void write_file(char path[64], const char *name, const char *text)
{
    snprintf(path, 64, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    make_material(state);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    unlink(cert_file);
    unlink(key_file);
    unlink(ca_file);
    rmdir(folder);
    return free_material(state);
}

/* A server with a certificate of its own for `name`, and a client that trusts its CA. */
static void start(fixture *f, const char *name, int days)
{
    material_make(&other, name, days);
    write_file(cert_file, "cert", other.cert);
    write_file(key_file, "key", other.key);
    write_file(ca_file, "ca", other.cacert);
    material_free(&other);
    fixture_start(f, (const char *[]){"--tls-cert", cert_file, "--tls-key", key_file, NULL});
    emqx_tls_config config = fixture_config(f);
    config.flags = 0;
    config.ca_file = ca_file;
    fixture_client(f, &config);
}

static void expect_refusal(fixture *f)
{
    for (int write = 0; write < 2; write++) {
        assert_int_equal(write ? create(f, &material, EMQX_TLS_TYPE_ONE_WAY) : get(f),
                         EMQX_TLS_E_TRANSPORT);
        assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
        assert_int_equal(f->error.attempts, 1); /* it won't get better by itself */
        assert_non_null(strstr(f->error.message, "does not verify"));
        assert_int_equal(fixture_used(f, write ? EMQX_TLS_OP_CREATE : EMQX_TLS_OP_GET), 0);
    }
    assert_int_equal(emulator_count(&f->emulator, "requests"), 0);
    assert_int_equal(emulator_arrivals(&f->emulator, NULL, NULL), 0);
}

static void a_ca_that_is_not_trusted(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    emqx_tls_config config = fixture_config(&f);
    config.ca_file = NULL; /* the system's */
    fixture_client(&f, &config);
    expect_refusal(&f);
    fixture_end(&f);
}

static void a_certificate_for_another_host(void **state)
{
    (void)state;
    fixture f;
    start(&f, "elsewhere.test", 90);
    expect_refusal(&f);
    fixture_end(&f);
}

static void a_certificate_that_has_expired(void **state)
{
    (void)state;
    fixture f;
    start(&f, "localhost", -1);
    expect_refusal(&f);
    fixture_end(&f);
}

static void a_certificate_that_fits_is_taken(void **state)
{
    (void)state;
    fixture f;
    char endpoint[256];
    start(&f, "localhost", 90);
    emqx_tls_config config = fixture_config(&f);
    snprintf(endpoint, sizeof endpoint, "https://localhost:%s",
             strrchr(f.emulator.endpoint, ':') + 1);
    config.flags = 0;
    config.endpoint = endpoint;
    config.ca_file = ca_file;
    fixture_client(&f, &config);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ca_that_is_not_trusted),
        cmocka_unit_test(a_certificate_for_another_host),
        cmocka_unit_test(a_certificate_that_has_expired),
        cmocka_unit_test(a_certificate_that_fits_is_taken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
