/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota as a user meets it: the platform's own count, kept by the emulator, is never exceeded.
 */
#include "emulator_client.h"

#include <pthread.h>

/* A client with the quota that it has by default. */
static void start(fixture *f)
{
    fixture_start(
        f, (const char *[]){"--pending", "0", "--terminated", "0", "--count-rejected", NULL});
    emqx_tls_config config = fixture_config(f);
    config.limiter = NULL;
    fixture_client(f, &config);
}

static void the_61st_read_stays_here(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    int64_t began = real_ms();
    for (int i = 0; i < 60; i++)
        assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(get(&f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f.error.http_status, 0);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    /* an hour and a little after the first */
    assert_in_range(f.error.retry_after_ms + (real_ms() - began), 3600000, 3610000 + PATIENCE_MS);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 60);
    assert_int_equal(create(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_OK); /* another quota */
    assert_int_equal(emulator_count(&f.emulator, "over_quota"), 0);
    fixture_end(&f);
}

static void the_7th_write_stays_here_whatever_its_kind(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(create(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_OK);
        assert_int_equal(update(&f, &material, EMQX_TLS_TYPE_TWO_WAY), EMQX_TLS_OK);
        assert_int_equal(delete_it(&f), EMQX_TLS_OK);
    }
    assert_int_equal(create(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(update(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(delete_it(&f), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(f.error.http_status, 0);
    assert_int_equal(emulator_count(&f.emulator, "writes"), 6);
    assert_int_equal(emulator_count(&f.emulator, "over_quota"), 0);
    fixture_end(&f);
}

/* -- a short window, saturated by threads ------------------------------------------------------ */

enum { THREADS = 4, EACH = 2 };

typedef struct worker {
    fixture *f;
    emqx_tls_code codes[EACH];
} worker;

static void *work(void *user)
{
    worker *w = user;
    emqx_tls_client *client;
    emqx_tls_config config = fixture_config(w->f);
    config.quota_wait_ms = 10 * PATIENCE_MS;
    if (emqx_tls_client_new(&config, &client, NULL) != EMQX_TLS_OK)
        return NULL;
    for (int i = 0; i < EACH; i++)
        w->codes[i] = emqx_tls_get(client, ID, NULL, NULL);
    emqx_tls_client_free(client);
    return NULL;
}

static void saturate(const char *const *options)
{
    fixture f;
    worker workers[THREADS];
    pthread_t threads[THREADS];
    fixture_start(&f, options);
    fixture_limit(&f, 3, 0, 1000);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.f = &f, .codes = {-1, -1}};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (int n = 0; n < EACH; n++)
            assert_int_equal(workers[i].codes[n], EMQX_TLS_OK);
    }
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), THREADS * EACH);
    assert_int_equal(emulator_count(&f.emulator, "over_quota"), 0);
    fixture_end(&f);
}

static void threads_that_share_a_quota_stay_inside_a_sliding_window(void **state)
{
    (void)state;
    saturate((const char *[]){"--reads", "3", "--window", "1", "--count-rejected", NULL});
}

static void threads_that_share_a_quota_stay_inside_fixed_windows(void **state)
{
    (void)state;
    saturate((const char *[]){"--reads", "3", "--window", "1", "--window-kind", "fixed",
                              "--window-offset", "0.2", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_61st_read_stays_here),
        cmocka_unit_test(the_7th_write_stays_here_whatever_its_kind),
        cmocka_unit_test(threads_that_share_a_quota_stay_inside_a_sliding_window),
        cmocka_unit_test(threads_that_share_a_quota_stay_inside_fixed_windows),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
