/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The limiter as a program sees it, in memory: settings, the quota at its edges, memory, forks,
 * threads.
 */
#include "support/limiter_use.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <emqxtls/test.h>

#define DEPLOYMENT "ge6a1a75"

static emqx_tls_test_clock *timer;

static emqx_tls_limiter *limiter_with(const emqx_tls_limiter_config *config)
{
    emqx_tls_limiter_config own = *config;
    emqx_tls_limiter *limiter;
    own.clock = emqx_tls_test_clock_vtable(timer);
    assert_int_equal(emqx_tls_limiter_new(&own, &limiter, NULL), EMQX_TLS_OK);
    return limiter;
}

static emqx_tls_limiter *default_limiter(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    return limiter_with(&config);
}

static void check_edges(uint32_t op, int limit)
{
    emqx_tls_limiter *limiter = default_limiter();
    emqxi_reserve r;
    emqxi_error error;
    for (int i = 0; i < limit; i++)
        use(limiter, op);
    assert_int_equal(reserve(limiter, op, "d1", &r, &error), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(error.retry_after_ms, HELD_MS);
    assert_int_equal(error.http_status, 0);
    emqx_tls_test_clock_advance(timer, HELD_MS - 1);
    assert_int_equal(reserve(limiter, op, "d1", &r, &error), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(error.retry_after_ms, 1);
    emqx_tls_test_clock_advance(timer, 1);
    for (int i = 0; i < limit; i++)
        use(limiter, op);
    assert_int_equal(reserve(limiter, op, "d1", &r, &error), EMQX_TLS_E_RATE_LIMITED);
    emqx_tls_limiter_unref(limiter);
}

static void the_60th_read_goes_and_the_61st_one_window_later(void **state)
{
    (void)state;
    check_edges(EMQX_TLS_OP_GET, 60);
}

static void the_6th_write_goes_and_the_7th_one_window_later(void **state)
{
    (void)state;
    check_edges(EMQX_TLS_OP_CREATE, 6);
}

static void create_update_and_delete_share_the_writes_and_reads_are_apart(void **state)
{
    (void)state;
    static const uint32_t writes[] = {EMQX_TLS_OP_CREATE, EMQX_TLS_OP_UPDATE, EMQX_TLS_OP_DELETE};
    emqx_tls_limiter *limiter = default_limiter();
    emqxi_reserve r;
    emqxi_error error;
    for (int i = 0; i < 6; i++)
        use(limiter, writes[i % 3]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(reserve(limiter, writes[i], "d1", &r, &error), EMQX_TLS_E_RATE_LIMITED);
    use(limiter, EMQX_TLS_OP_GET);
    emqx_tls_limiter_unref(limiter);
}

static void settings_out_of_range_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        uint32_t flags, reads, writes;
        uint64_t window_ms;
        const char *name;
    } cases[] = {
        {4, 60, 6, HOUR_MS, "flags"},         {0, 0, 6, HOUR_MS, "reads"},
        {0, 100001, 6, HOUR_MS, "reads"},     {0, 60, 0, HOUR_MS, "writes"},
        {0, 60, 100001, HOUR_MS, "writes"},   {0, 60, 6, 999, "window_ms"},
        {0, 60, 6, 2678400001u, "window_ms"}, {0, 60, 6, UINT64_MAX, "window_ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqx_tls_limiter_config config;
        emqx_tls_limiter *limiter = (emqx_tls_limiter *)&config;
        emqx_tls_error error;
        emqx_tls_error_init(&error);
        emqx_tls_limiter_config_init(&config);
        config.flags = cases[i].flags;
        config.reads = cases[i].reads;
        config.writes = cases[i].writes;
        config.window_ms = cases[i].window_ms;
        assert_int_equal(emqx_tls_limiter_new(&config, &limiter, &error), EMQX_TLS_E_INVALID);
        assert_non_null(strstr(error.message, cases[i].name));
        assert_null(limiter);
    }
}

static void wrong_handles_and_arguments_are_refused(void **state)
{
    (void)state;
    emqx_tls_limiter_config config;
    emqx_tls_quota quota;
    emqx_tls_store store;
    emqx_tls_limiter *limiter, *none;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_quota_init(&quota);
    emqx_tls_store_init(&store);
    assert_int_equal(emqx_tls_limiter_new(NULL, NULL, &error), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_open_store(NULL, NULL, NULL, &none, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_open_store(&store, NULL, NULL, &none, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(NULL, EMQX_TLS_OP_GET, NULL, &quota, &error),
                     EMQX_TLS_E_INVALID);
    emqx_tls_limiter_config_init(&config);
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    limiter = limiter_with(&config);
    assert_int_equal(emqx_tls_limiter_query(limiter, 0, DEPLOYMENT, &quota, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(limiter, 5, DEPLOYMENT, &quota, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, NULL, &quota, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, "", &quota, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, DEPLOYMENT, NULL, &error),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, DEPLOYMENT, &quota, &error),
                     EMQX_TLS_OK);
    emqx_tls_limiter_unref(limiter);
    emqx_tls_limiter_unref(NULL);
    assert_null(emqx_tls_limiter_ref(NULL));
}

static void the_last_reference_frees(void **state)
{
    (void)state;
    emqx_tls_test_allocator *heap = emqx_tls_test_allocator_new();
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.allocator = emqx_tls_test_allocator_vtable(heap);
    emqx_tls_limiter *limiter = limiter_with(&config);
    assert_ptr_equal(emqx_tls_limiter_ref(limiter), limiter);
    use(limiter, EMQX_TLS_OP_GET);
    emqx_tls_limiter_unref(limiter);
    use(limiter, EMQX_TLS_OP_GET);
    emqx_tls_limiter_unref(limiter);
    assert_int_equal(emqx_tls_test_allocator_live(heap), 0);
    assert_null(emqx_tls_test_allocator_problem(heap));
    emqx_tls_test_allocator_free(heap);
}

/* Every allocation fails once: the call says so, and what was counted before still counts. */
static void without_memory_no_slot_is_given_and_none_is_forgotten(void **state)
{
    (void)state;
    emqx_tls_test_allocator *heap = emqx_tls_test_allocator_new();
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.clock = emqx_tls_test_clock_vtable(timer);
    config.allocator = emqx_tls_test_allocator_vtable(heap);
    bool reached = true;
    for (size_t i = 1; reached; i++) {
        emqx_tls_limiter *limiter;
        emqxi_error error;
        emqx_tls_test_allocator_fail(heap, i, 0);
        emqx_tls_code code = emqx_tls_limiter_new(&config, &limiter, NULL);
        if (code == EMQX_TLS_OK) {
            int given = 0, failed = 0;
            for (emqxi_reserve r; (code = reserve(limiter, EMQX_TLS_OP_GET, "d1", &r, &error)) !=
                                  EMQX_TLS_E_RATE_LIMITED;) {
                given += code == EMQX_TLS_OK;
                failed += code == EMQX_TLS_E_NO_MEMORY;
            }
            assert_int_equal(given, 60);
            reached = emqx_tls_test_allocator_failed(heap);
            assert_int_equal(failed, reached);
            emqx_tls_limiter_unref(limiter);
        } else {
            assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
        }
    }
    assert_null(emqx_tls_test_allocator_problem(heap));
    emqx_tls_test_allocator_free(heap);
}

static void warm_calls_allocate_nothing_and_idle_deployments_are_given_back(void **state)
{
    (void)state;
    enum { DEPLOYMENTS = 2000 };
    emqx_tls_test_allocator *heap = emqx_tls_test_allocator_new();
    emqx_tls_limiter_config config;
    emqxi_error error;
    char name[16];
    emqx_tls_limiter_config_init(&config);
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    config.allocator = emqx_tls_test_allocator_vtable(heap);
    emqx_tls_limiter *limiter = limiter_with(&config);
    size_t peak = 0;
    for (int generation = 0; generation < 10; generation++) {
        for (int i = 0; i < DEPLOYMENTS; i++) {
            emqxi_waiter waiter = {0};
            emqxi_reserve r = {.op = EMQX_TLS_OP_GET, .deployment_id = name, .lease_ms = 1000};
            snprintf(name, sizeof name, "%d-%d", generation, i);
            for (int j = 0; j < 2; j++) {
                size_t before = emqx_tls_test_allocator_count(heap);
                assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error), EMQX_TLS_OK);
                assert_int_equal(emqxi_limiter_settle(limiter, r.ticket, ANSWERED, -1, 0, &error),
                                 EMQX_TLS_OK);
                if (j == 1)
                    assert_int_equal(emqx_tls_test_allocator_count(heap), before);
            }
        }
        if (generation == 0)
            peak = emqx_tls_test_allocator_peak(heap);
        emqx_tls_test_clock_advance(timer, HELD_MS);
    }
    assert_true(emqx_tls_test_allocator_peak(heap) < 2 * peak);
    emqx_tls_limiter_unref(limiter);
    assert_null(emqx_tls_test_allocator_problem(heap));
    emqx_tls_test_allocator_free(heap);
}

static void a_child_after_fork_is_told_to_make_its_own(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = default_limiter();
    use(limiter, EMQX_TLS_OP_GET);
    pid_t child = fork();
    if (child == 0) {
        emqxi_reserve r;
        emqxi_error error;
        emqx_tls_quota quota;
        emqx_tls_quota_init(&quota);
        int wrong =
            reserve(limiter, EMQX_TLS_OP_GET, "d1", &r, &error) != EMQX_TLS_E_INVALID || r.granted;
        wrong |= emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, NULL, &quota, NULL) !=
                 EMQX_TLS_E_INVALID;
        wrong |=
            emqxi_limiter_settle(limiter, r.ticket, ANSWERED, -1, 0, &error) != EMQX_TLS_E_INVALID;
        _exit(wrong);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    use(limiter, EMQX_TLS_OP_GET);
    emqx_tls_limiter_unref(limiter);
}

static void *greedy(void *context)
{
    emqx_tls_limiter *limiter = context;
    emqxi_reserve r;
    emqxi_error error;
    intptr_t given = 0;
    for (int i = 0; i < 2000; i++) {
        if (reserve(limiter, EMQX_TLS_OP_GET, "d1", &r, &error) != EMQX_TLS_OK)
            continue;
        bool keep = i % 3 == 0;
        given += keep;
        emqxi_limiter_settle(limiter, r.ticket, keep ? ANSWERED : EMQX_TLS_OUTCOME_NOT_SENT, -1, 0,
                             &error);
    }
    return (void *)given;
}

static void threads_together_get_no_more_than_the_limit(void **state)
{
    (void)state;
    pthread_t threads[4];
    intptr_t given = 0;
    emqx_tls_limiter *limiter = default_limiter();
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, greedy, limiter), 0);
    for (int i = 0; i < 4; i++) {
        void *one;
        pthread_join(threads[i], &one);
        given += (intptr_t)one;
    }
    assert_int_equal(given, 60);
    emqx_tls_limiter_unref(limiter);
}

