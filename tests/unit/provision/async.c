/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The asynchronous forms of ensure, wait and remove: done once, cancel in every state, memory that
 * runs out.
 */
#include "support/provision_world.h"

static void done_comes_once_with_the_result(void **state)
{
    (void)state;
    ended e = {0};
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    start_ensure(&e);
    assert_int_equal(e.count, 0);
    /* its reads and writes are not counted */
    assert_int_equal(emqx_tls_client_pending(w.f->client), 1);
    run_all();
    assert_int_equal(e.count, 1);
    assert_int_equal(e.code, EMQX_TLS_OK);
    assert_int_equal(e.status.state, EMQX_TLS_STATE_RUNNING);
    assert_int_equal(e.result.action, EMQX_TLS_ACTION_UPDATED);
    assert_int_equal(e.result.reads, 2);
    assert_int_equal(e.result.writes, 1);
    assert_int_equal(e.error.attempts, 3);
    assert_int_equal(emqx_tls_client_next_ms(w.f->client), -1);
}

static void the_request_is_copied(void **state)
{
    (void)state;
    ended e = {0};
    char *cert = strdup(w.leaf), *key = strdup(KEY_PEM), *host = strdup("nowhere.invalid");
    w.f->request.cert = cert;
    w.f->request.key = key;
    w.options.probe_host = host;
    w.options.receipt_dir = w.folder;
    get_is("{}");
    post_is(SAME_PENDING);
    start_ensure(&e);
    memset(cert, 0, strlen(cert));
    memset(key, 0, strlen(key));
    free(cert);
    free(key);
    free(host);
    run_all();
    assert_int_equal(e.code, EMQX_TLS_OK);
}

static void run_returns_after_its_time_while_a_job_waits(void **state)
{
    (void)state;
    ended e = {0};
    w.options.wait_ms = MINUTES(10);
    gets_are(2, SAME_PENDING);
    emqx_tls_call *call = start_ensure(&e);
    assert_int_equal(emqx_tls_client_run(w.f->client, 7000, NULL), EMQX_TLS_OK);
    assert_int_equal(e.count, 0);
    assert_int_equal(now(w.f), 1007000);
    assert_in_range(emqx_tls_client_next_ms(w.f->client), 3000, 4000); /* the poll at 10 s */
    emqx_tls_cancel(w.f->client, call);
    run_all();
    assert_int_equal(e.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(e.status.state, EMQX_TLS_STATE_PENDING);
}

static void many_jobs_share_a_client(void **state)
{
    (void)state;
    ended e[3] = {{0}};
    emqx_tls_test_step any = {.http_status = 200, .body = SAME_RUNNING, .times = 2},
                       none = {.http_status = 200, .body = "{}"};
    expect(w.f, &any);
    expect(w.f, &none);
    start_ensure(&e[0]);
    assert_int_equal(
        emqx_tls_submit_wait(w.f->client, "d2", NULL, 1000, note_end, &e[1], NULL, NULL),
        EMQX_TLS_OK);
    assert_int_equal(emqx_tls_submit_remove(w.f->client, "d3", 1000, note_end, &e[2], NULL, NULL),
                     EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_pending(w.f->client), 3);
    run_all();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(e[i].count, 1);
        assert_int_equal(e[i].code, EMQX_TLS_OK);
    }
    assert_int_equal(e[0].result.action, EMQX_TLS_ACTION_UNCHANGED);
    assert_int_equal(e[1].result.action, EMQX_TLS_ACTION_NONE); /* no ensure */
}

