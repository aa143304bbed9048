/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The machines of ensure, wait and remove, driven by events alone: every event in every state that
 * can be reached. Two states are the same when they differ in nothing that later events could tell,
 * so times count by their distance from now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provision/ensure.h"

#define NOW      INT64_C(1000000000)
#define WALL     INT64_C(1800000000)
#define WAIT_MS  100000
#define END      1931913600 /* when the wanted leaf ends: 2031-03-22 02:40:00 UTC */
#define END_TEXT "2031-03-22 02:40:00"
#define EVENTS   (EMQXI_EVENT_PROBED + 1)

typedef union state {
    emqxi_watch watch;
    emqxi_ensure ensure;
    emqxi_wait wait;
} state;

/* -- what may come ----------------------------------------------------------------------------- */

static const emqxi_identity wanted = {.type = EMQX_TLS_TYPE_ONE_WAY,
                                      .readable = true,
                                      .not_after = END,
                                      .common_name = "mqtt.example",
                                      .leaf_sha256 = {1},
                                      .chain_sha256 = {1}};
static const emqxi_identity other = {.type = EMQX_TLS_TYPE_ONE_WAY,
                                     .readable = true,
                                     .not_after = END,
                                     .leaf_sha256 = {2},
                                     .chain_sha256 = {2}};

static const uint32_t states[] = {EMQX_TLS_STATE_PENDING, EMQX_TLS_STATE_RUNNING,
                                  EMQX_TLS_STATE_FAILED, EMQX_TLS_STATE_TERMINATED};
/* The same, nothing told, another one that ends earlier, and one that ends later. */
static const struct {
    const char *text;
    int64_t expire;
} looks[] = {{END_TEXT, END},
             {"", INT64_MIN},
             {"2026-06-01 00:00:00", 1780272000},
             {"2033-01-01 00:00:00", 1988150400}};
#define STATUSES (1 + 4 * 4)

static emqx_tls_status status(size_t i)
{
    emqx_tls_status s;
    emqx_tls_status_init(&s);
    s.state = EMQX_TLS_STATE_ABSENT;
    if (i == 0)
        return s;
    s.state = states[(i - 1) % 4];
    s.expire = looks[(i - 1) / 4].expire;
    strcpy(s.expire_text, looks[(i - 1) / 4].text);
    return s;
}

static const emqxi_error errors[] = {
    {.code = EMQX_TLS_E_TRANSPORT, .delivery = EMQX_TLS_DELIVERY_MAYBE},
    {.code = EMQX_TLS_E_TRANSPORT, .delivery = EMQX_TLS_DELIVERY_NOT_SENT},
    {.code = EMQX_TLS_E_HTTP, .http_status = 500, .delivery = EMQX_TLS_DELIVERY_ANSWERED},
    {.code = EMQX_TLS_E_UNAUTHORIZED, .http_status = 401, .delivery = EMQX_TLS_DELIVERY_ANSWERED},
    {.code = EMQX_TLS_E_RATE_LIMITED, .http_status = 429, .delivery = EMQX_TLS_DELIVERY_ANSWERED},
    {.code = EMQX_TLS_E_STORE, .delivery = EMQX_TLS_DELIVERY_NOT_SENT},
    {.code = EMQX_TLS_E_CANCELLED, .delivery = EMQX_TLS_DELIVERY_NOT_SENT},
};
#define ERRORS (sizeof errors / sizeof errors[0])

static const struct {
    uint32_t state;
    const emqxi_identity *of;
    enum emqxi_before before;
    int64_t age_s;
} receipts[] = {{EMQXI_RECEIPT_NONE, &wanted, 0, 0},
                {EMQXI_RECEIPT_DONE, &wanted, EMQXI_BEFORE_DIFFERENT, 10},
                {EMQXI_RECEIPT_DONE, &wanted, EMQXI_BEFORE_ALIKE, 10},
                {EMQXI_RECEIPT_DONE, &wanted, EMQXI_BEFORE_NOTHING, 86400},
                {EMQXI_RECEIPT_DONE, &other, EMQXI_BEFORE_DIFFERENT, 10},
                {EMQXI_RECEIPT_INTENT, &wanted, EMQXI_BEFORE_DIFFERENT, 10},
                {EMQXI_RECEIPT_INTENT, &wanted, EMQXI_BEFORE_ALIKE_FAILED, 10},
                {EMQXI_RECEIPT_INTENT, &wanted, EMQXI_BEFORE_ALIKE_UNFINISHED, 3600},
                {EMQXI_RECEIPT_INTENT, &wanted, EMQXI_BEFORE_ALIKE, -3600}};
#define RECEIPTS (sizeof receipts / sizeof receipts[0])

