/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Clients in threads of their own that share one limiter. Run under ThreadSanitizer too
 * (tests/run.sh).
 */
#include "emulator_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS = 4, EACH = 15, WINDOW_READS = 20, ROUNDS = 30 };

typedef struct worker {
    pthread_t thread;
    const emqx_tls_config *config;
    emqx_tls_client *client;
    int ended, failed, cancelled, wrong; /* cmocka's asserts are for the main thread */
} worker;

static void on_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    worker *w = user;
    (void)call;
    w->ended++;
    w->cancelled += code == EMQX_TLS_E_CANCELLED;
    w->failed += code != EMQX_TLS_OK && code != EMQX_TLS_E_CANCELLED;
}

static void submit(worker *w, int count)
{
    for (int i = 0; i < count; i++)
        w->wrong += emqx_tls_submit(w->client, EMQX_TLS_OP_GET, ID, NULL, on_end, w, NULL, NULL) !=
                    EMQX_TLS_OK;
}

static emqx_tls_limiter *limiter(uint32_t reads)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *l;
    emqx_tls_limiter_config_init(&config);
    config.reads = reads;
    config.window_ms = 1000;
    assert_int_equal(emqx_tls_limiter_new(&config, &l, NULL), EMQX_TLS_OK);
    return l;
}

/* Runs `work` in THREADS threads; gives what they counted together. */
static worker in_threads(void *(*work)(void *), const emqx_tls_config *config)
{
    worker all[THREADS] = {0}, sum = {0};
    for (int i = 0; i < THREADS; i++) {
        all[i].config = config;
        assert_int_equal(pthread_create(&all[i].thread, NULL, work, &all[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(all[i].thread, NULL);
        sum.ended += all[i].ended;
        sum.failed += all[i].failed;
        sum.cancelled += all[i].cancelled;
        sum.wrong += all[i].wrong;
    }
    return sum;
}

static void *run_to_the_end(void *user)
{
    worker *w = user;
    if (emqx_tls_client_new(w->config, &w->client, NULL) != EMQX_TLS_OK)
        return NULL;
    submit(w, EACH);
    while (emqx_tls_client_pending(w->client) > 0)
        w->wrong += emqx_tls_client_run(w->client, -1, NULL) != EMQX_TLS_OK;
    emqx_tls_client_free(w->client);
    return NULL;
}

static void threads_that_share_a_limiter_stay_inside_the_platforms_quota(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--reads", "20", "--window", "1", "--count-rejected", NULL});
    emqx_tls_limiter *shared = limiter(WINDOW_READS);
    emqx_tls_config config = fixture_config(&f);
    config.limiter = shared;
    config.quota_wait_ms = 10 * PATIENCE_MS;
    worker sum = in_threads(run_to_the_end, &config);
    assert_int_equal(sum.ended, THREADS * EACH);
    assert_int_equal(sum.failed + sum.cancelled + sum.wrong, 0);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", NULL), THREADS * EACH);
    assert_int_equal(emulator_count(&f.emulator, "over_quota"), 0);
    fixture_end(&f);
    emqx_tls_limiter_unref(shared);
}

/* Freed with calls in flight and in line, while others are woken by the slots that come back. */
static void *come_and_go(void *user)
{
    worker *w = user;
    for (int i = 0; i < ROUNDS; i++) {
        if (emqx_tls_client_new(w->config, &w->client, NULL) != EMQX_TLS_OK)
            return NULL;
        submit(w, 3);
        for (int turn = 0; turn < 3; turn++)
            w->wrong += emqx_tls_client_run(w->client, i % 3, NULL) != EMQX_TLS_OK;
        emqx_tls_client_free(w->client);
    }
    return NULL;
}

static void clients_may_come_and_go_while_others_wait_in_line(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    /* slots are taken and given back */
    emulator_fault(&f.emulator, "{'at': 'connect', 'end': 'stall', 'times': 0}");
    emqx_tls_limiter *shared = limiter(2);
    emqx_tls_config config = fixture_config(&f);
    config.limiter = shared;
    config.quota_wait_ms = 10 * PATIENCE_MS;
    worker sum = in_threads(come_and_go, &config);
    assert_int_equal(sum.ended, THREADS * ROUNDS * 3);
    assert_int_equal(sum.cancelled, THREADS * ROUNDS * 3);
    assert_int_equal(sum.wrong, 0);
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(shared, EMQX_TLS_OP_GET, NULL, &quota, NULL),
                     EMQX_TLS_OK);
    assert_int_equal(quota.used, 0);
    fixture_end(&f);
    emqx_tls_limiter_unref(shared);
}

typedef struct nuisance {
    emqx_tls_client *client;
    atomic_bool stop;
} nuisance;

static void *interrupt_all_the_time(void *user)
{
    nuisance *n = user;
    while (!atomic_load(&n->stop)) {
        emqx_tls_client_interrupt(n->client);
        usleep(500);
    }
    return NULL;
}

static void interrupts_end_runs_and_lose_no_call(void **state)
{
    (void)state;
    fixture f;
    worker w = {0};
    nuisance n;
    pthread_t thread;
    int interrupted = 0;
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    n.client = w.client = f.client;
    atomic_init(&n.stop, false);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_all_the_time, &n), 0);
    int sent = 0;
    while (sent < 300 || interrupted == 0 || emqx_tls_client_pending(f.client) > 0) {
        for (; (sent < 300 || interrupted == 0) && emqx_tls_client_pending(f.client) < 10; sent++)
            submit(&w, 1);
        emqx_tls_code code = emqx_tls_client_run(f.client, -1, NULL);
        assert_true(code == EMQX_TLS_OK || code == EMQX_TLS_E_CANCELLED);
        interrupted += code == EMQX_TLS_E_CANCELLED;
    }
    atomic_store(&n.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(w.ended, sent);
    assert_int_equal(w.failed + w.cancelled + w.wrong, 0);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", NULL), sent);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_share_a_limiter_stay_inside_the_platforms_quota),
        cmocka_unit_test(clients_may_come_and_go_while_others_wait_in_line),
        cmocka_unit_test(interrupts_end_runs_and_lose_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
