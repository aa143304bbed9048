/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The test library itself: a fake that lets wrong things pass makes every test that uses it
 * worthless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/test.h>

typedef struct world {
    emqx_tls_test_clock *clock;
    emqx_tls_test_transport *script;
    const emqx_tls_transport *v;
    unsigned done;
    emqx_tls_code code;
    uint32_t delivery, flags;
    int32_t http_status;
    char body[64];
    int64_t at_ms;
} world;

static int set_up(void **state)
{
    static world w;
    w = (world){.clock = emqx_tls_test_clock_new(1000, 5000)};
    w.script = emqx_tls_test_transport_new(w.clock);
    w.v = emqx_tls_test_transport_vtable(w.script);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    emqx_tls_test_transport_free(w->script);
    emqx_tls_test_clock_free(w->clock);
    return 0;
}

static void on_done(void *user, const emqx_tls_reply *reply)
{
    world *w = user;
    w->done++;
    w->code = reply->code;
    w->delivery = reply->delivery;
    w->flags = reply->flags;
    w->http_status = reply->http_status;
    if (reply->body_len > 0)
        memcpy(w->body, reply->body, reply->body_len);
    w->body[reply->body_len] = '\0';
    w->at_ms = emqx_tls_test_clock_now(w->clock);
}

static const char *const no_headers[] = {NULL};

static emqx_tls_exchange exchange(world *w, const char *method, const char *url)
{
    return (emqx_tls_exchange){.size = sizeof(emqx_tls_exchange),
                               .method = method,
                               .url = url,
                               .headers = no_headers,
                               .connect_timeout_ms = 1000,
                               .timeout_ms = 5000,
                               .reply_max = 32,
                               .done = on_done,
                               .done_user = w};
}

static void expect(world *w, emqx_tls_test_step step)
{
    emqx_tls_test_transport_expect(w->script, &step);
}

/* -- clock */

static void sleeping_moves_both_clocks_and_a_step_only_the_wall(void **state)
{
    world *w = *state;
    const emqx_tls_clock *c = emqx_tls_test_clock_vtable(w->clock);
    c->sleep_ms(c->context, 250);
    assert_int_equal(c->now_ms(c->context), 1250);
    assert_int_equal(c->wall_ms(c->context), 5250);
    emqx_tls_test_clock_set_wall(w->clock, 0);
    assert_int_equal(c->now_ms(c->context), 1250);
    assert_int_equal(c->wall_ms(c->context), 0);
}

static void a_reboot_has_another_id(void **state)
{
    world *w = *state;
    const emqx_tls_clock *c = emqx_tls_test_clock_vtable(w->clock);
    unsigned char before[16], same[16], after[16];
    c->boot_id(c->context, before);
    c->boot_id(c->context, same);
    emqx_tls_test_clock_reboot(w->clock, 7, 60000);
    c->boot_id(c->context, after);
    assert_memory_equal(before, same, 16);
    assert_memory_not_equal(before, after, 16);
    assert_int_equal(c->now_ms(c->context), 7);
    assert_int_equal(c->wall_ms(c->context), 65000);
}

typedef struct note {
    world *w;
    int64_t at_ms;
} note;

static void take_note(void *context)
{
    note *n = context;
    n->at_ms = emqx_tls_test_clock_now(n->w->clock);
}

static void an_action_runs_at_its_time_also_while_poll_waits(void **state)
{
    world *w = *state;
    note early = {w, 0}, late = {w, 0};
    emqx_tls_test_clock_at(w->clock, 3000, take_note, &late);
    emqx_tls_test_clock_at(w->clock, 1500, take_note, &early);
    emqx_tls_test_clock_advance(w->clock, 600);
    assert_int_equal(early.at_ms, 1500);
    assert_int_equal(late.at_ms, 0);
    w->v->poll(w->v->context, 5000);
    assert_int_equal(late.at_ms, 3000);
    assert_int_equal(emqx_tls_test_clock_now(w->clock), 6600);
}

/* -- transport */

static void poll_moves_time_to_the_reply(void **state)
{
    world *w = *state;
    void *handle;
    expect(
        w,
        (emqx_tls_test_step){
            .method = "GET", .url = "/d1/tls", .http_status = 200, .body = "{}", .delay_ms = 40});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/deployments/d1/tls");
    assert_int_equal(w->v->start(w->v->context, &x, &handle), EMQX_TLS_OK);
    assert_int_equal(w->v->next_ms(w->v->context), 40);
    w->v->poll(w->v->context, 10);
    assert_int_equal(w->done, 0);
    assert_int_equal(emqx_tls_test_clock_now(w->clock), 1010);
    w->v->poll(w->v->context, 3600000);
    assert_int_equal(w->done, 1);
    assert_int_equal(w->at_ms, 1040);
    assert_int_equal(w->http_status, 200);
    assert_int_equal(w->delivery, EMQX_TLS_DELIVERY_ANSWERED);
    assert_string_equal(w->body, "{}");
    assert_int_equal(w->v->next_ms(w->v->context), -1);
    assert_null(emqx_tls_test_transport_problem(w->script));
}

