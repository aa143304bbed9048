/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Many exchanges at once, and the ways to drive, wake and end them.
 */
#include "support/loopback_transport.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define RUNNING OK_JSON("{\"status\":\"running\"}", 20)
#define MANY    40

static void poll_until_arrived(fixture *f, size_t requests)
{
    for (int64_t end = real_ms() + PATIENCE_MS;
         loopback_requests(f->server) < requests && real_ms() < end;)
        poll_once(f, 5);
    assert_int_equal(loopback_requests(f->server), requests);
}

/* -- cancel ------------------------------------------------------------------------------------ */

static void cancelled_before_it_departs_nothing_was_sent(void **state)
{
    fixture *f = *state;
    outcome o;
    SERVE(f, {.text = RUNNING});
    begin(f, exchange(&o, f, "PUT", "{}"));
    assert_int_equal(cancel(f, &o), EMQX_TLS_DELIVERY_NOT_SENT);
    poll_once(f, 50);
    assert_int_equal(o.done, 0);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void cancelled_in_the_handshake_nothing_was_sent(void **state)
{
    fixture *f = *state;
    outcome o;
    SERVE(f, {.text = NULL, .then = STALL});
    /* http -> https, which the server does not speak */
    memmove(f->url + 5, f->url + 4, strlen(f->url + 4) + 1);
    f->url[4] = 's';
    begin(f, exchange(&o, f, "PUT", "{}"));
    while (loopback_connections(f->server) == 0)
        poll_once(f, 20);
    poll_once(f, 20);
    assert_int_equal(cancel(f, &o), EMQX_TLS_DELIVERY_NOT_SENT);
}

static void cancelled_after_it_departed_it_may_have_been_carried_out(void **state)
{
    fixture *f = *state;
    outcome o;
    SERVE(f, {.text = NULL, .then = STALL}, {.text = RUNNING});
    begin(f, exchange(&o, f, "PUT", "{}"));
    poll_until_arrived(f, 1);
    assert_int_equal(cancel(f, &o), EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(o.done, 0);
    o = run(f, "GET", NULL); /* and the next is not disturbed */
    assert_answered(o, 200);
}

static fixture *in_done;
static outcome pair[2];
static uint32_t delivery_in_done;

static void cancel_the_other(void *user, const emqx_tls_reply *reply)
{
    on_done(user, reply);
    delivery_in_done = cancel(in_done, user == &pair[0] ? &pair[1] : &pair[0]);
}

static void done_may_cancel_another_that_is_finished_too(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING, .held = true});
    in_done = f;
    for (int i = 0; i < 2; i++) {
        exchange(&pair[i], f, "PUT", "{}")->exchange.done = cancel_the_other;
        begin(f, &pair[i]);
    }
    poll_until_arrived(f, 2);
    loopback_release(f->server);
    while (loopback_answers(f->server) < 2)
        ; /* both answers are there, so that one poll finishes both */
    for (int64_t end = real_ms() + PATIENCE_MS; !pair[0].done && !pair[1].done && real_ms() < end;)
        poll_once(f, 1000);
    assert_int_equal(delivery_in_done, EMQX_TLS_DELIVERY_MAYBE);
    poll_once(f, 50);
    assert_int_equal(pair[0].done + pair[1].done, 1);
}

