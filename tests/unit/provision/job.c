/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The driver of the machines, with a machine of the test's own: it does what the test has planned,
 * and keeps what it was told.
 */
#include "support/scripted_client.h"

#include "provision/job.h"

#define RUNNING "{\"status\":\"running\"}"
#define BEGAN   1000000 /* the fixture's clock */

static fixture *f;

/* -- the machine ------------------------------------------------------------------------------- */

static emqxi_action plan[8];
static size_t planned, taken;

static struct told {
    enum emqxi_event_type type;
    emqx_tls_code code;
    uint32_t state;
    int64_t now_ms, lease_ms;
} told[8];
static size_t told_count;

static void expect_action(emqxi_action action)
{
    plan[planned++] = action;
}

/* When what was planned is done it ends well. */
static emqxi_action on_event(emqxi_watch *watch, const emqxi_event *e)
{
    (void)watch;
    told[told_count++] = (struct told){.type = e->type,
                                       .code = e->error ? e->error->code : EMQX_TLS_OK,
                                       .state = e->status ? e->status->state : 0,
                                       .now_ms = e->now_ms,
                                       .lease_ms = e->lease_ms};
    if (e->type == EMQXI_EVENT_DEPARTING)
        return emqxi_do(EMQXI_ACT_SEND);
    return taken < planned ? plan[taken++] : emqxi_end(EMQX_TLS_OK, "");
}

static emqxi_action late(const emqxi_watch *watch)
{
    (void)watch;
    return emqxi_end(EMQX_TLS_E_TIMEOUT, "too late: {id} is {state}");
}

static const emqxi_machine machine = {.name = "toy", .on_event = on_event, .late = late};

/* -- its job ----------------------------------------------------------------------------------- */

static struct {
    int count;
    emqx_tls_code code;
    emqx_tls_error error;
} ended;

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)user;
    ended.count++;
    ended.code = code;
    emqx_tls_error_init(&ended.error);
    emqx_tls_call_result(call, NULL, &ended.error);
}

/* It begins with a read. */
static emqxi_job *start(uint32_t wait_ms)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    emqxi_job *job = emqxi_job_new(f->client, &machine);
    assert_non_null(job);
    assert_int_equal(emqxi_job_start(job, "d1", wait_ms, note, NULL, &error), EMQX_TLS_OK);
    return job;
}

static void run(uint32_t wait_ms)
{
    start(wait_ms);
    while (emqx_tls_client_pending(f->client) > 0)
        assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(ended.count, 1);
    assert_int_equal(ended.code, ended.error.code);
}

static void forget(void)
{
    planned = taken = told_count = 0;
    memset(&ended, 0, sizeof ended);
}

static const emqxi_action delete_it = {.type = EMQXI_ACT_WRITE, .op = EMQX_TLS_OP_DELETE};

/* -- what an exchange came to ------------------------------------------------------------------ */

static void a_read_is_told_with_what_it_came_to(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        const char *body;
        enum emqxi_event_type type;
        emqx_tls_code code;
        uint32_t state;
    } rows[] = {
        {200, RUNNING, EMQXI_EVENT_READ, EMQX_TLS_OK, EMQX_TLS_STATE_RUNNING},
        {200, "{}", EMQXI_EVENT_READ, EMQX_TLS_OK, EMQX_TLS_STATE_ABSENT},
        {404, "{}", EMQXI_EVENT_READ, EMQX_TLS_E_NOT_FOUND, EMQX_TLS_STATE_ABSENT},
        {403, "{}", EMQXI_EVENT_UNREAD, EMQX_TLS_E_FORBIDDEN, EMQX_TLS_STATE_UNKNOWN},
        {200, "[]", EMQXI_EVENT_UNREAD, EMQX_TLS_E_PROTOCOL, EMQX_TLS_STATE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        forget();
        expect_answer(f, "GET", rows[i].status, rows[i].body);
        run(0);
        assert_int_equal(told_count, 1);
        assert_int_equal(told[0].type, rows[i].type);
        assert_int_equal(told[0].code, rows[i].code);
        assert_int_equal(told[0].state, rows[i].state);
        assert_int_equal(ended.code, EMQX_TLS_OK); /* as the machine says */
    }
}

