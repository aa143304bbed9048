/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Asynchronous calls over real connections: ended in every state, freed in every state, started and
 * ended by callbacks.
 */
#include "emulator_client.h"

#include <pthread.h>
#include <unistd.h>

#include "slow_names.h"

typedef struct seen {
    emqx_tls_client *client;
    int count;
    emqx_tls_code code;
    emqx_tls_error error;
    emqx_tls_call *call;
} seen;

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    seen *s = user;
    s->count++;
    s->code = code;
    s->call = NULL;
    emqx_tls_error_init(&s->error);
    emqx_tls_call_result(call, NULL, &s->error);
}

static void submit(fixture *f, uint32_t op, const char *id, emqx_tls_done_fn done, seen *s)
{
    emqx_tls_request request = material_request(&material, EMQX_TLS_TYPE_ONE_WAY);
    bool body = op == EMQX_TLS_OP_CREATE || op == EMQX_TLS_OP_UPDATE;
    s->client = f->client;
    assert_int_equal(
        emqx_tls_submit(f->client, op, id, body ? &request : NULL, done, s, &s->call, NULL),
        EMQX_TLS_OK);
}

static void run(fixture *f, int timeout_ms)
{
    assert_int_equal(emqx_tls_client_run(f->client, timeout_ms, NULL), EMQX_TLS_OK);
}

static void run_all(fixture *f)
{
    while (emqx_tls_client_pending(f->client) > 0)
        run(f, 20000);
}

/* -- every state ------------------------------------------------------------------------------- */

/* Where a call can be when it is ended from outside. */
typedef struct place {
    /* the fault that keeps it there; it is there when the fault was taken */
    const char *name, *fault;
    uint32_t op;
    uint32_t delivery; /* what its error has to say */
    uint32_t held;     /* slots of the quota that stay used */
    size_t arrivals;   /* what the platform sees of it, now and later */
    bool begun;        /* run has been called */
    bool behind;       /* nothing left of the quota */
    bool unnamed;      /* the host's name is being looked up */
    bool answering;    /* what comes of the answer has been sent */
    bool paused;       /* an answer was read after which the call is repeated */
} place;

#define MAYBE    EMQX_TLS_DELIVERY_MAYBE
#define NOT_SENT EMQX_TLS_DELIVERY_NOT_SENT
#define ANSWERED EMQX_TLS_DELIVERY_ANSWERED
#define GET      EMQX_TLS_OP_GET
#define PUT      EMQX_TLS_OP_UPDATE

static const place places[] = {
    {.name = "not begun", .op = GET, .delivery = NOT_SENT},
    {.name = "a write not begun", .op = PUT, .delivery = NOT_SENT},
    {.name = "name", .op = PUT, .delivery = NOT_SENT, .begun = true, .unnamed = true},
    {.name = "handshake",
     .op = GET,
     .fault = "{'at': 'connect', 'end': 'stall'}",
     .delivery = NOT_SENT,
     .begun = true},
    {.name = "a write's handshake",
     .op = PUT,
     .fault = "{'at': 'connect', 'end': 'stall'}",
     .delivery = NOT_SENT,
     .begun = true},
    {.name = "sent",
     .op = GET,
     .fault = "{'cut': 0, 'end': 'stall'}",
     .delivery = MAYBE,
     .held = 1,
     .arrivals = 1,
     .begun = true},
    {.name = "a write sent",
     .op = PUT,
     .fault = "{'cut': 0, 'end': 'stall'}",
     .delivery = MAYBE,
     .held = 1,
     .arrivals = 1,
     .begun = true},
    {.name = "half an answer",
     .op = PUT,
     .fault = "{'status': 200, 'body': '{}   ', 'cut_body': 2, 'end': 'stall'}",
     .delivery = MAYBE,
     .held = 1,
     .arrivals = 1,
     .begun = true,
     .answering = true},
    {.name = "pause before a repeat",
     .op = GET,
     .fault = "{'status': 503, 'headers': ['Retry-After: 300']}",
     .delivery = ANSWERED,
     .held = 1,
     .arrivals = 1,
     .begun = true,
     .paused = true},
    {.name = "in line", .op = GET, .delivery = NOT_SENT, .begun = true, .behind = true},
    {.name = "a write in line", .op = PUT, .delivery = NOT_SENT, .begun = true, .behind = true},
};
#define PLACES (sizeof places / sizeof places[0])

static void use_up(fixture *f, uint32_t op)
{
    if (op == GET)
        get(f);
    else
        delete_it(f); /* of nothing: a 404 costs a slot too */
    assert_int_equal(f->error.delivery, ANSWERED);
}

static int told_503;

static void heard(void *user, int32_t level, const char *line)
{
    (void)user, (void)level;
    told_503 += strstr(line, "status 503") != NULL;
}

