/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The asynchronous calls.
 */
#include "support/scripted_client.h"

#define RUNNING "{\"status\":\"running\"}"

typedef struct seen {
    fixture *f;
    int count;
    emqx_tls_code code;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_call *to_cancel;
} seen;

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    s->count++;
    s->code = code;
    emqx_tls_status_init(&s->status);
    emqx_tls_error_init(&s->error);
    emqx_tls_call_result(call, &s->status, &s->error);
}

static emqx_tls_call *submit_get(fixture *f, emqx_tls_done_fn done, seen *s)
{
    emqx_tls_call *call = NULL;
    s->f = f;
    assert_int_equal(
        emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, done, s, &call, &f->error),
        EMQX_TLS_OK);
    assert_non_null(call);
    return call;
}

static emqx_tls_code run(fixture *f, int timeout_ms)
{
    return emqx_tls_client_run(f->client, timeout_ms, &f->error);
}

static void done_comes_from_run_with_the_result(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    emqx_tls_test_step step = {
        .method = "GET", .http_status = 200, .body = RUNNING, .delay_ms = 40};
    expect(f, &step);
    submit_get(f, note, &s);
    assert_int_equal(s.count, 0);
    assert_int_equal(emqx_tls_client_pending(f->client), 1);
    assert_int_equal(emqx_tls_client_next_ms(f->client), 0);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(s.count, 0);
    assert_in_range(emqx_tls_client_next_ms(f->client), 1, 40);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.code, EMQX_TLS_OK);
    assert_int_equal(s.status.state, EMQX_TLS_STATE_RUNNING);
    assert_int_equal(s.error.http_status, 200);
    assert_int_equal(emqx_tls_client_pending(f->client), 0);
    assert_int_equal(emqx_tls_client_next_ms(f->client), -1);
    assert_int_equal(run(f, -1), EMQX_TLS_OK); /* nothing is pending: it returns */
}

static void run_returns_when_the_first_call_has_ended(void **state)
{
    fixture *f = *state;
    seen one = {0}, other = {0};
    open_client(f);
    emqx_tls_test_step soon = {.http_status = 200, .body = RUNNING, .delay_ms = 40};
    emqx_tls_test_step late = {.http_status = 200, .body = RUNNING, .delay_ms = 4000};
    expect(f, &soon);
    expect(f, &late);
    submit_get(f, note, &one);
    submit_get(f, note, &other);
    int64_t begun = now(f);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(one.count + other.count, 1);
    assert_int_equal(now(f) - begun, 40);
    assert_int_equal(emqx_tls_client_pending(f->client), 1);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(one.count + other.count, 2);
}

static void an_interrupt_is_told_to_the_event_loop(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    emqx_tls_test_step step = {.http_status = 200, .body = RUNNING, .delay_ms = 40};
    expect(f, &step);
    submit_get(f, note, &s);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_true(emqx_tls_client_next_ms(f->client) > 0);
    emqx_tls_client_interrupt(f->client);
    assert_int_equal(emqx_tls_client_next_ms(f->client), 0);
    assert_int_equal(run(f, -1), EMQX_TLS_E_CANCELLED);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.count, 1);
}

static void a_read_takes_no_request(void **state)
{
    fixture *f = *state;
    emqx_tls_request request;
    emqx_tls_call *call = NULL;
    seen s = {0};
    open_client(f);
    emqx_tls_request_init(&request);
    for (uint32_t op = EMQX_TLS_OP_GET; op <= EMQX_TLS_OP_DELETE;
         op += EMQX_TLS_OP_DELETE - EMQX_TLS_OP_GET) {
        call = (emqx_tls_call *)&s; /* it is set all the same */
        assert_int_equal(emqx_tls_submit(f->client, op, "d1", &request, note, &s, &call, &f->error),
                         EMQX_TLS_E_INVALID);
        assert_null(call);
        assert_non_null(strstr(f->error.message, "request must be NULL"));
    }
    assert_int_equal(emqx_tls_client_pending(f->client), 0);
}

static void a_transport_that_answers_in_start_still_ends_in_run(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    emqx_tls_test_step step = {
        .method = "GET", .http_status = 200, .flags = EMQX_TLS_TEST_IN_START};
    expect(f, &step);
    submit_get(f, note, &s);
    assert_int_equal(s.count, 0);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(s.count, 1);
}

static void the_request_is_copied(void **state)
{
    fixture *f = *state;
    seen s = {0};
    char key[] = KEY_PEM;
    open_client(f);
    f->request.key = key;
    expect_answer(f, "POST", 200, RUNNING);
    assert_int_equal(emqx_tls_submit(f->client, EMQX_TLS_OP_CREATE, "d1", &f->request, note, &s,
                                     NULL, &f->error),
                     EMQX_TLS_OK);
    memset(key, 'x', sizeof key);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.code, EMQX_TLS_OK);
}

