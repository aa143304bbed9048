/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The four calls and each documented reply, over HTTPS.
 */
#include "emulator_client.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#define ONE EMQX_TLS_TYPE_ONE_WAY
#define TWO EMQX_TLS_TYPE_TWO_WAY

static void a_certificate_from_create_to_delete(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--pending", "60", "--terminated", "60", NULL});

    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_ABSENT);

    assert_int_equal(create(&f, &material, ONE), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_PENDING);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_PENDING);
    emulator_advance(&f.emulator, 60000);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_RUNNING);
    assert_int_equal(f.status.type, ONE);
    assert_string_equal(f.status.common_name, "broker.test");
    int64_t expire = f.status.expire;

    assert_int_equal(update(&f, &renewed, TWO), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_PENDING);
    assert_int_equal(f.status.type, TWO);
    assert_in_range(f.status.expire - expire, 90 * 86400 - 60, 90 * 86400 + 60);
    emulator_advance(&f.emulator, 60000);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_RUNNING);

    assert_int_equal(delete_it(&f), EMQX_TLS_OK);
    assert_int_equal(f.error.http_status, 204);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_TERMINATED);
    emulator_advance(&f.emulator, 60000);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_ABSENT);

    assert_int_equal(emulator_carried_out(&f.emulator, ID), 3);
    assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 9);
    fixture_end(&f);
}