/* A client with one slot of each kind, in the fixture. */
static void narrow(fixture *f, bool unnamed)
{
    char endpoint[300];
    fixture_limit(f, 1, 1, 0);
    emqx_tls_config config = fixture_config(f);
    snprintf(endpoint, sizeof endpoint, "https://slow.test%s", strrchr(f->emulator.endpoint, ':'));
    if (unnamed)
        config.endpoint = endpoint;
    config.quota_wait_ms = UINT32_MAX;
    config.log = heard;
    fixture_client(f, &config);
}

/* Brings a call there. Gives the number of requests that have arrived before it. */
static size_t reach(fixture *f, const place *p, seen *s)
{
    narrow(f, p->unnamed);
    if (p->behind)
        use_up(f, p->op);
    size_t before = emulator_arrivals(&f->emulator, NULL, NULL);
    if (p->fault)
        emulator_fault(&f->emulator, p->fault);
    int64_t answered = emulator_count(&f->emulator, "answered");
    int names = slow_names_asked();
    told_503 = 0;
    submit(f, p->op, ID, note, s);
    while ((p->fault && emulator_count(&f->emulator, "faults_left") > 0) ||
           (p->answering && emulator_count(&f->emulator, "answered") == answered) ||
           (p->unnamed && slow_names_asked() == names) || (p->paused && told_503 == 0))
        run(f, 10);
    for (int i = 0; p->begun && i < 3; i++)
        run(f, 10);
    assert_int_equal(s->count, 0);
    return before;
}

static void check_end(fixture *f, const place *p, const seen *s, size_t before)
{
    if (s->count != 1 || s->code != EMQX_TLS_E_CANCELLED || s->error.delivery != p->delivery)
        fail_msg("%s: %d ends, %s, delivery %u", p->name, s->count, emqx_tls_code_name(s->code),
                 s->error.delivery);
    if (fixture_used(f, p->op) != p->held + p->behind)
        fail_msg("%s: %u slots used", p->name, fixture_used(f, p->op));
    assert_int_equal(emulator_arrivals(&f->emulator, NULL, NULL) - before, p->arrivals);
}

static void a_call_can_be_cancelled_in_every_state(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--reads", "100000", "--writes", "100000", NULL});
    for (size_t i = 0; i < PLACES; i++) {
        seen s = {0};
        size_t before = reach(&f, &places[i], &s);
        emqx_tls_cancel(f.client, s.call);
        assert_int_equal(s.count, 0);
        run(&f, 0);
        assert_int_equal(emqx_tls_client_pending(f.client), 0);
        assert_int_equal(emqx_tls_client_next_ms(f.client), -1);
        check_end(&f, &places[i], &s, before);
    }
    fixture_end(&f);
}

static void a_client_can_be_freed_with_a_call_in_every_state(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--reads", "100000", "--writes", "100000", NULL});
    for (size_t i = 0; i < PLACES; i++) {
        seen s = {0};
        size_t before = reach(&f, &places[i], &s);
        int64_t began = real_ms();
        emqx_tls_client_free(f.client);
        f.client = NULL;
        /* it waits for nobody, for the name neither */
        assert_in_range(real_ms() - began, 0, PATIENCE_MS);
        check_end(&f, &places[i], &s, before);
    }
    fixture_end(&f);
}

/* -- callbacks --------------------------------------------------------------------------------- */

enum { MANY = 30 };

static seen many[MANY];

static void cancel_the_rest(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    note(user, call, code);
    for (int i = 0; i < MANY; i++)
        if (many[i].call)
            emqx_tls_cancel(many[i].client, many[i].call);
}

static void a_callback_may_cancel_all_others(void **state)
{
    (void)state;
    fixture f;
    int answered = 0;
    memset(many, 0, sizeof many);
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    emulator_fault(&f.emulator, "{'deployment': 'others', 'cut': 0, 'end': 'stall', 'times': 0}");
    for (int i = 0; i < MANY; i++)
        submit(&f, GET, i == MANY / 2 ? ID : "others", cancel_the_rest, &many[i]);
    run_all(&f);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(many[i].count, 1);
        assert_int_equal(many[i].code, i == MANY / 2 ? EMQX_TLS_OK : EMQX_TLS_E_CANCELLED);
        answered += many[i].error.delivery != NOT_SENT;
    }
    assert_int_equal(fixture_used(&f, GET),
                     answered); /* only what never left has given its slot back */
    fixture_end(&f);
}

/* Two reads, each on a connection of its own, that have arrived and are not answered. */
static void hold_two(fixture *f, emqx_tls_done_fn done)
{
    memset(many, 0, sizeof many);
    emulator_fault(&f->emulator, "{'hold': true, 'times': 2}");
    for (int i = 0; i < 2; i++)
        submit(f, GET, ID, done, &many[i]);
    while (emulator_count(&f->emulator, "faults_left") > 0)
        run(f, 1);
}

static void what_is_over_already_keeps_its_result(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    hold_two(&f, note);
    emulator_release(&f.emulator);
    run_all(&f); /* two connections, on which the answer is all that is still to be read */
    hold_two(&f, cancel_the_rest);
    emulator_release(&f.emulator);
    while (emulator_count(&f.emulator, "answered") < 4)
        ; /* both answers are there: one turn ends both calls */
    run_all(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(many[i].count, 1);
        assert_int_equal(many[i].code, EMQX_TLS_OK);
    }
    fixture_end(&f);
}