static void wrong_submits_have_no_done(void **state)
{
    fixture *f = *state;
    seen s = {0};
    emqx_tls_call *call = (emqx_tls_call *)f;
    open_client(f);
    assert_int_equal(emqx_tls_submit(f->client, 5, "d1", NULL, note, &s, &call, NULL),
                     EMQX_TLS_E_INVALID);
    assert_null(call);
    assert_int_equal(emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "", NULL, note, &s, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(
        emqx_tls_submit(f->client, EMQX_TLS_OP_CREATE, "d", NULL, note, &s, NULL, NULL),
        EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d", NULL, NULL, &s, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit(NULL, EMQX_TLS_OP_GET, "d", NULL, note, &s, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(s.count, 0);
}

static void cancel_ends_a_call_in_every_state(void **state)
{
    fixture *f = *state;
    seen started = {0}, in_flight = {0};
    open_client(f);

    emqx_tls_call *call = submit_get(f, note, &started); /* not begun */
    emqx_tls_cancel(f->client, call);
    assert_int_equal(started.count, 0); /* never from cancel */
    assert_int_equal(emqx_tls_client_next_ms(f->client), 0);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(started.count, 1);
    assert_int_equal(started.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(started.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);

    emqx_tls_test_step never = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER};
    expect(f, &never);
    call = submit_get(f, note, &in_flight);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    emqx_tls_cancel(f->client, call);
    emqx_tls_cancel(f->client, call); /* twice does nothing more */
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(in_flight.count, 1);
    assert_int_equal(in_flight.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(in_flight.error.delivery, EMQX_TLS_DELIVERY_MAYBE);

    emqx_tls_cancel(NULL, NULL);
    emqx_tls_cancel(f->client, NULL);
}

static void cancel_the_other(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    note(user, call, code);
    if (s->to_cancel)
        emqx_tls_cancel(s->f->client, s->to_cancel);
}

static void done_may_cancel_others(void **state)
{
    fixture *f = *state;
    seen first = {0}, second = {0}, third = {0};
    open_client(f);
    emqx_tls_test_step quick = {.method = "GET", .http_status = 200, .times = 2};
    emqx_tls_test_step never = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER};
    expect(f, &quick);
    expect(f, &never);
    submit_get(f, cancel_the_other, &first);
    submit_get(f, note, &second);
    first.to_cancel = submit_get(f, note, &third);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(first.code, EMQX_TLS_OK);
    assert_int_equal(second.code, EMQX_TLS_OK);
    assert_int_equal(third.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(third.count, 1);
}

static void cancel_itself(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    note(user, call, code);
    emqx_tls_cancel(s->f->client, call);
}

static void an_interrupt_that_came_too_late_is_taken_back_by_run(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_client_interrupt(f->client);
    assert_int_equal(run(f, 0), EMQX_TLS_E_CANCELLED);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    expect_answer(f, "GET", 200, RUNNING);
    assert_int_equal(get(f), EMQX_TLS_OK);
}

static void a_done_that_cancels_its_own_call_comes_once(void **state)
{
    fixture *f = *state;
    seen first = {0}, freed = {0};
    open_client(f);
    expect_answer(f, "GET", 200, RUNNING);
    submit_get(f, cancel_itself, &first);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_pending(f->client), 0);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(first.count, 1);
    assert_int_equal(first.code, EMQX_TLS_OK);
    submit_get(f, cancel_itself, &freed);
    emqx_tls_client_free(f->client);
    f->client = NULL;
    assert_int_equal(first.count, 1);
    assert_int_equal(freed.count, 1);
}

static void again_from_inside(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    note(user, call, code);
    if (s->count < 5)
        submit_get(s->f, again_from_inside, s);
    assert_int_equal(emqx_tls_client_run(s->f->client, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_get(s->f->client, "d1", NULL, NULL), EMQX_TLS_E_INVALID);
}

static void done_may_submit_but_not_run_or_block(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    expect_many(f, 5, "GET", 200, RUNNING);
    submit_get(f, again_from_inside, &s);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.count, 5);
}

/* The client is as good as gone, and still there until the outermost call returns. */
static void free_inside(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    note(user, call, code);
    emqx_tls_client_free(s->f->client);
    emqx_tls_client_free(s->f->client); /* once more changes nothing */
    assert_int_equal(emqx_tls_test_transport_destroyed(s->f->script), 0);
    assert_int_equal(
        emqx_tls_submit(s->f->client, EMQX_TLS_OP_GET, "d1", NULL, note, s, NULL, NULL),
        EMQX_TLS_E_INVALID);
    emqx_tls_client_interrupt(s->f->client);
}

static void a_client_freed_inside_done_goes_when_run_returns(void **state)
{
    fixture *f = *state;
    seen freeing = {.f = f}, with_it = {.f = f}, flying = {.f = f};
    emqx_tls_test_step never = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER};
    open_client(f);
    expect_many(f, 2, "GET", 200, RUNNING);
    expect(f, &never);
    submit_get(f, free_inside, &freeing);
    submit_get(f, free_inside, &with_it);
    submit_get(f, note, &flying);
    emqx_tls_client_run(f->client, -1, NULL);
    f->client = NULL;
    assert_int_equal(emqx_tls_test_transport_destroyed(f->script), 1);
    assert_int_equal(freeing.code, EMQX_TLS_OK);
    assert_int_equal(with_it.count, 1);
    assert_int_equal(flying.count, 1);
    assert_int_equal(flying.code, EMQX_TLS_E_CANCELLED);
}

static void a_client_freed_inside_done_ends_the_blocking_call(void **state)
{
    fixture *f = *state;
    seen freeing = {.f = f};
    emqx_tls_test_step never = {.method = "PUT", .flags = EMQX_TLS_TEST_NEVER};
    open_client(f);
    expect_answer(f, "GET", 200, RUNNING);
    expect(f, &never);
    submit_get(f, free_inside, &freeing);
    assert_int_equal(update(f), EMQX_TLS_E_CANCELLED);
    f->client = NULL;
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    assert_int_equal(freeing.count, 1);
    assert_int_equal(emqx_tls_test_transport_destroyed(f->script), 1);
}

static void submit_when_closing(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    note(user, call, code);
    assert_int_equal(
        emqx_tls_submit(s->f->client, EMQX_TLS_OP_GET, "d1", NULL, note, s, NULL, NULL),
        EMQX_TLS_E_INVALID);
}

static void freeing_ends_what_is_in_flight(void **state)
{
    fixture *f = *state;
    seen flying = {.f = f}, waiting = {.f = f};
    open_client(f);
    emqx_tls_test_step never = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER};
    expect(f, &never);
    submit_get(f, submit_when_closing, &flying);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    submit_get(f, note, &waiting);
    emqx_tls_client_free(f->client);
    f->client = NULL;
    assert_int_equal(flying.count, 1);
    assert_int_equal(flying.code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(waiting.count, 1);
    assert_int_equal(waiting.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
}

static void thousands_wait_for_quota_without_busy_waiting(void **state)
{
    enum { CALLS = 3000, WINDOWS = CALLS / 60 };
    fixture *f = *state;
    static seen all[CALLS];
    memset(all, 0, sizeof all);
    f->config.quota_wait_ms = UINT32_MAX;
    open_client(f);
    expect_many(f, CALLS, "GET", 200, RUNNING);
    uint64_t reads = emqx_tls_test_clock_reads(f->clock);
    int64_t began = now(f);
    for (size_t i = 0; i < CALLS; i++)
        submit_get(f, note, &all[i]);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(run(f, -1), EMQX_TLS_OK);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(all[i].count, 1);
        assert_int_equal(all[i].code, EMQX_TLS_OK);
    }
    /* every window's 60 at once */
    assert_int_equal(now(f) - began, (WINDOWS - 1) * INT64_C(3602800));
    /* a few looks an hour each */
    assert_true(emqx_tls_test_clock_reads(f->clock) - reads < CALLS * WINDOWS * 6);
}

static void run_ends_at_its_timeout(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 200, .delay_ms = 5000};
    expect(f, &step);
    submit_get(f, note, &s);
    int64_t began = now(f);
    assert_int_equal(run(f, 1200), EMQX_TLS_OK);
    assert_int_equal(now(f) - began, 1200);
    assert_int_equal(s.count, 0);
    assert_int_equal(emqx_tls_client_fd(f->client), -1); /* the scripted transport has none */
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.count, 1);
}

