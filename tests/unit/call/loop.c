/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The loop of a client, driven by calls of the test's own that send nothing.
 */
#include "support/scripted_client.h"

#include <pthread.h>
#include <stdlib.h>

#include "call/client.h"

enum { TOYS = 600 };

typedef struct toy toy;
struct toy {
    emqx_tls_call call;
    void (*act)(toy *t); /* when it is advanced; NULL: nothing */
    int advanced, stopped, done, released;
    int64_t at;        /* when it was last advanced */
    atomic_int posted; /* by other threads, before they wake it */
    atomic_int taken;  /* of these */
};

static fixture *f;
static toy toys[TOYS];
static int order[2 * TOYS]; /* the toys that were advanced, or done */
static size_t order_count;

static toy *toy_of(emqx_tls_call *call)
{
    return (toy *)call;
}

static void note_order(const toy *t)
{
    order[order_count++ % (2 * TOYS)] = (int)(t - toys);
}

static void toy_advance(emqx_tls_call *call)
{
    toy *t = toy_of(call);
    t->advanced++;
    t->at = now(f);
    note_order(t);
    if (t->act)
        t->act(t);
}

static void toy_stop(emqx_tls_call *call)
{
    toy_of(call)->stopped++;
}

static void toy_release(emqx_tls_call *call)
{
    toy_of(call)->released++;
}

static void toy_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call, (void)code;
    ((toy *)user)->done++;
}

static void finish(toy *t)
{
    emqxi_call_finish(&t->call);
}

static const emqxi_call_type toy_type = {toy_advance, toy_stop, toy_release};

static toy *enter(int i, void (*act)(toy *t))
{
    toy *t = &toys[i];
    t->act = act;
    t->call.type = &toy_type;
    t->call.done = toy_done;
    t->call.user = t;
    assert_int_equal(emqxi_call_enter(f->client, &t->call), EMQX_TLS_OK);
    return t;
}

static void turn(int64_t timeout_ms)
{
    assert_int_equal(emqxi_turn(f->client, timeout_ms, NULL), EMQX_TLS_OK);
}