typedef struct chain {
    fixture *f;
    int left, ended;
} chain;

static void submit_next(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    chain *c = user;
    (void)call;
    assert_int_equal(code, EMQX_TLS_OK);
    c->ended++;
    if (c->left-- > 0)
        assert_int_equal(emqx_tls_submit(c->f->client, GET, ID, NULL, submit_next, c, NULL, NULL),
                         EMQX_TLS_OK);
}

static void callbacks_may_submit_the_next(void **state)
{
    (void)state;
    fixture f;
    chain c = {.f = &f, .left = 200};
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    for (int i = 0; i < 8; i++)
        assert_int_equal(emqx_tls_submit(f.client, GET, ID, NULL, submit_next, &c, NULL, NULL),
                         EMQX_TLS_OK);
    run_all(&f);
    assert_int_equal(c.ended, 208);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 208);
    assert_in_range(emulator_count(&f.emulator, "connections"), 1, 16);
    fixture_end(&f);
}

/* -- waiting ----------------------------------------------------------------------------------- */

enum { CALLS = 2000, WINDOW_READS = 500 };

static int64_t looks;

/* Each turn looks at the clock: who waits busily does so all the time. */
static int64_t counting_clock(void *context)
{
    (void)context;
    looks++;
    return real_ms();
}

static void thousands_wait_for_quota_in_order_and_at_no_cost(void **state)
{
    (void)state;
    static seen all[CALLS];
    fixture f;
    char id[16];
    int runs = 0;
    fixture_start(&f, (const char *[]){"--http", "--reads", "500", "--window", "1",
                                       "--count-rejected", NULL});
    fixture_limit(&f, WINDOW_READS, 0, 1000);
    emqx_tls_clock clock;
    emqx_tls_config own = fixture_config(&f);
    emqx_tls_clock_init(&clock);
    clock.now_ms = counting_clock;
    own.clock = &clock;
    own.quota_wait_ms = 10 * PATIENCE_MS;
    fixture_client(&f, &own);
    memset(all, 0, sizeof all);
    for (int i = 0; i < CALLS; i++) {
        snprintf(id, sizeof id, "d%d", i);
        submit(&f, GET, id, note, &all[i]);
    }
    int64_t began = real_ms();
    for (; emqx_tls_client_pending(f.client) > 0; runs++)
        run(&f, -1);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(all[i].count, 1);
        assert_int_equal(all[i].code, EMQX_TLS_OK);
    }
    int64_t took = real_ms() - began;
    assert_true(took >= (CALLS / WINDOW_READS - 1) * 2000);
    assert_in_range(looks, CALLS, 100 * CALLS);
    assert_in_range(runs, 1, CALLS + 100);
    assert_int_equal(emulator_count(&f.emulator, "over_quota"), 0);

    /* Who came first was served first: a call overtakes only what is on its way. */
    json_t *log = emulator_log(&f.emulator);
    for (int i = 0; i < CALLS; i++) {
        int number = -1;
        const char *path =
            json_string_value(json_object_get(json_array_get(log, (size_t)i), "path"));
        assert_int_equal(sscanf(path, "/public_api/v1/deployments/d%d/tls", &number), 1);
        assert_in_range(number, 0, i + WINDOW_READS);
    }
    json_decref(log);
    fixture_end(&f);
}

/* Once the request has arrived, which is when run waits for the answer. */
static void *interrupt_later(void *user)
{
    fixture *f = user;
    while (emulator_count(&f->emulator, "faults_left") > 0)
        ;
    emqx_tls_client_interrupt(f->client);
    return NULL;
}

static void an_interrupt_ends_run_and_no_call(void **state)
{
    (void)state;
    fixture f;
    seen s = {0};
    pthread_t thread;
    fixture_start(&f, (const char *[]){"--reads", "100000", NULL});
    emulator_fault(&f.emulator, "{'hold': true}");
    submit(&f, GET, ID, note, &s);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_later, &f), 0);
    assert_int_equal(emqx_tls_client_run(f.client, -1, NULL), EMQX_TLS_E_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(s.count, 0);
    emulator_release(&f.emulator);
    run_all(&f);
    assert_int_equal(s.code, EMQX_TLS_OK);
    assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 1);
    fixture_end(&f);
}

static int end(void **state)
{
    slow_names_answer();
    return free_material(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_can_be_cancelled_in_every_state),
        cmocka_unit_test(a_client_can_be_freed_with_a_call_in_every_state),
        cmocka_unit_test(a_callback_may_cancel_all_others),
        cmocka_unit_test(what_is_over_already_keeps_its_result),
        cmocka_unit_test(callbacks_may_submit_the_next),
        cmocka_unit_test(thousands_wait_for_quota_in_order_and_at_no_cost),
        cmocka_unit_test(an_interrupt_ends_run_and_no_call),
    };
    return cmocka_run_group_tests(tests, make_material, end);
}