static void a_call_that_run_comes_too_late_for_says_so(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    submit_get(f, note, &s);
    emqx_tls_test_clock_advance(f->clock, 30000);
    assert_int_equal(run(f, 0), EMQX_TLS_OK);
    assert_int_equal(s.code, EMQX_TLS_E_TIMEOUT);
    assert_int_equal(s.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_non_null(strstr(s.error.message, "run was not called"));
}

static void interrupt_ends_run_and_no_call(void **state)
{
    fixture *f = *state;
    seen s = {0};
    open_client(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 200, .delay_ms = 5000};
    expect(f, &step);
    submit_get(f, note, &s);
    emqx_tls_client_interrupt(f->client);
    assert_int_equal(run(f, -1), EMQX_TLS_E_CANCELLED);
    assert_int_equal(s.count, 0);
    assert_int_equal(run(f, -1), EMQX_TLS_OK);
    assert_int_equal(s.code, EMQX_TLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(done_comes_from_run_with_the_result),
        TEST(an_interrupt_is_told_to_the_event_loop),
        TEST(a_read_takes_no_request),
        TEST(run_returns_when_the_first_call_has_ended),
        TEST(a_transport_that_answers_in_start_still_ends_in_run),
        TEST(the_request_is_copied),
        TEST(wrong_submits_have_no_done),
        TEST(cancel_ends_a_call_in_every_state),
        TEST(done_may_cancel_others),
        TEST(a_done_that_cancels_its_own_call_comes_once),
        TEST(done_may_submit_but_not_run_or_block),
        TEST(a_client_freed_inside_done_goes_when_run_returns),
        TEST(a_client_freed_inside_done_ends_the_blocking_call),
        TEST(freeing_ends_what_is_in_flight),
        TEST(thousands_wait_for_quota_without_busy_waiting),
        TEST(run_ends_at_its_timeout),
        TEST(a_call_that_run_comes_too_late_for_says_so),
        TEST(interrupt_ends_run_and_no_call),
        TEST(an_interrupt_that_came_too_late_is_taken_back_by_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