static void a_write_is_told_before_it_leaves_and_when_its_fate_is_known(void **state)
{
    (void)state;
    static const struct {
        emqx_tls_test_step step;
        enum emqxi_event_type type;
    } rows[] = {
        {{.method = "DELETE", .http_status = 204}, EMQXI_EVENT_ACCEPTED},
        {{.method = "DELETE", .http_status = 404}, EMQXI_EVENT_MISJUDGED},
        {{.method = "DELETE", .http_status = 403}, EMQXI_EVENT_REFUSED},
        {{.method = "DELETE", .http_status = 502}, EMQXI_EVENT_LOST},
        {{.method = "DELETE", .code = EMQX_TLS_E_TRANSPORT}, EMQXI_EVENT_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        forget();
        expect_answer(f, "GET", 200, RUNNING);
        expect(f, &rows[i].step);
        expect_action(delete_it);
        run(0);
        assert_int_equal(told_count, 3);
        assert_int_equal(told[1].type, EMQXI_EVENT_DEPARTING);
        assert_in_range(told[1].lease_ms, 1, 30000);
        assert_int_equal(told[2].type, rows[i].type);
    }
}

/* -- time -------------------------------------------------------------------------------------- */

static void a_pause_lasts_until_its_time(void **state)
{
    (void)state;
    expect_many(f, 2, "GET", 200, RUNNING);
    expect_action((emqxi_action){.type = EMQXI_ACT_PAUSE, .until_ms = BEGAN + 5000});
    run(60000);
    assert_int_equal(told_count, 2);
    assert_int_equal(told[1].now_ms, BEGAN + 5000);
    assert_int_equal(ended.code, EMQX_TLS_OK);
}

static void the_deadline_ends_a_pause(void **state)
{
    (void)state;
    expect_answer(f, "GET", 200, RUNNING);
    expect_action((emqxi_action){.type = EMQXI_ACT_PAUSE, .until_ms = BEGAN + 90000});
    run(60000);
    assert_int_equal(now(f), BEGAN + 60000);
    assert_int_equal(ended.code, EMQX_TLS_E_TIMEOUT);
    assert_string_equal(ended.error.message, "too late: d1 is running");
}

static void the_deadline_cuts_an_exchange_off(void **state)
{
    (void)state;
    /* a read is tried again when half of its time is over */
    emqx_tls_test_step never = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER, .times = 2};
    expect(f, &never);
    expect_action(emqxi_do(EMQXI_ACT_READ)); /* which is too late */
    run(3000);
    assert_int_equal(now(f), BEGAN + 3000);
    assert_int_equal(told_count, 1);
    assert_int_equal(told[0].type, EMQXI_EVENT_UNREAD);
    assert_int_equal(told[0].code, EMQX_TLS_E_CANCELLED);
    assert_int_equal(ended.code, EMQX_TLS_E_TIMEOUT);
}

/* -- ends -------------------------------------------------------------------------------------- */

static char line[256];

static void keep_line(void *user, int32_t level, const char *text)
{
    (void)user, (void)level;
    snprintf(line, sizeof line, "%s", text);
}

static void the_end_counts_all_exchanges(void **state)
{
    (void)state;
    emqx_tls_client_free(f->client);
    f->config.log = keep_line;
    open_client(f);
    expect_answer(f, "GET", 503, NULL); /* repeated by the operation itself */
    expect_many(f, 2, "GET", 200, RUNNING);
    expect_answer(f, "DELETE", 204, NULL);
    expect_action(emqxi_do(EMQXI_ACT_READ));
    expect_action(delete_it);
    run(0);
    assert_int_equal(ended.error.attempts, 4);
    assert_string_equal(line, "toy of d1 ended with OK after 3 reads and 1 writes");
}