static void assert_order(const int *wanted, size_t count)
{
    assert_int_equal(order_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(order[i], wanted[i]);
}
#define ASSERT_ORDER(...)                                                                          \
    assert_order((const int[]){__VA_ARGS__}, sizeof(const int[]){__VA_ARGS__} / sizeof(int))

/* Every call is told and let go once. */
static void assert_all_over(int count)
{
    assert_int_equal(f->client->call_count, 0);
    assert_int_equal(emqxi_next_ms(f->client), -1);
    for (int i = 0; i < count; i++) {
        assert_int_equal(toys[i].done, 1);
        assert_int_equal(toys[i].released, 1);
    }
}

/* -- what is ready ----------------------------------------------------------------------------- */

static void what_was_ready_first_goes_first(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        enter(i, finish);
    assert_int_equal(emqxi_next_ms(f->client), 0);
    turn(0);
    ASSERT_ORDER(0, 1, 2);
    assert_all_over(3);
}

static void what_is_ready_twice_goes_once(void **state)
{
    (void)state;
    toy *t = enter(0, NULL);
    emqxi_call_ready(&t->call);
    emqxi_call_wake(&t->call);
    emqxi_call_wake(&t->call);
    turn(0);
    assert_int_equal(t->advanced, 1);
    finish(t);
    turn(0);
    assert_all_over(1);
}

static void be_ready_again(toy *t)
{
    if (t->advanced < 3)
        emqxi_call_ready(&t->call);
    else
        finish(t);
}

static void a_call_may_go_on_in_the_same_turn_behind_the_others(void **state)
{
    (void)state;
    enter(0, be_ready_again);
    enter(1, be_ready_again);
    turn(0);
    ASSERT_ORDER(0, 1, 0, 1, 0, 1);
    assert_all_over(2);
}

static void interrupt(toy *t)
{
    emqx_tls_client_interrupt(f->client);
    finish(t);
}

static void an_interrupt_comes_between_two_calls(void **state)
{
    (void)state;
    enter(0, interrupt);
    enter(1, finish);
    turn(-1); /* and waits for nothing */
    ASSERT_ORDER(0);
    assert_int_equal(emqxi_next_ms(f->client), 0);
    atomic_store(&f->client->interrupted, false);
    turn(-1);
    ASSERT_ORDER(0, 1);
    assert_all_over(2);
}

/* -- timers ------------------------------------------------------------------------------------ */

static int64_t due[TOYS];

static void timers_go_off_in_their_order_and_at_their_time(void **state)
{
    (void)state;
    int64_t began = now(f);
    srand(1);
    for (int i = 0; i < TOYS; i++)
        enter(i, NULL);
    turn(0);
    order_count = 0;
    for (int i = 0; i < TOYS; i++) {
        toys[i].act = finish;
        emqxi_call_at(&toys[i].call, began + 1 + rand() % 1000000);
    }
    for (int i = 0; i < TOYS; i++) { /* set anew, to an earlier or a later time */
        due[i] = began + 1 + rand() % 1000000;
        emqxi_call_at(&toys[i].call, due[i]);
    }
    for (int i = 0; i < TOYS; i += 3) { /* and over before it, in the middle of the heap */
        due[i] = 0;
        finish(&toys[i]);
    }
    while (f->client->call_count > 0)
        turn(-1);
    assert_int_equal(order_count, TOYS - TOYS / 3);
    for (size_t n = 1; n < order_count; n++)
        assert_true(due[order[n - 1]] <= due[order[n]]);
    for (int i = 0; i < TOYS; i++) {
        assert_int_equal(toys[i].at, due[i] ? due[i] : began);
        assert_int_equal(toys[i].advanced, due[i] ? 2 : 1);
    }
    assert_all_over(TOYS);
}

static void a_turn_waits_for_the_first_timer_or_its_own_time(void **state)
{
    (void)state;
    int64_t began = now(f);
    toy *t = enter(0, NULL);
    turn(0);
    emqxi_call_at(&t->call, began + 700);
    assert_int_equal(emqxi_next_ms(f->client), 700);
    turn(200);
    assert_int_equal(now(f) - began, 200);
    assert_int_equal(t->advanced, 1);
    assert_int_equal(emqxi_next_ms(f->client), 500);
    turn(-1);
    assert_int_equal(now(f) - began, 700);
    assert_int_equal(t->advanced, 2);
    emqxi_call_at(&t->call, began); /* it is long past */
    assert_int_equal(emqxi_next_ms(f->client), 0);
    turn(0);
    assert_int_equal(now(f) - began, 700);
    assert_int_equal(t->advanced, 3);
    finish(t);
    turn(0);
    assert_all_over(1);
}

static void without_a_wake_a_turn_waits_a_tenth_of_a_second_at_most(void **state)
{
    (void)state;
    emqx_tls_client_free(f->client);
    f->config.transport = emqx_tls_test_transport_blocking(f->script);
    open_client(f);
    int64_t began = now(f);
    toy *t = enter(0, NULL);
    turn(0);
    emqxi_call_at(&t->call, began + 700);
    assert_int_equal(emqxi_next_ms(f->client), 100);
    turn(-1);
    assert_int_equal(now(f) - began, 100);
    assert_int_equal(t->advanced, 1);
    finish(t);
    turn(0);
    assert_all_over(1);
}

/* -- waking ------------------------------------------------------------------------------------ */

enum { WAKERS = 4, WAKES = 2000, WOKEN = 8 };

/* Now and then it waits until the loop has seen what it posted: a wake that got lost would leave
 * both without an end. */
static void *wake_them(void *unused)
{
    (void)unused;
    for (int i = 0; i < WAKES; i++) {
        toy *t = &toys[i % WOKEN];
        int posted = atomic_fetch_add(&t->posted, 1) + 1;
        emqxi_call_wake(&t->call);
        while (i % 10 == 0 && atomic_load(&t->taken) < posted)
            sched_yield();
    }
    return NULL;
}

static void take(toy *t)
{
    atomic_store(&t->taken, atomic_load(&t->posted));
}

static int all_taken(void)
{
    int n = 0;
    for (int i = 0; i < WOKEN; i++)
        n += toys[i].taken;
    return n;
}

static void no_wake_of_another_thread_is_lost(void **state)
{
    (void)state;
    pthread_t threads[WAKERS];
    for (int i = 0; i < WOKEN; i++)
        enter(i, take);
    for (int i = 0; i < WAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wake_them, NULL), 0);
    while (all_taken() < WAKERS * WAKES)
        turn(-1);
    for (int i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WOKEN; i++)
        finish(&toys[i]);
    turn(0);
    assert_all_over(WOKEN);
}

/* -- ends -------------------------------------------------------------------------------------- */