static emqxi_receipt receipt(size_t i)
{
    emqxi_receipt r = {.state = receipts[i].state};
    if (r.state == EMQXI_RECEIPT_NONE)
        return r;
    r.identity = *receipts[i].of;
    r.before = receipts[i].before;
    strcpy(r.was, looks[2].text);
    r.time_s = WALL - receipts[i].age_s;
    r.lease_s = 30;
    return r;
}

/* What comes with the i-th of such events; false: there are no more. */
static bool event_of(enum emqxi_event_type type, size_t i, emqxi_event *e)
{
    static emqx_tls_status s;
    static emqxi_receipt r;
    static const emqxi_error accepted = {.delivery = EMQX_TLS_DELIVERY_ANSWERED};
    static const emqxi_identity *const served[] = {NULL, &wanted, &other};
    *e = (emqxi_event){.type = type, .now_ms = NOW, .wall_s = WALL, .lease_ms = 30000};
    e->error = type == EMQXI_EVENT_ACCEPTED ? &accepted : &errors[i < ERRORS ? i : 0];
    switch (type) {
    case EMQXI_EVENT_LOADED:
        r = receipt(i < RECEIPTS ? i : 0);
        e->receipt = &r;
        return i < RECEIPTS;
    case EMQXI_EVENT_READ:
    case EMQXI_EVENT_ACCEPTED:
        s = status(i < STATUSES ? i : 0);
        e->status = &s;
        return i < STATUSES;
    case EMQXI_EVENT_UNREAD:
    case EMQXI_EVENT_REFUSED:
        return i < ERRORS;
    case EMQXI_EVENT_PROBED:
        e->served = served[i < 3 ? i : 0];
        return i < 3;
    default:
        return i < 1;
    }
}

/* -- states ------------------------------------------------------------------------------------ */

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return EMQXI_MIN(EMQXI_MAX(value, low), high);
}

/* Beyond three minutes a receipt grows no older: what is older than half an hour begins so. */
static int64_t aged(int64_t time_s, int64_t by_s)
{
    return WALL - time_s >= 180 ? time_s : EMQXI_MAX(time_s - by_s, WALL - 183);
}

/* Moves a state back by `ms`, and makes all alike that no event can tell apart. */
static void settle(const emqxi_machine *machine, state *s, int64_t ms)
{
    if (emqxi_waits(&s->watch))
        s->watch.deadline_ms = EMQXI_MAX(s->watch.deadline_ms - ms, NOW);
    /* until it is judged, and with what a probe has shown */
    bool counts = s->watch.doing == EMQXI_ACT_READ || s->watch.doing == EMQXI_ACT_PROBE ||
                  s->watch.then == EMQXI_ACT_PROBE;
    s->watch.read_ms = counts ? within(s->watch.read_ms - ms, NOW - 122000, NOW) : NOW - 122000;
    s->watch.polls = 0; /* it is told with the next one, and decides nothing */
    if (machine != &emqxi_ensure_machine)
        return;
    emqxi_ensure *m = &s->ensure;
    if (m->watch.doing != EMQXI_ACT_WRITE && m->watch.doing != EMQXI_ACT_SEND &&
        m->watch.fate != EMQXI_FATE_LOST)
        memset(&m->previous, 0, sizeof m->previous); /* the next write sets it */
    emqxi_receipt *const both[] = {&m->receipt, &m->previous};
    m->patience_ms = within(m->patience_ms - ms, NOW, NOW + 60000);
    bool taken = m->watch.fate >= EMQXI_FATE_ACCEPTED;
    m->written_ms = taken ? within(m->written_ms - ms, NOW - 122000, NOW) : 0;
    m->doubt_ms = taken ? NOW - 122000 : within(m->doubt_ms - ms, NOW - 122000, INT64_MAX);
    bool looks_next = m->watch.doing == EMQXI_ACT_READ ||
                      (m->watch.doing == EMQXI_ACT_PAUSE && m->watch.then == EMQXI_ACT_READ);
    if (looks_next && m->watch.status.state != EMQX_TLS_STATE_RUNNING)
        m->watch.status = status(0); /* the next one takes its place */
    for (size_t i = 0; i < 2; i++)
        if (both[i]->state != EMQXI_RECEIPT_NONE)
            both[i]->time_s = aged(both[i]->time_s, ms / 1000);
}

/* Those that were seen, by their hash; those that are left to be looked at. */
static struct {
    uint64_t *seen;
    size_t room, count;
    state *left;
    size_t left_room, left_count;
    size_t moves, ends;
} all;

static bool is_new(const state *s, size_t size)
{
    uint64_t hash = 1, words[sizeof *s / 8];
    memcpy(words, s, sizeof words);
    for (size_t i = 0; i < size / 8; i++)
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
    size_t at = (hash ^ hash >> 32) & (all.room - 1);
    for (; all.seen[at]; at = (at + 1) & (all.room - 1))
        if (all.seen[at] == (hash | 1))
            return false;
    assert_true(++all.count < all.room / 2);
    all.seen[at] = hash | 1;
    return true;
}