static void the_end_may_be_that_of_an_exchange(void **state)
{
    (void)state;
    expect_answer(f, "GET", 403, "{\"code\":\"NO_ACCESS\"}");
    expect_action(emqxi_end_as(EMQXI_OF_ANSWER, "{id} can't be read: {answer}"));
    run(0);
    assert_int_equal(ended.code, EMQX_TLS_E_FORBIDDEN);
    assert_int_equal(ended.error.http_status, 403);
    assert_string_equal(ended.error.api_code, "NO_ACCESS");
    assert_memory_equal(ended.error.message, "d1 can't be read: ", 18);
}

/* Not begun, in an exchange, in a pause: it ends once, and leaves nothing in flight. */
static void it_can_be_cancelled_wherever_it_is(void **state)
{
    (void)state;
    static const emqx_tls_test_step steps[] = {
        {.method = "GET", .flags = EMQX_TLS_TEST_NEVER},
        {.method = "GET", .http_status = 200, .body = RUNNING},
    };
    for (int place = 0; place < 3; place++) {
        forget();
        expect_action((emqxi_action){.type = EMQXI_ACT_PAUSE, .until_ms = INT64_MAX});
        if (place > 0)
            expect(f, &steps[place - 1]);
        emqxi_job *job = start(600000);
        for (int i = 0; place > 0 && i < 3; i++)
            assert_int_equal(emqx_tls_client_run(f->client, 0, NULL), EMQX_TLS_OK);
        emqx_tls_cancel(f->client, &job->call);
        assert_int_equal(ended.count, 0);
        assert_int_equal(emqx_tls_client_run(f->client, 0, NULL), EMQX_TLS_OK);
        assert_int_equal(ended.count, 1);
        assert_int_equal(ended.code, EMQX_TLS_E_CANCELLED);
        assert_int_equal(emqx_tls_client_pending(f->client), 0);
        assert_int_equal(emqx_tls_test_transport_in_flight(f->script), 0);
    }
}

static void one_that_can_not_begin_leaves_nothing(void **state)
{
    (void)state;
    emqxi_error error;
    emqxi_error_clear(&error);
    emqxi_job *job = emqxi_job_new(f->client, &machine);
    assert_int_equal(emqxi_job_start(job, "..", 0, note, NULL, &error), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(error.message, "deployment_id"));
    emqxi_job_free(job);
    for (size_t i = 1; i <= 3; i++) {
        emqx_tls_test_allocator_fail(f->allocator, i, 0);
        job = emqxi_job_new(f->client, &machine);
        emqx_tls_code code = EMQX_TLS_E_NO_MEMORY;
        if (job) {
            code = emqxi_job_start(job, "d1", 0, note, NULL, &error);
            emqxi_job_free(job);
        }
        assert_true(emqx_tls_test_allocator_failed(f->allocator));
        assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
        emqx_tls_test_allocator_fail(f->allocator, 0, 0);
    }
    assert_int_equal(emqx_tls_client_pending(f->client), 0);
    assert_int_equal(ended.count, 0);
}

static int set_up(void **state)
{
    int code = client_set_up(state);
    f = *state;
    open_client(f);
    forget();
    return code;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, client_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_is_told_with_what_it_came_to),
        TEST(a_write_is_told_before_it_leaves_and_when_its_fate_is_known),
        TEST(a_pause_lasts_until_its_time),
        TEST(the_deadline_ends_a_pause),
        TEST(the_deadline_cuts_an_exchange_off),
        TEST(the_end_counts_all_exchanges),
        TEST(the_end_may_be_that_of_an_exchange),
        TEST(it_can_be_cancelled_wherever_it_is),
        TEST(one_that_can_not_begin_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