static void replies_come_by_their_time_and_not_in_the_order_of_start(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 201, .delay_ms = 50});
    expect(w, (emqx_tls_test_step){.http_status = 202, .delay_ms = 20});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/a"),
                      y = exchange(w, "GET", "https://host/b");
    w->v->start(w->v->context, &x, &handle);
    w->v->start(w->v->context, &y, &handle);
    w->v->poll(w->v->context, 1000);
    assert_int_equal(w->http_status, 202);
    w->v->poll(w->v->context, 1000);
    assert_int_equal(w->http_status, 201);
    assert_int_equal(w->at_ms, 1050);
}

static void a_late_reply_is_a_timeout_at_the_deadline(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 200, .delay_ms = 5001});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/a");
    w->v->start(w->v->context, &x, &handle);
    w->v->poll(w->v->context, 3600000);
    assert_int_equal(w->code, EMQX_TLS_E_TIMEOUT);
    assert_int_equal(w->delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(w->at_ms, 6000);
}

static void a_request_that_never_ends_can_be_cancelled(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.flags = EMQX_TLS_TEST_NEVER,
                                   .delivery = EMQX_TLS_DELIVERY_NOT_SENT});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/a");
    w->v->start(w->v->context, &x, &handle);
    w->v->poll(w->v->context, 3600000);
    assert_int_equal(w->done, 0);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "GET https://host/a is still in flight");
    assert_int_equal(w->v->cancel(w->v->context, handle), EMQX_TLS_DELIVERY_NOT_SENT);
    assert_null(emqx_tls_test_transport_problem(w->script));
    assert_int_equal(w->v->cancel(w->v->context, handle), EMQX_TLS_DELIVERY_MAYBE);
    assert_non_null(emqx_tls_test_transport_problem(w->script));
}

static void wake_ends_the_next_poll_once(void **state)
{
    world *w = *state;
    w->v->wake(w->v->context);
    w->v->wake(w->v->context);
    w->v->poll(w->v->context, 1000);
    assert_int_equal(emqx_tls_test_clock_now(w->clock), 1000);
    w->v->poll(w->v->context, 1000);
    assert_int_equal(emqx_tls_test_clock_now(w->clock), 2000);
}

static void wake_during_a_poll_ends_it(void **state)
{
    world *w = *state;
    emqx_tls_test_clock_at(w->clock, 1300, w->v->wake, w->v->context);
    w->v->poll(w->v->context, -1);
    assert_int_equal(emqx_tls_test_clock_now(w->clock), 1300);
}

static void a_request_out_of_the_script_is_told_and_answered(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.method = "GET", .url = "/tls", .http_status = 200});
    emqx_tls_exchange x = exchange(w, "POST", "https://host/tls");
    assert_int_equal(w->v->start(w->v->context, &x, &handle), EMQX_TLS_OK);
    w->v->poll(w->v->context, 0);
    assert_int_equal(w->code, EMQX_TLS_E_TRANSPORT);
    assert_int_equal(w->delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(w->flags, EMQX_TLS_REPLY_PERMANENT);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "request 1, POST https://host/tls: the script expects GET .../tls");
}

static void a_request_after_the_end_of_the_script_is_told(void **state)
{
    world *w = *state;
    void *handle;
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    w->v->start(w->v->context, &x, &handle);
    w->v->poll(w->v->context, 0);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "request 1, GET https://host/tls: the script is at its end");
}

static void steps_that_nobody_asked_for_are_told(void **state)
{
    world *w = *state;
    void *handle;
    expect(w,
           (emqx_tls_test_step){
               .method = "GET", .http_status = 200, .times = 3, .flags = EMQX_TLS_TEST_IN_START});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    w->v->start(w->v->context, &x, &handle);
    assert_int_equal(w->done, 1);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "nobody asked for GET ... (2 times more), the next step");
    w->v->start(w->v->context, &x, &handle);
    w->v->start(w->v->context, &x, &handle);
    assert_null(emqx_tls_test_transport_problem(w->script));
}