static void end_in_order(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    toy_done(user, call, code);
    note_order(user);
}

static void end_another(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    end_in_order(user, call, code);
    finish(&toys[2]);
}

static void done_comes_in_the_order_of_the_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        enter(i, NULL)->call.done = i == 1 ? end_another : end_in_order;
    turn(0);
    order_count = 0;
    finish(&toys[1]);
    finish(&toys[0]);
    assert_true(emqxi_deliver(f->client));
    ASSERT_ORDER(1, 0); /* what a `done` ends comes with the next */
    assert_true(emqxi_deliver(f->client));
    ASSERT_ORDER(1, 0, 2);
    assert_false(emqxi_deliver(f->client));
    assert_all_over(3);
}

static void a_cancelled_call_is_stopped_and_told(void **state)
{
    (void)state;
    toy *t = enter(0, NULL);
    turn(0);
    emqxi_call_at(&t->call, now(f) + 1000);
    t->call.error.delivery = EMQX_TLS_DELIVERY_MAYBE; /* what stop says */
    emqxi_call_cancel(&t->call);
    assert_int_equal(t->stopped, 1);
    assert_int_equal(t->call.error.code, EMQX_TLS_E_CANCELLED);
    assert_non_null(strstr(t->call.error.message, "may have reached the platform"));
    turn(-1);
    assert_all_over(1);
    assert_int_equal(t->advanced, 1);
}

static void cancel_itself(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    toy_done(user, call, code);
    emqxi_call_cancel(call);
}

static void what_is_over_can_not_be_cancelled(void **state)
{
    (void)state;
    toy *t = enter(0, finish);
    t->call.done = cancel_itself;
    finish(t);
    emqxi_call_cancel(&t->call);
    turn(0);
    assert_int_equal(t->stopped, 0);
    assert_int_equal(t->call.error.code, EMQX_TLS_OK);
    assert_int_equal(t->advanced, 0);
    assert_all_over(1);
}

static void a_call_that_is_over_is_not_advanced_though_it_was_woken(void **state)
{
    (void)state;
    toy *t = enter(0, NULL);
    turn(0);
    emqxi_call_wake(&t->call);
    finish(t);
    assert_true(emqxi_deliver(f->client)); /* its memory may be gone from here */
    turn(0);
    assert_int_equal(t->advanced, 1);
    assert_all_over(1);
}

static void an_internal_call_turns_the_loop_and_is_not_pending(void **state)
{
    (void)state;
    toys[0].call.internal = true;
    toy *t = enter(0, NULL);
    turn(0);
    emqxi_call_at(&t->call, now(f) + 10);
    assert_int_equal(emqx_tls_client_pending(f->client), 0);
    assert_int_equal(emqxi_next_ms(f->client), 10);
    finish(t);
    turn(0);
    assert_all_over(1);
}

static void a_call_for_which_there_is_no_memory_is_left_out(void **state)
{
    (void)state;
    toys[0].call.type = &toy_type;
    emqx_tls_test_allocator_fail(f->allocator, 1, 0);
    assert_int_equal(emqxi_call_enter(f->client, &toys[0].call), EMQX_TLS_E_NO_MEMORY);
    assert_int_equal(emqxi_next_ms(f->client), -1);
    turn(0);
    assert_int_equal(toys[0].advanced, 0);
}

static int set_up(void **state)
{
    int code = client_set_up(state);
    f = *state;
    open_client(f);
    memset(toys, 0, sizeof toys);
    order_count = 0;
    return code;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, client_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_ready_first_goes_first),
        TEST(what_is_ready_twice_goes_once),
        TEST(a_call_may_go_on_in_the_same_turn_behind_the_others),
        TEST(an_interrupt_comes_between_two_calls),
        TEST(timers_go_off_in_their_order_and_at_their_time),
        TEST(a_turn_waits_for_the_first_timer_or_its_own_time),
        TEST(without_a_wake_a_turn_waits_a_tenth_of_a_second_at_most),
        TEST(no_wake_of_another_thread_is_lost),
        TEST(done_comes_in_the_order_of_the_ends),
        TEST(a_cancelled_call_is_stopped_and_told),
        TEST(what_is_over_can_not_be_cancelled),
        TEST(a_call_that_is_over_is_not_advanced_though_it_was_woken),
        TEST(an_internal_call_turns_the_loop_and_is_not_pending),
        TEST(a_call_for_which_there_is_no_memory_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
