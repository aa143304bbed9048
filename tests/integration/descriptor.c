/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The one descriptor is all that an event loop needs: here nothing but epoll_wait on it says when
 * to call run.
 */
#include "emulator_client.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HUNDRED 100

typedef struct loop {
    fixture f;
    int epoll;
    int ended, failed; /* calls */
    int runs;          /* of emqx_tls_client_run */
    emqx_tls_code last;
    emqx_tls_error error;
} loop;

static void on_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    loop *l = user;
    l->ended++;
    l->failed += code != EMQX_TLS_OK;
    l->last = code;
    emqx_tls_error_init(&l->error);
    emqx_tls_call_result(call, NULL, &l->error);
}

static void watch(loop *l)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = emqx_tls_client_fd(l->f.client);
    assert_true(fd >= 0);
    assert_int_equal(emqx_tls_client_fd(l->f.client), fd);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

static void start(loop *l, const char *const *options)
{
    memset(l, 0, sizeof *l);
    fixture_start(&l->f, options);
    watch(l);
}

/* With a client of its own config instead of the fixture's. */
static void restart(loop *l, const emqx_tls_config *config)
{
    close(l->epoll);
    fixture_client(&l->f, config);
    watch(l);
}

static void end(loop *l)
{
    close(l->epoll);
    fixture_end(&l->f);
}

static bool readable(const loop *l, int timeout_ms)
{
    struct epoll_event event;
    return epoll_wait(l->epoll, &event, 1, timeout_ms) == 1;
}

/* What an event loop does, until so many calls have ended. */
static void drive(loop *l, int until)
{
    while (l->ended < until) {
        if (!readable(l, PATIENCE_MS))
            fail_msg("the descriptor said nothing for %d ms; %d of %d calls ended", PATIENCE_MS,
                     l->ended, until);
        l->runs++;
        assert_int_equal(emqx_tls_client_run(l->f.client, 0, NULL), EMQX_TLS_OK);
    }
}

/* Until there is nothing to do any more, with calls under way. */
static void settle(loop *l)
{
    for (int turns = 0; readable(l, 50); turns++) {
        assert_true(turns < 1000);
        assert_int_equal(emqx_tls_client_run(l->f.client, 0, NULL), EMQX_TLS_OK);
    }
}

static emqx_tls_call *submit(loop *l, uint32_t op, const char *id, const emqx_tls_request *request)
{
    emqx_tls_call *call;
    assert_int_equal(emqx_tls_submit(l->f.client, op, id, request, on_end, l, &call, NULL),
                     EMQX_TLS_OK);
    return call;
}

static void submit_reads(loop *l, int count)
{
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "d%d", i);
        submit(l, EMQX_TLS_OP_GET, id, NULL);
    }
}

static emqx_tls_limiter *limiter(uint32_t reads, uint64_t window_ms)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *l;
    emqx_tls_limiter_config_init(&config);
    config.reads = reads;
    config.window_ms = window_ms;
    assert_int_equal(emqx_tls_limiter_new(&config, &l, NULL), EMQX_TLS_OK);
    return l;
}

/* -- calls that end well ----------------------------------------------------------------------- */

static void a_hundred_reads_end_without_busy_waiting(void **state)
{
    (void)state;
    loop l;
    start(&l, (const char *[]){"--reads", "100000", "--latency", "0.2", NULL});
    submit_reads(&l, HUNDRED);
    drive(&l, HUNDRED);
    assert_int_equal(l.failed, 0);
    /* a connection and its handshake are a few events each */
    assert_in_range(l.runs, 1, HUNDRED * 10);
    assert_int_equal(emulator_arrivals(&l.f.emulator, "GET", NULL), HUNDRED);
    settle(&l);
    end(&l);
}

static void submit_in_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    loop *l = user;
    on_end(user, call, code);
    if (l->ended < 20)
        assert_int_equal(
            emqx_tls_submit(l->f.client, EMQX_TLS_OP_GET, ID, NULL, submit_in_done, l, NULL, NULL),
            EMQX_TLS_OK);
}

static void what_done_submits_is_heard_of(void **state)
{
    (void)state;
    loop l;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    assert_int_equal(
        emqx_tls_submit(l.f.client, EMQX_TLS_OP_GET, ID, NULL, submit_in_done, &l, NULL, NULL),
        EMQX_TLS_OK);
    drive(&l, 20);
    assert_int_equal(l.failed, 0);
    end(&l);
}

