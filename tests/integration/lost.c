/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Connections that break, at every stage of a request. A write is never seen twice, and each
 * arrival was paid for.
 */
#include "emulator_client.h"

#include <pthread.h>
#include <stdio.h>

/* A certificate is in place, and a client with a quota of its own has sent nothing yet. */
static void start(fixture *f)
{
    fixture_start_with_certificate(f);
    fixture_limit(f, 0, 0, 0);
    emqx_tls_config config = fixture_config(f);
    fixture_client(f, &config);
}

/* The same client with this deadline. */
static void limit_time(fixture *f, uint32_t timeout_ms)
{
    emqx_tls_config config = fixture_config(f);
    config.timeout_ms = timeout_ms;
    fixture_client(f, &config);
}

static size_t unread(const fixture *f)
{
    json_t *log = emulator_log(&f->emulator), *one;
    size_t i, n = 0;
    json_array_foreach(log, i, one)
    {
        n += json_is_false(json_object_get(one, "read"));
    }
    json_decref(log);
    return n;
}

static size_t arrived(const fixture *f)
{
    return emulator_arrivals(&f->emulator, "PUT", ID) + unread(f);
}

/* Where it breaks. */
enum stage { ON_ITS_WAY, NO_ANSWER, IN_THE_ANSWER };

/* A write that meets this is sent once, paid for, and never repeated; its caller is told that it
 * may have been carried out. */
static void a_write_leaves_once(enum stage stage, const char *fault)
{
    fixture f;
    start(&f);
    emulator_fault(&f.emulator, fault);
    assert_int_equal(put(&f), EMQX_TLS_E_TRANSPORT);
    if (stage == IN_THE_ANSWER)
        assert_int_not_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    else
        assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(f.error.attempts, 1);
    assert_non_null(strstr(f.error.message, "may have been carried out"));
    assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), stage != ON_ITS_WAY);
    assert_int_equal(unread(&f), stage == ON_ITS_WAY);
    assert_int_equal(fixture_used(&f, EMQX_TLS_OP_UPDATE), 1);
    assert_int_equal(emulator_count(&f.emulator, "faults_left"), 0);
    fixture_end(&f);
}

static void a_write_without_an_answer_arrives_once(void **state)
{
    (void)state;
    a_write_leaves_once(NO_ANSWER, "{'method': 'PUT', 'cut': 0, 'end': 'drop'}");
    a_write_leaves_once(NO_ANSWER, "{'method': 'PUT', 'cut': 0, 'end': 'close'}");
    a_write_leaves_once(NO_ANSWER, "{'method': 'PUT', 'cut': 0, 'end': 'reset'}");
    a_write_leaves_once(NO_ANSWER,
                        "{'method': 'PUT', 'carry_out': false, 'cut': 0, 'end': 'reset'}");
}

static void a_write_whose_answer_breaks_off_arrives_once(void **state)
{
    (void)state;
    a_write_leaves_once(IN_THE_ANSWER, "{'method': 'PUT', 'cut': 40, 'end': 'drop'}");
    a_write_leaves_once(IN_THE_ANSWER, "{'method': 'PUT', 'cut': 40, 'end': 'close'}");
    a_write_leaves_once(IN_THE_ANSWER, "{'method': 'PUT', 'cut': 40, 'end': 'reset'}");
    a_write_leaves_once(IN_THE_ANSWER, "{'method': 'PUT', 'cut_body': 0, 'end': 'close'}");
    a_write_leaves_once(IN_THE_ANSWER, "{'method': 'PUT', 'cut_body': 9, 'end': 'reset'}");
}

static void a_write_that_broke_off_on_its_way_is_not_repeated(void **state)
{
    (void)state;
    a_write_leaves_once(ON_ITS_WAY, "{'read': 0, 'end': 'reset'}");
    a_write_leaves_once(ON_ITS_WAY, "{'read': 0, 'end': 'drop'}");
    a_write_leaves_once(ON_ITS_WAY, "{'read': 1, 'end': 'close'}");
    a_write_leaves_once(ON_ITS_WAY, "{'read': 300, 'end': 'reset'}");
}