static void what_is_wrong_with_an_argument_is_told_at_once(void **state)
{
    (void)state;
    ended e = {0};
    emqx_tls_call *call = (emqx_tls_call *)&e;
    assert_int_equal(
        emqx_tls_submit_ensure(w.f->client, "", &w.f->request, NULL, note_end, &e, &call, NULL),
        EMQX_TLS_E_INVALID);
    assert_null(call);
    assert_int_equal(
        emqx_tls_submit_ensure(w.f->client, "d1", &w.f->request, NULL, NULL, &e, &call, NULL),
        EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit_wait(w.f->client, "..", NULL, 0, note_end, &e, &call, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit_remove(w.f->client, NULL, 0, note_end, &e, &call, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_client_pending(w.f->client), 0);
    assert_int_equal(e.count, 0);
}

/* -- cancel at every step of an ensure: the first read, the pauses, the write, the reads behind it
 * --- */

static void script_with_delays(void)
{
    emqx_tls_test_step slow = {
        .method = "GET", .http_status = 200, .body = OLD_RUNNING, .delay_ms = 100};
    expect(w.f, &slow);
    slow.method = "PUT";
    slow.body = SAME_PENDING;
    slow.delivery = EMQX_TLS_DELIVERY_MAYBE; /* of a cancel */
    expect(w.f, &slow);
    slow.method = "GET";
    expect(w.f, &slow);
    slow.body = SAME_RUNNING;
    expect(w.f, &slow);
}

/* What must hold wherever it is cancelled: done once, quota as it was spent, the lock let go,
 * nothing kept. */
static void cancel_at(int64_t ms, bool by_free)
{
    ended e = {0};
    void *state;
    assert_int_equal(world_set_up(&state), 0);
    w.options.wait_ms = MINUTES(10);
    w.options.receipt_dir = w.folder;
    script_with_delays();
    emqx_tls_call *call = start_ensure(&e);
    while (now(w.f) - 1000000 < ms && e.count == 0)
        assert_int_equal(emqx_tls_client_run(w.f->client, (int)(ms - (now(w.f) - 1000000)), NULL),
                         EMQX_TLS_OK);
    bool over = e.count == 1;
    if (!over && by_free) {
        emqx_tls_client_free(w.f->client);
        w.f->client = NULL;
    } else if (!over) {
        emqx_tls_cancel(w.f->client, call);
        assert_int_equal(e.count, 0);
        run_all();
    }
    assert_int_equal(e.count, 1);
    assert_int_equal(e.code, over ? EMQX_TLS_OK : EMQX_TLS_E_CANCELLED);
    size_t sent = emqx_tls_test_transport_count(w.f->script);
    assert_int_equal(e.error.attempts, sent);
    assert_int_equal(e.result.reads + e.result.writes + (sent == 1 && !over && e.result.reads == 0),
                     sent);
    if (sent == 2 && !over && now(w.f) < 1000200)
        assert_int_equal(e.error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    if (w.f->client) {
        assert_int_equal(emqx_tls_client_pending(w.f->client), 0);
        assert_int_equal(emqx_tls_test_transport_in_flight(w.f->script), 0);
    }
    w.f->script_may_be_left = true;
    if (world_tear_down(&state) != 0)
        fail_msg("cancelled at %d ms: see above", (int)ms);
}

static void cancel_in_every_state(void **state)
{
    static const int64_t at[] = {0,   50,  99,   100,  101,  150,  199,
                                 200, 201, 3000, 5250, 5700, 9000, 20000};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        cancel_at(at[i], false);
        cancel_at(at[i], true);
    }
}

static void cancel_while_the_lock_is_another_s(void **state)
{
    (void)state;
    ended first = {0}, second = {0};
    w.options.wait_ms = MINUTES(10);
    w.options.receipt_dir = w.folder;
    gets_are(2, SAME_PENDING);
    emqx_tls_call *holds = start_ensure(&first), *waits = start_ensure(&second);
    assert_int_equal(emqx_tls_client_run(w.f->client, 3000, NULL), EMQX_TLS_OK);
    emqx_tls_cancel(w.f->client, waits);
    assert_int_equal(emqx_tls_client_run(w.f->client, 0, NULL), EMQX_TLS_OK);
    assert_int_equal(second.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(second.result.reads, 0);
    emqx_tls_cancel(w.f->client, holds); /* and then a third one gets it at once */
    ended third = {0};
    waits = start_ensure(&third);
    assert_int_equal(emqx_tls_client_run(w.f->client, 1000, NULL), EMQX_TLS_OK);
    assert_int_equal(first.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(emqx_tls_client_run(w.f->client, 1000, NULL), EMQX_TLS_OK);
    emqx_tls_cancel(w.f->client, waits);
    run_all();
    assert_int_equal(third.result.reads, 1);
}

static void interrupt_from_the_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
    emqx_tls_client_interrupt(w.f->client);
}

static void an_interrupt_ends_the_blocking_form(void **state)
{
    (void)state;
    emqx_tls_client_free(w.f->client);
    w.f->config.log = interrupt_from_the_log;
    open_client(w.f);
    w.options.wait_ms = MINUTES(10);
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_E_CANCELLED, EMQX_TLS_ACTION_NONE, 1, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
}

/* -- memory ------------------------------------------------------------------------------------ */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 1;; i++) {
        void *own;
        assert_int_equal(world_set_up(&own), 0);
        w.options.receipt_dir = w.folder;
        w.options.wait_ms = MINUTES(10);
        script_with_delays();
        emqx_tls_test_allocator_fail(w.f->allocator, i, 1);
        emqx_tls_code code = ensure();
        bool failed = emqx_tls_test_allocator_failed(w.f->allocator);
        emqx_tls_test_allocator_fail(w.f->allocator, 0, 0);
        assert_int_equal(code, failed ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_OK);
        w.f->script_may_be_left = true;
        if (world_tear_down(&own) != 0)
            fail_msg("allocation %zu: see above", i);
        if (!failed)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(done_comes_once_with_the_result),
        TEST(the_request_is_copied),
        TEST(run_returns_after_its_time_while_a_job_waits),
        TEST(many_jobs_share_a_client),
        TEST(what_is_wrong_with_an_argument_is_told_at_once),
        cmocka_unit_test(cancel_in_every_state),
        TEST(cancel_while_the_lock_is_another_s),
        TEST(an_interrupt_ends_the_blocking_form),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