/* A clock that began long ago, or near the end of what 64 bits can say. */
static void times_at_the_end_of_the_range_do_not_overflow(void **state)
{
    (void)state;
    static const int64_t origins[] = {INT64_MIN, -1, INT64_MAX - ((int64_t)1 << 33)};
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        emqx_tls_limiter *limiter = default_limiter();
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {
            .op = EMQX_TLS_OP_CREATE, .deployment_id = DEPLOYMENT, .lease_ms = INT64_MAX};
        emqxi_error error;
        emqx_tls_test_clock_set(timer, origins[i]);
        for (int j = 0; j < 6; j++) {
            assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error), EMQX_TLS_OK);
            assert_int_equal(emqxi_limiter_settle(limiter, r.ticket, j % 4, INT64_MAX, 0, &error),
                             EMQX_TLS_OK);
            if (j % 4 == EMQX_TLS_OUTCOME_REFUSED)
                break;
        }
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, &error),
                         EMQX_TLS_E_RATE_LIMITED);
        emqx_tls_limiter_unref(limiter);
    }
}

static int start(void **state)
{
    (void)state;
    timer = emqx_tls_test_clock_new(1000, 0);
    return !timer;
}

static int stop(void **state)
{
    (void)state;
    emqx_tls_test_clock_free(timer);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_60th_read_goes_and_the_61st_one_window_later),
        TEST(the_6th_write_goes_and_the_7th_one_window_later),
        TEST(create_update_and_delete_share_the_writes_and_reads_are_apart),
        TEST(settings_out_of_range_are_refused_by_name),
        TEST(wrong_handles_and_arguments_are_refused),
        TEST(the_last_reference_frees),
        TEST(without_memory_no_slot_is_given_and_none_is_forgotten),
        TEST(warm_calls_allocate_nothing_and_idle_deployments_are_given_back),
        TEST(a_child_after_fork_is_told_to_make_its_own),
        TEST(threads_together_get_no_more_than_the_limit),
        TEST(times_at_the_end_of_the_range_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