/* -- what must hold ---------------------------------------------------------------------------- */

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s: event %d after action %d, action %d (%s): not " #condition,              \
                     machine->name, (int)e->type, (int)before->watch.doing, (int)a->type,          \
                     a->text ? a->text : "");                                                      \
    } while (0)

static void check(const emqxi_machine *machine, const state *before, const state *after,
                  const emqxi_event *e, const emqxi_action *a)
{
    bool late = e->now_ms >= before->watch.deadline_ms;
    HOLDS(!late || a->type == EMQXI_ACT_END || a->type == EMQXI_ACT_SEND);
    HOLDS(a->type != EMQXI_ACT_PAUSE || a->until_ms > e->now_ms);
    HOLDS(a->type != EMQXI_ACT_PAUSE || emqxi_waits(&before->watch) || e->type == EMQXI_EVENT_BUSY);
    HOLDS(a->type != EMQXI_ACT_END || a->text || a->of != EMQXI_OF_MACHINE);
    HOLDS(a->type != EMQXI_ACT_END || !a->text || (a->code == EMQX_TLS_OK) == !*a->text ||
          a->of != EMQXI_OF_MACHINE);
    /* A write is decided on by what was just seen. */
    HOLDS(a->type != EMQXI_ACT_WRITE || e->type == EMQXI_EVENT_READ ||
          e->type == EMQXI_EVENT_PROBED);
    HOLDS(after->watch.seen >= before->watch.seen);
}

static bool good(const emqxi_action *a)
{
    return a->type == EMQXI_ACT_END && a->of == EMQXI_OF_MACHINE && a->code == EMQX_TLS_OK;
}

static void check_ensure(const emqxi_machine *machine, const state *before, const state *after,
                         const emqxi_event *e, const emqxi_action *a)
{
    const emqxi_ensure *was = &before->ensure, *is = &after->ensure;
    bool dry = was->flags & EMQX_TLS_DRY_RUN, writes = a->type == EMQXI_ACT_WRITE;
    bool lost = was->watch.fate == EMQXI_FATE_LOST, again = was->tries > 0;
    HOLDS(is->tries <= 2);
    HOLDS(!dry || (!writes && a->type != EMQXI_ACT_PROBE));
    /* No write by what was asked for while another could arrive. */
    HOLDS(!writes || is->watch.read_ms >= is->doubt_ms);
    HOLDS(!writes || !again || lost ||
          (was->watch.fate == EMQXI_FATE_MISJUDGED && a->op != was->op));
    HOLDS(was->watch.fate < EMQXI_FATE_ACCEPTED || !writes);
    HOLDS(a->type != EMQXI_ACT_PROBE || was->probes);
    HOLDS(!good(a) || is->action != EMQX_TLS_ACTION_NONE || dry);
    HOLDS(is->action < EMQX_TLS_ACTION_CREATED || dry || is->watch.fate >= EMQXI_FATE_ACCEPTED);
    HOLDS(is->proof != EMQXI_PROOF_RECEIPT || is->keeps_receipts);
    HOLDS(is->proof != EMQXI_PROOF_PROBE || is->probe == EMQXI_PROBE_PROVES);
    HOLDS(!good(a) || dry || !is->probes || is->watch.status.state != EMQX_TLS_STATE_RUNNING ||
          is->probe >= EMQXI_PROBE_MATCHES || is->proof == EMQXI_PROOF_NONE ||
          is->watch.then != EMQXI_ACT_READ || !emqxi_waits(&is->watch));
    /* What this call has begun is told to the next one as long as it is in doubt, and no longer. */
    HOLDS(is->watch.fate != EMQXI_FATE_LOST || is->receipt.state == EMQXI_RECEIPT_INTENT);
    HOLDS(is->watch.fate < EMQXI_FATE_ACCEPTED || is->receipt.state == EMQXI_RECEIPT_DONE);
}

/* -- every event in every state ---------------------------------------------------------------- */

static void changes_nothing(const emqxi_machine *machine, const state *from,
                            enum emqxi_event_type type)
{
    state to = *from;
    emqxi_event e;
    event_of(type, 0, &e);
    assert_int_equal(emqxi_next(machine, &to.watch, &e).type, EMQXI_ACT_NOTHING);
    assert_memory_equal(&to, from, sizeof to);
    all.moves++;
}

/* Nothing follows an end; all else is looked at in its turn. */
static void look_later(const emqxi_machine *machine, const state *s)
{
    for (enum emqxi_event_type type = 0; type < EVENTS && s->watch.doing == EMQXI_ACT_END; type++)
        changes_nothing(machine, s, type);
    if (s->watch.doing == EMQXI_ACT_END)
        return;
    if (all.left_count == all.left_room) {
        all.left_room = all.left_room ? 2 * all.left_room : 1024;
        all.left = realloc(all.left, all.left_room * sizeof *all.left);
        assert_non_null(all.left);
    }
    all.left[all.left_count++] = *s;
}