static void an_ensure_runs_to_its_end(void **state)
{
    (void)state;
    loop l;
    emqx_tls_ensure_options options;
    start(&l, (const char *[]){"--pending", "1", NULL});
    emqx_tls_request request = material_request(&material, EMQX_TLS_TYPE_ONE_WAY);
    emqx_tls_ensure_options_init(&options);
    options.wait_ms = 60000;
    assert_int_equal(
        emqx_tls_submit_ensure(l.f.client, ID, &request, &options, on_end, &l, NULL, NULL),
        EMQX_TLS_OK);
    drive(&l, 1);
    assert_int_equal(l.last, EMQX_TLS_OK);
    assert_in_range(l.runs, 1, 100);
    end(&l);
}

/* -- waiting for quota ------------------------------------------------------------------------- */

static void calls_behind_the_quota_come_through_in_their_time(void **state)
{
    (void)state;
    loop l;
    start(&l, (const char *[]){"--reads", "4", "--window", "1", "--count-rejected", NULL});
    emqx_tls_limiter *narrow = limiter(4, 1000);
    emqx_tls_config config = fixture_config(&l.f);
    config.limiter = narrow;
    config.quota_wait_ms = 10 * PATIENCE_MS;
    restart(&l, &config);
    int64_t began = real_ms();
    submit_reads(&l, 12);
    drive(&l, 12);
    assert_int_equal(l.failed, 0);
    /* two windows of 2 s: see decision W' in limiter.h */
    assert_true(real_ms() - began >= 4000);
    assert_in_range(l.runs, 1, 300); /* it does not wait busily */
    assert_int_equal(emulator_count(&l.f.emulator, "over_quota"), 0);
    end(&l);
    emqx_tls_limiter_unref(narrow);
}

typedef struct holder {
    emqx_tls_client *client;
    emqx_tls_call *call;
} holder;

static void *give_back(void *user)
{
    holder *h = user;
    usleep(100000);
    emqx_tls_cancel(h->client, h->call);
    return NULL;
}

static void nobody(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call, (void)code;
    ++*(int *)user;
}

static void a_slot_that_another_thread_gives_back_is_heard_of(void **state)
{
    (void)state;
    loop l;
    pthread_t thread;
    holder h;
    int held = 0;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    emqx_tls_limiter *one = limiter(1, 3600000);
    emqx_tls_config config = fixture_config(&l.f);
    config.limiter = one;
    config.quota_wait_ms = UINT32_MAX;
    restart(&l, &config);
    emulator_fault(&l.f.emulator, "{'at': 'connect', 'end': 'stall'}");
    assert_int_equal(emqx_tls_client_new(&config, &h.client, NULL), EMQX_TLS_OK);
    assert_int_equal(
        emqx_tls_submit(h.client, EMQX_TLS_OP_GET, ID, NULL, nobody, &held, &h.call, NULL),
        EMQX_TLS_OK);
    while (emulator_count(&l.f.emulator, "faults_left") > 0)
        assert_int_equal(emqx_tls_client_run(h.client, 10, NULL), EMQX_TLS_OK);

    submit(&l, EMQX_TLS_OP_GET, ID, NULL);
    settle(&l);
    assert_int_equal(pthread_create(&thread, NULL, give_back, &h), 0);
    drive(&l, 1);
    assert_int_equal(l.last, EMQX_TLS_OK);
    pthread_join(thread, NULL);
    emqx_tls_client_free(h.client);
    assert_int_equal(held, 1);
    end(&l);
    emqx_tls_limiter_unref(one);
}

/* -- time, cancel, interrupt ------------------------------------------------------------------- */

static void a_deadline_is_heard_of(void **state)
{
    (void)state;
    static const char *const stalls[] = {"{'at': 'connect', 'end': 'stall', 'times': 0}",
                                         "{'cut': 0, 'end': 'stall', 'times': 0}"};
    loop l;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    emqx_tls_config config = fixture_config(&l.f);
    config.timeout_ms = 600;
    config.connect_timeout_ms = 300;
    for (int i = 0; i < 2; i++) {
        restart(&l, &config);
        emulator_clear_faults(&l.f.emulator);
        emulator_fault(&l.f.emulator, stalls[i]);
        l.ended = l.runs = 0;
        int64_t began = real_ms();
        submit(&l, EMQX_TLS_OP_GET, ID, NULL);
        drive(&l, 1);
        assert_int_equal(l.last, EMQX_TLS_E_TIMEOUT);
        assert_in_range(real_ms() - began, 290, PATIENCE_MS);
        assert_in_range(l.runs, 1, 100);
    }
    end(&l);
}

