/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the libcurl transport keeps to: deadlines, memory, and threads that make theirs at once.
 */
#include "support/loopback_transport.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "slow_names.h"

#define RUNNING OK_JSON("{\"status\":\"running\"}", 20)
#define MANY    40

/* -- time -------------------------------------------------------------------------------------- */

static void deadlines_hold_while_a_name_is_looked_up(void **state)
{
    fixture *f = *state;
    outcome o;
    open_transport(f);
    snprintf(f->url, sizeof f->url, "http://slow.example/x");
    int64_t began = real_ms();
    exchange(&o, f, "PUT", "{}")->exchange.timeout_ms = 200;
    begin(f, &o);
    finish(f, &o);
    assert_failed(o, TIMEOUT, NOT_SENT);
    begin(f, exchange(&o, f, "PUT", "{}"));
    poll_once(f, 50);
    assert_int_equal(cancel(f, &o), EMQX_TLS_DELIVERY_NOT_SENT);
    f->transport.destroy(f->transport.context);
    f->transport.context = NULL;
    assert_true(real_ms() - began >= 200);
    assert_true(slow_names_asked() > 0); /* and not answered yet */
}

static void deadlines_reach_an_event_loop(void **state)
{
    fixture *f = *state;
    outcome late;
    open_transport(f);
    int fd = f->transport.fd(f->transport.context);
    snprintf(f->url, sizeof f->url, "http://slow.example/x");
    exchange(&late, f, "GET", NULL)->exchange.connect_timeout_ms = 200;
    begin(f, &late);
    drive_by_descriptor(f, fd, &late);
    assert_failed(late, TIMEOUT, NOT_SENT);
}

/* How long the last of four reads ends after the first, each of which has so long to connect. */
static int64_t ends_apart(fixture *f, uint32_t timeout_ms)
{
    outcome o[4];
    int64_t first_end = 0;
    for (int i = 0; i < 4; i++) {
        exchange(&o[i], f, "GET", NULL)->exchange.timeout_ms = timeout_ms;
        o[i].exchange.connect_timeout_ms = timeout_ms;
        begin(f, &o[i]);
    }
    for (int i = 0; i < 4; i++) {
        finish(f, &o[i]);
        assert_failed(o[i], TIMEOUT, NOT_SENT);
        first_end = i == 0 ? real_ms() : first_end;
    }
    return real_ms() - first_end;
}

/* Were the time of those behind to begin with the first one's end, it would be over as much later:
 * on whatever machine, and with however much time. */
static void deadlines_hold_for_reads_that_wait_for_the_first(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = NULL, .then = STALL});
    memmove(f->url + 5, f->url + 4, strlen(f->url + 4) + 1);
    f->url[4] = 's'; /* a handshake that does not end */
    uint32_t timeout_ms = 1000;
    while (ends_apart(f, timeout_ms) >= timeout_ms * 7 / 10)
        assert_true((timeout_ms *= 2) < PATIENCE_MS);
}

/* -- threads ----------------------------------------------------------------------------------- */

static void *read_in_a_thread(void *argument)
{
    fixture f = *(fixture *)argument; /* each thread has a transport of its own */
    open_transport(&f);
    outcome o = run(&f, "GET", NULL);
    f.transport.destroy(f.transport.context);
    return o.code == EMQX_TLS_OK && o.status == 200 ? argument : NULL;
}

static void threads_may_make_their_transports_at_once(void **state)
{
    fixture *f = *state;
    pthread_t threads[8];
    static const loopback_answer answer = {.text = RUNNING};
    f->server = loopback_start(&(loopback_options){.answers = &answer, .count = 1});
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/x", loopback_port(f->server));
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, read_in_a_thread, f);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

/* -- memory ------------------------------------------------------------------------------------ */

static void a_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    fixture *f = *state;
    emqxi_error error;
    SERVE(f, {.text = RUNNING});
    f->transport.destroy(f->transport.context);
    f->transport.context = NULL;
    size_t i = 0;
    for (int failed = 1; failed; i++) {
        outcome o = {0};
        emqx_tls_test_allocator_fail(f->allocator, i + 1, 0);
        emqx_tls_code code = emqxi_curl_transport(&f->options, &f->transport, &error);
        if (code == EMQX_TLS_OK) {
            exchange(&o, f, "GET", NULL);
            code = f->transport.start(f->transport.context, &o.exchange, &o.handle);
            if (code == EMQX_TLS_OK) {
                finish(f, &o);
                code = o.code;
            }
            f->transport.destroy(f->transport.context);
        }
        f->transport.context = NULL;
        failed = emqx_tls_test_allocator_failed(f->allocator);
        assert_int_equal(code, failed ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_OK);
    }
    emqx_tls_test_allocator_fail(f->allocator, 0, 0);
    assert_in_range(i, 6, 20); /* context, table, exceptions, transfer, URL, reply */
}

static void warm_reads_allocate_nothing_of_the_librarys_own(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "GET", NULL);
    size_t before = emqx_tls_test_allocator_count(f->allocator);
    for (int i = 0; i < 10; i++)
        run(f, "GET", NULL);
    assert_int_equal(emqx_tls_test_allocator_count(f->allocator), before);
}

static void a_read_in_flight_takes_little_memory(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    SERVE(f, {.text = RUNNING});
    size_t before = emqx_tls_test_allocator_live(f->allocator);
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    for (int i = 0; i < MANY; i++)
        finish(f, &o[i]);
    assert_in_range((emqx_tls_test_allocator_peak(f->allocator) - before) / MANY, 1, 2048);
}

static int end(void **state)
{
    (void)state;
    slow_names_answer();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first, while libcurl is not set up yet */
        TEST(threads_may_make_their_transports_at_once),
        TEST(deadlines_hold_while_a_name_is_looked_up),
        TEST(deadlines_reach_an_event_loop),
        TEST(deadlines_hold_for_reads_that_wait_for_the_first),
        TEST(a_failed_allocation_is_told_and_leaks_nothing),
        TEST(warm_reads_allocate_nothing_of_the_librarys_own),
        TEST(a_read_in_flight_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