static void reads_behind_a_first_one_that_is_cancelled_go_on(void **state)
{
    fixture *f = *state;
    outcome first, second, third;
    SERVE(f, {.text = RUNNING});
    begin(f, exchange(&first, f, "GET", NULL));
    begin(f, exchange(&second, f, "GET", NULL));
    begin(f, exchange(&third, f, "GET", NULL));
    assert_int_equal(cancel(f, &second), EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(cancel(f, &first), EMQX_TLS_DELIVERY_NOT_SENT);
    finish(f, &third);
    assert_answered(third, 200);
    assert_int_equal(loopback_requests(f->server), 1);
}

static void reads_held_back_may_be_cancelled_in_any_order(void **state)
{
    enum { FIRST, HELD = 6, LATER = 2, ALL = FIRST + 1 + HELD + LATER };
    static const int cancelled[] = {HELD, 1, 3, 4}; /* the last, the first, two in the middle */
    fixture *f = *state;
    static outcome o[ALL];
    SERVE(f, {.text = RUNNING});
    for (int i = FIRST; i <= HELD; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    for (size_t i = 0; i < sizeof cancelled / sizeof cancelled[0]; i++)
        assert_int_equal(cancel(f, &o[cancelled[i]]), EMQX_TLS_DELIVERY_NOT_SENT);
    for (int i = HELD + 1; i < ALL; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    static const int left[] = {FIRST, 2, 5, HELD + 1, HELD + 2};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        finish(f, &o[left[i]]);
        assert_answered(o[left[i]], 200);
    }
    assert_int_equal(loopback_requests(f->server), sizeof left / sizeof left[0]);
}

static void reads_behind_many_that_connect_and_are_cancelled_go_on(void **state)
{
    enum { CONNECTING = 64, BEHIND = 10 };
    fixture *f = *state;
    static outcome first, connecting[CONNECTING], behind[BEHIND];
    SERVE(f, {.text = NULL, .then = STALL}, {.text = RUNNING});
    begin(f, exchange(&first, f, "GET", NULL));
    poll_until_arrived(f, 1);
    for (int i = 0; i < CONNECTING; i++)
        begin(f, exchange(&connecting[i], f, "GET", NULL));
    for (int i = 0; i < BEHIND; i++)
        begin(f, exchange(&behind[i], f, "GET", NULL));
    for (int i = 0; i < CONNECTING; i++)
        assert_int_equal(cancel(f, &connecting[i]), EMQX_TLS_DELIVERY_NOT_SENT);
    for (int i = 0; i < BEHIND; i++) {
        finish(f, &behind[i]);
        assert_answered(behind[i], 200);
    }
    assert_int_equal(cancel(f, &first), EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(loopback_requests(f->server), 1 + BEHIND);
}

/* -- start ------------------------------------------------------------------------------------- */

static int chain_left;

static void start_the_next(void *user, const emqx_tls_reply *reply)
{
    outcome *o = user;
    on_done(user, reply);
    if (--chain_left > 0) {
        o->done = 0;
        begin(in_done, o);
    }
}

static void done_may_start_the_next(void **state)
{
    fixture *f = *state;
    outcome o;
    SERVE(f, {.text = RUNNING});
    in_done = f;
    chain_left = 5;
    exchange(&o, f, "GET", NULL)->exchange.done = start_the_next;
    begin(f, &o);
    for (int64_t end = real_ms() + PATIENCE_MS; chain_left > 0 && real_ms() < end;)
        poll_once(f, 1000);
    assert_int_equal(chain_left, 0);
    assert_answered(o, 200);
    assert_int_equal(loopback_requests(f->server), 5);
    assert_int_equal(loopback_connections(f->server), 1);
}

static void many_at_once(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    SERVE(f, {.text = RUNNING, .pause_ms = 20});
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            begin(f, exchange(&o[i], f, i % 4 ? "GET" : "PUT", i % 4 ? NULL : "{}"));
        for (int i = 0; i < MANY; i++) {
            finish(f, &o[i]);
            assert_answered(o[i], 200);
        }
        outcome alone = run(f, "GET", NULL);
        assert_answered(alone, 200);
    }
    assert_int_equal(loopback_requests(f->server), 2 * (MANY + 1));
}

static void reads_that_begin_together_connect_in_parallel(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    SERVE(f, {.text = RUNNING, .held = true});
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    poll_until_arrived(f, MANY); /* while none is answered */
    loopback_release(f->server);
    for (int i = 0; i < MANY; i++)
        finish(f, &o[i]);
}

/* -- waking, and the descriptor ---------------------------------------------------------------- */

static atomic_bool waking;

static void *wake_later(void *transport)
{
    const emqx_tls_transport *t = transport;
    usleep(100000); /* so that the other most likely is in poll */
    atomic_store(&waking, true);
    t->wake(t->context);
    return NULL;
}

static void a_wake_ends_the_poll_of_another_thread(void **state)
{
    fixture *f = *state;
    outcome o;
    pthread_t thread;
    SERVE(f, {.text = NULL, .then = STALL});
    for (int with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
        if (with_descriptor)
            assert_true(f->transport.fd(f->transport.context) >= 0);
        begin(f, exchange(&o, f, "GET", NULL));
        poll_until_arrived(f, (size_t)with_descriptor + 1);
        int64_t began = real_ms();
        atomic_store(&waking, false);
        pthread_create(&thread, NULL, wake_later, &f->transport);
        while (!atomic_load(&waking)) /* libcurl's own timers may end a poll too */
            poll_once(f, 2 * PATIENCE_MS);
        pthread_join(thread, NULL);
        assert_in_range(real_ms() - began, 0, PATIENCE_MS);
        assert_int_equal(o.done, 0);
        cancel(f, &o);
    }
}

static void a_wake_with_no_poll_running_ends_the_next(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    f->transport.wake(f->transport.context);
    f->transport.wake(f->transport.context);
    int64_t began = real_ms();
    poll_once(f, 2 * PATIENCE_MS);
    assert_in_range(real_ms() - began, 0, PATIENCE_MS);
    began = real_ms();
    poll_once(f, 60); /* and only the next */
    assert_in_range(real_ms() - began, 55, PATIENCE_MS);
}

static void the_descriptor_is_all_that_an_event_loop_needs(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    SERVE(f, {.text = RUNNING, .pause_ms = 10});
    int fd = f->transport.fd(f->transport.context);
    assert_int_equal(f->transport.fd(f->transport.context), fd);
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&o[i], f, i % 4 ? "GET" : "PUT", i % 4 ? NULL : "{}"));
    for (int i = 0; i < MANY; i++) {
        drive_by_descriptor(f, fd, &o[i]);
        assert_answered(o[i], 200);
    }
    loopback_stop(f->server); /* idle connections end: no work, or work that one poll does */
    f->server = NULL;
    for (int i = 0; i < 10 && readable(fd, 20); i++)
        poll_once(f, 0);
    assert_false(readable(fd, 20));
    f->transport.wake(f->transport.context);
    assert_true(readable(fd, 0));
    poll_once(f, 0);
    assert_false(readable(fd, 20));
}