static void a_delete_without_an_answer_arrives_once(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    emulator_fault(&f.emulator, "{'method': 'DELETE', 'cut': 0, 'end': 'drop'}");
    assert_int_equal(delete_it(&f), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(emulator_arrivals(&f.emulator, "DELETE", ID), 1);
    fixture_end(&f);
}

static void a_stalled_write_times_out_and_arrives_once(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'cut': 0, 'end': 'stall'}", "{'cut': 40, 'end': 'stall'}", "{'read': 0, 'end': 'stall'}",
        "{'piece': 1, 'piece_ms': 100}"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        start(&f);
        emulator_fault(&f.emulator, faults[i]);
        /* where that was over before the request was sent: once more, with more time */
        for (uint32_t timeout_ms = 400; timeout_ms < PATIENCE_MS; timeout_ms *= 2) {
            limit_time(&f, timeout_ms);
            int64_t before = real_ms();
            assert_int_equal(put(&f), EMQX_TLS_E_TIMEOUT);
            assert_in_range(real_ms() - before, timeout_ms - 10, timeout_ms + PATIENCE_MS);
            if (f.error.delivery != EMQX_TLS_DELIVERY_NOT_SENT)
                break;
        }
        assert_int_not_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
        assert_int_equal(f.error.attempts, 1);
        while (emulator_count(&f.emulator, "faults_left") > 0 || arrived(&f) == 0)
            ; /* it may still be on its way */
        assert_int_equal(arrived(&f), 1);
        fixture_end(&f);
    }
}

static void a_connection_that_never_came_about_is_tried_again(void **state)
{
    (void)state;
    static const char *const faults[] = {"{'at': 'connect', 'end': 'reset'}",
                                         "{'at': 'connect', 'end': 'drop'}"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        start(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(put(&f), EMQX_TLS_OK);
        assert_int_equal(f.error.attempts, 2);
        assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
        assert_int_equal(fixture_used(&f, EMQX_TLS_OP_UPDATE),
                         1); /* the first gave its slot back */
        fixture_end(&f);
    }
}

static void a_handshake_that_stalls_is_bounded_and_costs_nothing(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    emqx_tls_config config = fixture_config(&f);
    config.connect_timeout_ms = 200;
    config.timeout_ms = 1000;
    fixture_client(&f, &config);
    emulator_fault(&f.emulator, "{'at': 'connect', 'end': 'stall', 'times': 0}");
    int64_t before = real_ms();
    assert_int_equal(put(&f), EMQX_TLS_E_TIMEOUT);
    assert_in_range(real_ms() - before, 190, PATIENCE_MS);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(fixture_used(&f, EMQX_TLS_OP_UPDATE), 0);
    assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 0);
    fixture_end(&f);
}

static void nobody_listens(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    emqx_tls_config config = fixture_config(&f);
    config.endpoint = "https://127.0.0.1:1/public_api/v1"; /* tcpmux: not on a test machine */
    config.timeout_ms = 300;
    fixture_client(&f, &config);
    emqx_tls_code code = put(&f);
    assert_true(code == EMQX_TLS_E_TRANSPORT || code == EMQX_TLS_E_TIMEOUT);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(fixture_used(&f, EMQX_TLS_OP_UPDATE), 0);
    fixture_end(&f);
}

static void a_read_is_repeated_and_paid_each_time(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'times': 2, 'cut': 0, 'end': 'drop'}",
        "{'times': 2, 'cut': 0, 'end': 'reset'}",
        "{'times': 2, 'cut': 100, 'end': 'drop'}",
        "{'times': 2, 'cut_body': 5, 'end': 'drop'}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        start(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_OK);
        assert_int_equal(f.error.attempts, 3);
        assert_int_equal(f.status.state, EMQX_TLS_STATE_RUNNING);
        assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 3);
        assert_int_equal(fixture_used(&f, EMQX_TLS_OP_GET), 3);
        fixture_end(&f);
    }
}