static const char *wants_a_body(void *context, const emqx_tls_exchange *x)
{
    return x->body_len == *(size_t *)context ? NULL : "the body has another length";
}

static void a_check_of_the_request_can_object(void **state)
{
    world *w = *state;
    size_t len = 2;
    void *handle;
    expect(w, (emqx_tls_test_step){
                  .check = wants_a_body, .check_context = &len, .http_status = 200, .times = 2});
    emqx_tls_exchange x = exchange(w, "PUT", "https://host/tls");
    x.body = "{}";
    x.body_len = 2;
    w->v->start(w->v->context, &x, &handle);
    w->v->poll(w->v->context, 0);
    assert_null(strstr(emqx_tls_test_transport_problem(w->script), "length"));
    x.body_len = 1;
    w->v->start(w->v->context, &x, &handle);
    w->v->poll(w->v->context, 0);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "request 2, PUT https://host/tls: the body has another length");
}

static void an_exchange_without_a_deadline_is_told(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 200, .flags = EMQX_TLS_TEST_IN_START});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    x.connect_timeout_ms = 0;
    w->v->start(w->v->context, &x, &handle);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "GET https://host/tls: an exchange without a deadline");
}

static void a_reply_over_the_limit_is_a_protocol_error(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 200,
                                   .body = "012345678901234567890123456789012",
                                   .flags = EMQX_TLS_TEST_IN_START});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    w->v->start(w->v->context, &x, &handle);
    assert_int_equal(w->code, EMQX_TLS_E_PROTOCOL);
    assert_int_equal(w->delivery, EMQX_TLS_DELIVERY_ANSWERED);
    assert_string_equal(w->body, "");
}

static void a_failed_start_never_calls_done(void **state)
{
    world *w = *state;
    void *handle;
    expect(w,
           (emqx_tls_test_step){.flags = EMQX_TLS_TEST_START_FAILS, .code = EMQX_TLS_E_NO_MEMORY});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    assert_int_equal(w->v->start(w->v->context, &x, &handle), EMQX_TLS_E_NO_MEMORY);
    w->v->poll(w->v->context, 1000);
    assert_int_equal(w->done, 0);
    assert_null(emqx_tls_test_transport_problem(w->script));
}

static void the_blocking_form_is_start_alone_and_takes_virtual_time(void **state)
{
    world *w = *state;
    void *handle;
    const emqx_tls_transport *b = emqx_tls_test_transport_blocking(w->script);
    assert_null(b->poll);
    assert_null(b->cancel);
    assert_null(b->wake);
    expect(w, (emqx_tls_test_step){.http_status = 200, .delay_ms = 70});
    expect(w, (emqx_tls_test_step){.flags = EMQX_TLS_TEST_NEVER});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    assert_int_equal(b->start(b->context, &x, &handle), EMQX_TLS_OK);
    assert_int_equal(w->done, 1);
    assert_int_equal(w->at_ms, 1070);
    assert_int_equal(b->start(b->context, &x, &handle), EMQX_TLS_OK);
    assert_int_equal(w->code, EMQX_TLS_E_TIMEOUT);
    assert_int_equal(w->at_ms, 6070);
    assert_null(emqx_tls_test_transport_problem(w->script));
}

static void what_came_is_recorded(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 200, .flags = EMQX_TLS_TEST_IN_START});
    emqx_tls_test_clock_advance(w->clock, 11);
    emqx_tls_exchange x = exchange(w, "DELETE", "https://host/deployments/d2/tls");
    x.flags = EMQX_TLS_NEVER_REPEAT;
    w->v->start(w->v->context, &x, &handle);
    assert_int_equal(emqx_tls_test_transport_count(w->script), 1);
    const emqx_tls_test_seen *seen = emqx_tls_test_transport_seen(w->script, 0);
    assert_int_equal(seen->at_ms, 1011);
    assert_int_equal(seen->flags, EMQX_TLS_NEVER_REPEAT);
    assert_int_equal(seen->timeout_ms, 5000);
    assert_string_equal(seen->method, "DELETE");
    assert_string_equal(seen->url, "https://host/deployments/d2/tls");
    assert_null(emqx_tls_test_transport_seen(w->script, 1));
}

static void destroy_with_an_exchange_in_flight_is_told(void **state)
{
    world *w = *state;
    void *handle;
    expect(w, (emqx_tls_test_step){.http_status = 200});
    emqx_tls_exchange x = exchange(w, "GET", "https://host/tls");
    w->v->start(w->v->context, &x, &handle);
    w->v->destroy(w->v->context);
    assert_int_equal(emqx_tls_test_transport_destroyed(w->script), 1);
    assert_string_equal(emqx_tls_test_transport_problem(w->script),
                        "destroy while an exchange is in flight");
}