static void the_descriptor_may_be_asked_for_in_the_middle(void **state)
{
    fixture *f = *state;
    outcome o;
    SERVE(f, {.text = RUNNING, .held = true});
    begin(f, exchange(&o, f, "GET", NULL));
    /* libcurl's timers of the beginning are over then */
    for (int64_t end = real_ms() + 400; real_ms() < end;)
        poll_once(f, 50);
    int fd = f->transport.fd(f->transport.context);
    loopback_release(f->server);
    drive_by_descriptor(f, fd, &o);
    assert_answered(o, 200);
}

/* Who has asked for no descriptor hears of an answer by looking. */
static void sleeping_for_next_ms_is_enough(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    int polls = 0;
    SERVE(f, {.text = RUNNING, .pause_ms = 300});
    assert_int_equal(f->transport.next_ms(f->transport.context), -1);
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    for (int i = 0; i < MANY; i++)
        for (; !o[i].done; polls++) {
            int64_t next = f->transport.next_ms(f->transport.context);
            assert_in_range(next, 0, 1000);
            poll(NULL, 0, (int)next);
            poll_once(f, 0);
        }
    for (int i = 0; i < MANY; i++)
        assert_answered(o[i], 200);
    assert_in_range(polls, 2, 20 * MANY); /* and no busy waiting */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancelled_before_it_departs_nothing_was_sent),
        TEST(cancelled_in_the_handshake_nothing_was_sent),
        TEST(cancelled_after_it_departed_it_may_have_been_carried_out),
        TEST(done_may_cancel_another_that_is_finished_too),
        TEST(reads_behind_a_first_one_that_is_cancelled_go_on),
        TEST(reads_held_back_may_be_cancelled_in_any_order),
        TEST(reads_behind_many_that_connect_and_are_cancelled_go_on),
        TEST(done_may_start_the_next),
        TEST(many_at_once),
        TEST(reads_that_begin_together_connect_in_parallel),
        TEST(a_wake_ends_the_poll_of_another_thread),
        TEST(a_wake_with_no_poll_running_ends_the_next),
        TEST(the_descriptor_is_all_that_an_event_loop_needs),
        TEST(the_descriptor_may_be_asked_for_in_the_middle),
        TEST(sleeping_for_next_ms_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