static void a_cancelled_call_is_heard_of_at_once(void **state)
{
    (void)state;
    loop l;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    emulator_fault(&l.f.emulator, "{'cut': 0, 'end': 'stall'}");
    emqx_tls_call *call = submit(&l, EMQX_TLS_OP_GET, ID, NULL);
    while (emulator_count(&l.f.emulator, "faults_left") > 0)
        assert_int_equal(emqx_tls_client_run(l.f.client, 10, NULL), EMQX_TLS_OK);
    settle(&l);
    emqx_tls_cancel(l.f.client, call);
    assert_int_equal(l.ended, 0);
    assert_true(readable(&l, PATIENCE_MS));
    assert_int_equal(emqx_tls_client_run(l.f.client, 0, NULL), EMQX_TLS_OK);
    assert_int_equal(l.ended, 1);
    assert_int_equal(l.last, EMQX_TLS_E_CANCELLED);
    settle(&l);
    end(&l);
}

static void *interrupt(void *user)
{
    usleep(100000);
    emqx_tls_client_interrupt(user);
    return NULL;
}

static void an_interrupt_from_another_thread_is_heard_of_once(void **state)
{
    (void)state;
    loop l;
    pthread_t thread;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    for (int busy = 0; busy < 2; busy++) {
        if (busy) {
            emulator_fault(&l.f.emulator, "{'cut': 0, 'end': 'stall'}");
            submit(&l, EMQX_TLS_OP_GET, ID, NULL);
            while (emulator_count(&l.f.emulator, "faults_left") > 0)
                assert_int_equal(emqx_tls_client_run(l.f.client, 10, NULL), EMQX_TLS_OK);
        }
        settle(&l);
        assert_int_equal(pthread_create(&thread, NULL, interrupt, l.f.client), 0);
        assert_true(readable(&l, PATIENCE_MS));
        pthread_join(thread, NULL);
        assert_int_equal(emqx_tls_client_run(l.f.client, 0, NULL), EMQX_TLS_E_CANCELLED);
        settle(&l);
    }
    assert_int_equal(l.ended, 0);
    end(&l);
}

/* -- blocking calls between -------------------------------------------------------------------- */

/* One call waits for its answer while another runs blocking, and learns meanwhile when it has to
 * try again. False: the machine was so slow that it has done so already. */
static bool learns_of_a_repeat(loop *l, int retry_after_s)
{
    char faults[256];
    snprintf(faults, sizeof faults,
             "[{'method': 'GET', 'deployment': 'other', 'status': 503, 'latency_ms': 200,"
             "  'headers': ['Retry-After: %d']},"
             " {'method': 'GET', 'deployment': 'ge6a1a75', 'latency_ms': 600}]",
             retry_after_s);
    emulator_fault(&l->f.emulator, faults);
    l->ended = 0;
    submit(l, EMQX_TLS_OP_GET, "other", NULL);
    settle(l);
    assert_int_equal(get(&l->f), EMQX_TLS_OK);
    bool waits = l->ended == 0;
    drive(l, 1);
    assert_int_equal(l->last, EMQX_TLS_OK);
    assert_int_equal(l->error.attempts, 2);
    return waits;
}

static void what_a_blocking_call_changes_for_the_others_is_heard_of(void **state)
{
    (void)state;
    loop l;
    start(&l, (const char *[]){"--reads", "100000", NULL});
    int retry_after_s = 2;
    while (!learns_of_a_repeat(&l, retry_after_s))
        retry_after_s *= 2;
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_reads_end_without_busy_waiting),
        cmocka_unit_test(what_done_submits_is_heard_of),
        cmocka_unit_test(an_ensure_runs_to_its_end),
        cmocka_unit_test(calls_behind_the_quota_come_through_in_their_time),
        cmocka_unit_test(a_slot_that_another_thread_gives_back_is_heard_of),
        cmocka_unit_test(a_deadline_is_heard_of),
        cmocka_unit_test(a_cancelled_call_is_heard_of_at_once),
        cmocka_unit_test(an_interrupt_from_another_thread_is_heard_of_once),
        cmocka_unit_test(what_a_blocking_call_changes_for_the_others_is_heard_of),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