/* SHA-256 of a certificate and its client CA, as the emulator's log has it. */
static void hash(const char *cert, const char *cacert, char hex[65])
{
    unsigned char bytes[32];
    char both[16384];
    snprintf(both, sizeof both, "%s%s", cert, cacert);
    EVP_Digest(both, strlen(both), bytes, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static void what_arrives_is_the_certificate_that_was_given(void **state)
{
    (void)state;
    fixture f;
    char one_way[65], two_way[65];
    fixture_start(&f, NULL);
    hash(material.cert, "", one_way);
    hash(renewed.cert, renewed.cacert, two_way);
    assert_int_equal(create(&f, &material, ONE), EMQX_TLS_OK);
    assert_int_equal(update(&f, &renewed, TWO), EMQX_TLS_OK);
    json_t *log = emulator_log(&f.emulator);
    assert_string_equal(json_string_value(json_object_get(json_array_get(log, 0), "sha256")),
                        one_way);
    assert_string_equal(json_string_value(json_object_get(json_array_get(log, 1), "sha256")),
                        two_way);
    json_decref(log);
    fixture_end(&f);
}

static void reads_share_a_connection_and_writes_have_their_own(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--pending", "0", NULL});
    get(&f);
    get(&f);
    create(&f, &material, ONE);
    get(&f);
    json_t *log = emulator_log(&f.emulator);
    int connection[4];
    assert_int_equal(json_array_size(log), 4);
    for (size_t i = 0; i < 4; i++)
        connection[i] =
            (int)json_integer_value(json_object_get(json_array_get(log, i), "connection"));
    assert_int_equal(connection[1], connection[0]);
    assert_int_not_equal(connection[2], connection[0]);
    assert_int_equal(connection[3], connection[0]);
    json_decref(log);
    fixture_end(&f);
}

static void absent_may_be_404(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--absent", "404", NULL});
    assert_int_equal(get(&f), EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(f.error.http_status, 404);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
    fixture_end(&f);
}

static void wrong_login_is_unauthorized_and_not_repeated(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    emqx_tls_config config = fixture_config(&f);
    config.api_secret = "wrong";
    fixture_client(&f, &config);
    assert_int_equal(get(&f), EMQX_TLS_E_UNAUTHORIZED);
    assert_string_equal(f.error.api_code, "UNAUTHORIZED");
    assert_int_equal(create(&f, &material, ONE), EMQX_TLS_E_UNAUTHORIZED);
    assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 2);
    fixture_end(&f);
}

static void forbidden_and_unknown_deployments(void **state)
{
    (void)state;
    fixture f;
    fixture_start(
        &f, (const char *[]){"--deployments", "here,test-*", "--forbidden", "test-closed", NULL});
    assert_int_equal(emqx_tls_get(f.client, "test-open", &f.status, &f.error), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_get(f.client, "test-closed", &f.status, &f.error),
                     EMQX_TLS_E_FORBIDDEN);
    assert_int_equal(f.error.http_status, 403);
    assert_int_equal(emqx_tls_get(f.client, "elsewhere", &f.status, &f.error),
                     EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(emqx_tls_delete(f.client, "elsewhere", &f.error), EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 4);
    fixture_end(&f);
}

static void writes_that_do_not_fit_the_state_are_told(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--pending", "0", "--terminated", "60", NULL});
    assert_int_equal(update(&f, &material, ONE), EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(delete_it(&f), EMQX_TLS_E_NOT_FOUND);
    assert_int_equal(create(&f, &material, ONE), EMQX_TLS_OK);
    assert_int_equal(create(&f, &renewed, ONE), EMQX_TLS_E_UNPROCESSABLE);
    assert_string_equal(f.error.api_code, "EXISTS");
    assert_int_equal(delete_it(&f), EMQX_TLS_OK);
    assert_int_equal(create(&f, &renewed, ONE), EMQX_TLS_E_UNPROCESSABLE);
    assert_string_equal(f.error.api_code, "TERMINATING");
    assert_int_equal(emulator_carried_out(&f.emulator, ID), 2);
    fixture_end(&f);
}

static void what_the_platform_refuses_is_unprocessable(void **state)
{
    (void)state;
    fixture f;
    test_material mixed = {material.cert, renewed.key, material.cacert};
    fixture_start(&f, NULL);
    emqx_tls_config config = fixture_config(&f);
    config.flags |= EMQX_TLS_SKIP_CHECK; /* so that it is sent at all */
    fixture_client(&f, &config);
    assert_int_equal(create(&f, &mixed, ONE), EMQX_TLS_E_UNPROCESSABLE);
    assert_int_equal(f.error.http_status, 422);
    assert_string_equal(f.error.api_code, "KEY_MISMATCH");
    assert_int_equal(f.error.attempts, 1);
    assert_int_equal(emulator_arrivals(&f.emulator, "POST", ID), 1);
    fixture_end(&f);
}

static void failed_and_unknown_states_are_told(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--pending", "1", "--outcome", "failed", NULL});
    create(&f, &material, ONE);
    emulator_advance(&f.emulator, 1000);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_FAILED);
    emulator_set_status(&f.emulator, ID, "upgrading");
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_OTHER);
    assert_string_equal(f.status.state_text, "upgrading");
    fixture_end(&f);
}

static void expire_may_be_a_bare_date(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--pending", "0", "--expire-format", "date", NULL});
    assert_int_equal(create(&f, &material, ONE), EMQX_TLS_OK);
    assert_int_equal(strlen(f.status.expire_text), strlen("2030-01-01"));
    assert_int_equal(f.status.expire % 86400, 0);
    fixture_end(&f);
}

static void the_platforms_429_is_told_with_its_time(void **state)
{
    (void)state;
    for (int date = 0; date < 2; date++) {
        fixture f;
        fixture_start(
            &f, (const char *[]){"--reads", "1", "--retry-after", date ? "date" : "seconds", NULL});
        assert_int_equal(get(&f), EMQX_TLS_OK);
        assert_int_equal(get(&f), EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(f.error.http_status, 429);
        assert_true(f.error.retry_after_ms > 3500 * 1000 && f.error.retry_after_ms <= 4000 * 1000);
        assert_int_equal(get(&f), EMQX_TLS_E_RATE_LIMITED); /* shut: it does not leave */
        assert_int_equal(f.error.http_status, 0);
        assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 2);
        fixture_end(&f);
    }
}

static void plain_http_on_loopback_with_the_flag(void **state)
{
    (void)state;
    fixture f;
    emqx_tls_client *refused;
    fixture_start(&f, (const char *[]){"--http", NULL});
    assert_int_equal(get(&f), EMQX_TLS_OK);
    emqx_tls_config config = fixture_config(&f);
    config.flags = 0;
    assert_int_equal(emqx_tls_client_new(&config, &refused, &f.error), EMQX_TLS_E_INVALID);
    fixture_end(&f);
}

static void the_endpoints_path_is_kept(void **state)
{
    (void)state;
    fixture f;
    char endpoint[300];
    fixture_start(&f, (const char *[]){"--base-path", "/a/b", NULL});
    assert_int_equal(get(&f), EMQX_TLS_OK);
    snprintf(endpoint, sizeof endpoint, "%s/", f.emulator.endpoint);
    emqx_tls_config config = fixture_config(&f);
    config.endpoint = endpoint;
    fixture_client(&f, &config);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 2);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_from_create_to_delete),
        cmocka_unit_test(what_arrives_is_the_certificate_that_was_given),
        cmocka_unit_test(reads_share_a_connection_and_writes_have_their_own),
        cmocka_unit_test(absent_may_be_404),
        cmocka_unit_test(wrong_login_is_unauthorized_and_not_repeated),
        cmocka_unit_test(forbidden_and_unknown_deployments),
        cmocka_unit_test(writes_that_do_not_fit_the_state_are_told),
        cmocka_unit_test(what_the_platform_refuses_is_unprocessable),
        cmocka_unit_test(failed_and_unknown_states_are_told),
        cmocka_unit_test(expire_may_be_a_bare_date),
        cmocka_unit_test(the_platforms_429_is_told_with_its_time),
        cmocka_unit_test(plain_http_on_loopback_with_the_flag),
        cmocka_unit_test(the_endpoints_path_is_kept),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