static void a_read_is_repeated_twice_at_most(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    emulator_fault(&f.emulator, "{'times': 0, 'cut': 0, 'end': 'drop'}");
    assert_int_equal(get(&f), EMQX_TLS_E_TRANSPORT);
    assert_int_equal(f.error.attempts, 3);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 3);
    assert_int_equal(fixture_used(&f, EMQX_TLS_OP_GET), 3);
    fixture_end(&f);
}

static void a_stalled_read_takes_half_the_time_and_is_tried_again(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    /* where half the time is too short to connect: once more, with more */
    for (uint32_t timeout_ms = 3000; timeout_ms < 2 * PATIENCE_MS; timeout_ms *= 2) {
        limit_time(&f, timeout_ms);
        emulator_clear_faults(&f.emulator);
        emulator_fault(&f.emulator, "{'cut': 0, 'end': 'stall'}");
        size_t before = emulator_arrivals(&f.emulator, "GET", ID);
        if (get(&f) != EMQX_TLS_OK)
            continue;
        assert_int_equal(f.error.attempts, 2);
        assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID) - before, 2);
        break;
    }
    assert_int_equal(f.error.code, EMQX_TLS_OK);
    fixture_end(&f);
}

/* The server's keep-alive ends without a word: libcurl would send the request again by itself. */
static void a_dead_kept_connection_makes_no_unpaid_arrival(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'end': 'drop'}",  /* at once */
        "{'end': 'close'}", /* with close_notify */
        "{'reused': true, 'read': 0, 'end': 'drop'}",
        "{'reused': true, 'read': 0, 'end': 'reset'}",
        "{'reused': true, 'read': 10, 'end': 'drop'}",
        "{'reused': true, 'cut': 0, 'end': 'drop'}",
        "{'reused': true, 'cut': 0, 'end': 'close'}",
        "{'reused': true, 'cut': 0, 'end': 'reset'}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        start(&f);
        emulator_fault(&f.emulator, faults[i]);
        uint32_t attempts = 0;
        for (int n = 0; n < 3; n++) {
            assert_int_equal(get(&f), EMQX_TLS_OK);
            attempts += f.error.attempts;
        }
        assert_int_equal(emulator_count(&f.emulator, "faults_left"), 0);
        /* A request on a connection that was already dead is paid for, and arrives nowhere. */
        assert_true(emulator_arrivals(&f.emulator, "GET", ID) + unread(&f) <= attempts);
        assert_true(attempts > 3 || i < 2);
        assert_int_equal(fixture_used(&f, EMQX_TLS_OP_GET), attempts);
        fixture_end(&f);
    }
}

/* Once the request has arrived. */
static void *interrupt_soon(void *user)
{
    fixture *f = user;
    while (emulator_count(&f->emulator, "faults_left") > 0)
        ;
    emqx_tls_client_interrupt(f->client);
    return NULL;
}

static void a_stalled_call_can_be_interrupted(void **state)
{
    (void)state;
    fixture f;
    pthread_t thread;
    start(&f);
    emulator_fault(&f.emulator, "{'cut': 0, 'end': 'stall'}");
    int64_t before = real_ms();
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, &f), 0);
    assert_int_equal(put(&f), EMQX_TLS_E_CANCELLED);
    pthread_join(thread, NULL);
    assert_in_range(real_ms() - before, 0, PATIENCE_MS);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_without_an_answer_arrives_once),
        cmocka_unit_test(a_write_whose_answer_breaks_off_arrives_once),
        cmocka_unit_test(a_write_that_broke_off_on_its_way_is_not_repeated),
        cmocka_unit_test(a_delete_without_an_answer_arrives_once),
        cmocka_unit_test(a_stalled_write_times_out_and_arrives_once),
        cmocka_unit_test(a_connection_that_never_came_about_is_tried_again),
        cmocka_unit_test(a_handshake_that_stalls_is_bounded_and_costs_nothing),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_read_is_repeated_and_paid_each_time),
        cmocka_unit_test(a_read_is_repeated_twice_at_most),
        cmocka_unit_test(a_stalled_read_takes_half_the_time_and_is_tried_again),
        cmocka_unit_test(a_dead_kept_connection_makes_no_unpaid_arrival),
        cmocka_unit_test(a_stalled_call_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