static void move(const emqxi_machine *machine, const state *from, size_t size, emqxi_event *e)
{
    static const int64_t steps[] = {0, 61000};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        state to = *from;
        e->now_ms = NOW + steps[i];
        e->wall_s = WALL + steps[i] / 1000;
        emqxi_action a = emqxi_next(machine, &to.watch, e);
        all.moves++;
        check(machine, from, &to, e, &a);
        if (machine == &emqxi_ensure_machine)
            check_ensure(machine, from, &to, e, &a);
        all.ends += a.type == EMQXI_ACT_END;
        settle(machine, &to, steps[i]);
        if (is_new(&to, size))
            look_later(machine, &to);
    }
}

/* Events that the action under way can't end with. */
static bool belongs(const state *s, enum emqxi_event_type type)
{
    static const char *const with[] = {
        [EMQXI_ACT_NOTHING] = "b", [EMQXI_ACT_LOAD] = "lsu",    [EMQXI_ACT_READ] = "rxu",
        [EMQXI_ACT_WRITE] = "dcu", [EMQXI_ACT_SEND] = "damcou", [EMQXI_ACT_PROBE] = "pu",
        [EMQXI_ACT_PAUSE] = "t",   [EMQXI_ACT_END] = ""};
    static const char letters[EVENTS + 1] = "btlsurxdacmop";
    return strchr(with[s->watch.doing], letters[type]) != NULL;
}

static void explore(const emqxi_machine *machine, const state *first, size_t size)
{
    if (is_new(first, size))
        look_later(machine, first);
    while (all.left_count > 0) {
        state from = all.left[--all.left_count];
        for (enum emqxi_event_type type = 0; type < EVENTS; type++) {
            emqxi_event e;
            if (!belongs(&from, type)) {
                changes_nothing(machine, &from, type);
                continue;
            }
            for (size_t i = 0; event_of(type, i, &e); i++)
                move(machine, &from, size, &e);
        }
    }
}

static state beginning(uint32_t wait_ms, enum emqxi_action_type then)
{
    state s;
    memset(&s, 0, sizeof s);
    emqx_tls_status_init(&s.watch.status);
    s.watch.deadline_ms = wait_ms ? NOW + wait_ms : INT64_MAX;
    s.watch.then = then;
    return s;
}

static void begin(void)
{
    memset(&all, 0, sizeof all);
    all.room = (size_t)1 << 23;
    all.seen = calloc(all.room, sizeof *all.seen);
    assert_non_null(all.seen);
}

static void end(const char *name)
{
    print_message("%s: %zu states, %zu moves, %zu of them ends\n", name, all.count, all.moves,
                  all.ends);
    free(all.seen);
    free(all.left);
    memset(&all, 0, sizeof all);
}

static void ensure_in_every_state(void **unused)
{
    static const uint32_t flags[] = {0, EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER, EMQX_TLS_DRY_RUN};
    (void)unused;
    begin();
    for (size_t i = 0; i < 24; i++) {
        bool keeps = i & 1;
        if (i >= 8 && i & 4)
            continue; /* with a probe only what writes by its own judgement */
        state s = beginning(i & 2 ? WAIT_MS : 0, keeps ? EMQXI_ACT_LOAD : EMQXI_ACT_READ);
        s.ensure.wanted = &wanted;
        s.ensure.flags = flags[i / 8];
        s.ensure.keeps_receipts = keeps;
        s.ensure.probes = i & 4;
        s.ensure.patience_ms = NOW + 30000;
        s.ensure.doubt_ms = NOW - 122000;
        explore(&emqxi_ensure_machine, &s, sizeof s);
    }
    end("ensure");
}

static void wait_in_every_state(void **unused)
{
    (void)unused;
    begin();
    for (size_t i = 0; i < 4; i++) {
        state s = beginning(i & 1 ? WAIT_MS : 0, EMQXI_ACT_READ);
        s.wait.wanted = i & 2 ? &wanted : NULL;
        explore(&emqxi_wait_machine, &s, sizeof s);
    }
    end("wait");
}

static void remove_in_every_state(void **unused)
{
    (void)unused;
    begin();
    for (size_t i = 0; i < 2; i++) {
        state s = beginning(i & 1 ? WAIT_MS : 0, EMQXI_ACT_READ);
        explore(&emqxi_remove_machine, &s, sizeof s);
    }
    end("remove");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ensure_in_every_state),
        cmocka_unit_test(wait_in_every_state),
        cmocka_unit_test(remove_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