/* -- allocator */

static void the_named_allocation_fails_and_no_other(void **state)
{
    (void)state;
    emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
    const emqx_tls_allocator *v = emqx_tls_test_allocator_vtable(a);
    emqx_tls_test_allocator_fail(a, 2, 0);
    void *p = v->allocate(v->context, 10);
    assert_non_null(p);
    assert_false(emqx_tls_test_allocator_failed(a));
    assert_null(v->resize(v->context, p, 20));
    assert_true(emqx_tls_test_allocator_failed(a));
    p = v->resize(v->context, p, 20);
    assert_non_null(p);
    assert_int_equal(emqx_tls_test_allocator_count(a), 3);
    assert_int_equal(emqx_tls_test_allocator_live(a), 20);
    emqx_tls_test_allocator_fail(a, 1, 1);
    assert_null(v->allocate(v->context, 1));
    assert_null(v->allocate(v->context, 1));
    v->release(v->context, p);
    assert_null(emqx_tls_test_allocator_problem(a));
    emqx_tls_test_allocator_free(a);
}

static void a_secret_in_memory_given_back_is_told(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) { /* 0: wiped, 1: released, 2: left behind by a resize */
        emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
        const emqx_tls_allocator *v = emqx_tls_test_allocator_vtable(a);
        assert_int_equal(emqx_tls_test_allocator_watch(a, "abc", 3), -1);
        assert_int_equal(emqx_tls_test_allocator_watch(a, "other", 5), 0);
        assert_int_equal(emqx_tls_test_allocator_watch(a, "hunter22", 8), 0);
        char *p = v->allocate(v->context, 40);
        memset(p, 0, 40);
        memcpy(p + 17, "hunter22", 8);
        if (how == 2)
            p = v->resize(v->context, p, 80);
        if (how != 1)
            memset(p, 0, 40);
        v->release(v->context, p);
        const char *problem = emqx_tls_test_allocator_problem(a);
        if (how == 0)
            assert_null(problem);
        else
            assert_string_equal(problem, "a block of 40 bytes was given back with secret 1 in it");
        emqx_tls_test_allocator_free(a);
    }
}

static void memory_never_given_back_is_told(void **state)
{
    (void)state;
    emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
    const emqx_tls_allocator *v = emqx_tls_test_allocator_vtable(a);
    assert_non_null(v->allocate(v->context, 40));
    assert_string_equal(emqx_tls_test_allocator_problem(a),
                        "40 bytes were never given back, the last of them a block of 40");
    emqx_tls_test_allocator_free(a);
}

static void a_pointer_of_somebody_else_is_told(void **state)
{
    (void)state;
    emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
    const emqx_tls_allocator *v = emqx_tls_test_allocator_vtable(a);
    int other;
    v->release(v->context, NULL);
    assert_null(emqx_tls_test_allocator_problem(a));
    v->release(v->context, &other);
    assert_non_null(emqx_tls_test_allocator_problem(a));
    emqx_tls_test_allocator_free(a);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(sleeping_moves_both_clocks_and_a_step_only_the_wall),
        WITH(a_reboot_has_another_id),
        WITH(an_action_runs_at_its_time_also_while_poll_waits),
        WITH(poll_moves_time_to_the_reply),
        WITH(replies_come_by_their_time_and_not_in_the_order_of_start),
        WITH(a_late_reply_is_a_timeout_at_the_deadline),
        WITH(a_request_that_never_ends_can_be_cancelled),
        WITH(wake_ends_the_next_poll_once),
        WITH(wake_during_a_poll_ends_it),
        WITH(a_request_out_of_the_script_is_told_and_answered),
        WITH(a_request_after_the_end_of_the_script_is_told),
        WITH(steps_that_nobody_asked_for_are_told),
        WITH(a_check_of_the_request_can_object),
        WITH(an_exchange_without_a_deadline_is_told),
        WITH(a_reply_over_the_limit_is_a_protocol_error),
        WITH(a_failed_start_never_calls_done),
        WITH(the_blocking_form_is_start_alone_and_takes_virtual_time),
        WITH(what_came_is_recorded),
        WITH(destroy_with_an_exchange_in_flight_is_told),
        cmocka_unit_test(the_named_allocation_fails_and_no_other),
        cmocka_unit_test(a_secret_in_memory_given_back_is_told),
        cmocka_unit_test(memory_never_given_back_is_told),
        cmocka_unit_test(a_pointer_of_somebody_else_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
