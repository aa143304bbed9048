/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "clock.h"

#include <errno.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* real time that a poll without limit waits for `wake` when no reply can end it */
#define NOBODY_WAKES_S 10

typedef struct step {
    struct step *next;
    emqx_tls_test_step it;
    uint32_t left;
} step_t;

typedef struct flight {
    struct flight *next;
    const emqx_tls_exchange *exchange;
    emqx_tls_test_step step;
    int64_t due_ms; /* INT64_MAX: never */
    uint64_t number;
} flight_t;

struct emqx_tls_test_transport {
    emqx_tls_transport vtable, blocking;
    emqx_tls_test_clock *clock;
    step_t *steps, **steps_end;
    flight_t *flights; /* in the order in which they started */
    uint64_t started;
    sem_t woken; /* a semaphore, since `wake` may come from a signal handler */
    emqx_tls_test_seen *seen;
    size_t seen_count, seen_room;
    unsigned destroyed;
    char problem[768], open_problem[768];
};

static void complain(emqx_tls_test_transport *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void complain(emqx_tls_test_transport *t, const char *format, ...)
{
    va_list arguments;
    if (t->problem[0])
        return;
    va_start(arguments, format);
    vsnprintf(t->problem, sizeof t->problem, format, arguments);
    va_end(arguments);
}

static void record(emqx_tls_test_transport *t, const emqx_tls_exchange *x)
{
    if (t->seen_count == t->seen_room) {
        size_t room = t->seen_room ? 2 * t->seen_room : 16;
        void *more = realloc(t->seen, room * sizeof *t->seen);
        if (!more) {
            complain(t, "no memory for the list of requests");
            return;
        }
        t->seen = more;
        t->seen_room = room;
    }
    emqx_tls_test_seen *s = &t->seen[t->seen_count++];
    *s = (emqx_tls_test_seen){.at_ms = emqx_tls_test_clock_now(t->clock),
                              .flags = x->flags,
                              .connect_timeout_ms = x->connect_timeout_ms,
                              .timeout_ms = x->timeout_ms};
    snprintf(s->method, sizeof s->method, "%s", x->method);
    snprintf(s->url, sizeof s->url, "%s", x->url);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Takes the step that this request is; one that is not in the script gets a reply of its own. */
static emqx_tls_test_step take_step(emqx_tls_test_transport *t, const emqx_tls_exchange *x)
{
    static const emqx_tls_test_step unexpected = {
        .code = EMQX_TLS_E_TRANSPORT,
        .delivery = EMQX_TLS_DELIVERY_NOT_SENT,
        .flags = EMQX_TLS_TEST_PERMANENT,
        .detail = "the test's script does not expect this request"};
    step_t *first = t->steps;
    if (!first) {
        complain(t, "request %zu, %s %s: the script is at its end", t->seen_count, x->method,
                 x->url);
        return unexpected;
    }
    emqx_tls_test_step step = first->it;
    if ((step.method && strcmp(step.method, x->method) != 0) ||
        (step.url && !ends_with(x->url, step.url))) {
        complain(t, "request %zu, %s %s: the script expects %s ...%s", t->seen_count, x->method,
                 x->url, step.method ? step.method : "any method", step.url ? step.url : "");
        return unexpected;
    }
    if (--first->left == 0) {
        t->steps = first->next;
        if (!t->steps)
            t->steps_end = &t->steps;
        free(first);
    }
    const char *wrong = step.check ? step.check(step.check_context, x) : NULL;
    if (wrong)
        complain(t, "request %zu, %s %s: %s", t->seen_count, x->method, x->url, wrong);
    return step;
}

static void look_at_rules(emqx_tls_test_transport *t, const emqx_tls_exchange *x)
{
    if (x->size < sizeof *x || !x->done || !x->headers || x->reply_max == 0)
        complain(t, "%s %s: size, done, headers or reply_max of the exchange is not set", x->method,
                 x->url);
    if (x->timeout_ms == 0 || x->connect_timeout_ms == 0)
        complain(t, "%s %s: an exchange without a deadline", x->method, x->url);
    if (x->body_len > 0 && !x->body)
        complain(t, "%s %s: body_len without a body", x->method, x->url);
}

static void answer(const emqx_tls_exchange *x, const emqx_tls_test_step *step, bool timed_out)
{
    emqx_tls_reply reply = {
        .size = sizeof reply,
        .code = step->code,
        .delivery = step->delivery,
        .detail = step->detail,
        .flags = step->flags & EMQX_TLS_TEST_PERMANENT ? EMQX_TLS_REPLY_PERMANENT : 0};
    size_t body_len = step->body && step->body_len == 0 ? strlen(step->body) : step->body_len;
    if (!timed_out && step->code == EMQX_TLS_OK)
        reply.delivery = EMQX_TLS_DELIVERY_ANSWERED;
    if (timed_out) {
        reply.code = EMQX_TLS_E_TIMEOUT;
    } else if (reply.delivery == EMQX_TLS_DELIVERY_ANSWERED) {
        reply.http_status = step->http_status;
        reply.retry_after = step->retry_after;
        reply.date = step->date;
    }
    if (reply.code == EMQX_TLS_OK && body_len > x->reply_max) {
        reply.code = EMQX_TLS_E_PROTOCOL;
    } else if (reply.code == EMQX_TLS_OK) {
        reply.body = step->body;
        reply.body_len = body_len;
    }
    x->done(x->done_user, &reply);
}

static bool times_out(const emqx_tls_exchange *x, const emqx_tls_test_step *step)
{
    return step->delay_ms > (int64_t)x->timeout_ms;
}

static emqx_tls_test_step begin(emqx_tls_test_transport *t, const emqx_tls_exchange *x,
                                void **handle)
{
    *handle = NULL;
    record(t, x);
    look_at_rules(t, x);
    return take_step(t, x);
}

static emqx_tls_code fail_to_start(const emqx_tls_exchange *x, const emqx_tls_test_step *step)
{
    if (x->size >= offsetof(emqx_tls_exchange, detail) + sizeof x->detail && x->detail)
        *x->detail = step->detail;
    return step->code;
}

static emqx_tls_code start_blocking(void *context, const emqx_tls_exchange *x, void **handle)
{
    emqx_tls_test_transport *t = context;
    emqx_tls_test_step step = begin(t, x, handle);
    if (step.flags & EMQX_TLS_TEST_START_FAILS)
        return fail_to_start(x, &step);
    bool late = step.flags & EMQX_TLS_TEST_NEVER || times_out(x, &step);
    emqx_tls_test_clock_advance(t->clock, late ? (int64_t)x->timeout_ms : step.delay_ms);
    answer(x, &step, late);
    return EMQX_TLS_OK;
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    emqx_tls_test_transport *t = context;
    emqx_tls_test_step step = begin(t, x, handle);
    if (step.flags & EMQX_TLS_TEST_START_FAILS)
        return fail_to_start(x, &step);
    if (step.flags & EMQX_TLS_TEST_IN_START) {
        answer(x, &step, false);
        return EMQX_TLS_OK;
    }
    flight_t *f = calloc(1, sizeof *f);
    if (!f)
        return EMQX_TLS_E_NO_MEMORY;
    f->exchange = x;
    f->step = step;
    f->number = t->started++;
    f->due_ms = emqx_tls_test_clock_now(t->clock) +
                (times_out(x, &step) ? (int64_t)x->timeout_ms : step.delay_ms);
    if (step.flags & EMQX_TLS_TEST_NEVER)
        f->due_ms = INT64_MAX;
    flight_t **at = &t->flights;
    while (*at)
        at = &(*at)->next;
    *at = f;
    *handle = f;
    return EMQX_TLS_OK;
}

static int64_t next_due(const emqx_tls_test_transport *t)
{
    int64_t due = INT64_MAX;
    for (const flight_t *f = t->flights; f; f = f->next)
        due = f->due_ms < due ? f->due_ms : due;
    return due;
}

/* Delivers what is due now, earliest first, but nothing that `done` starts meanwhile. */
static bool deliver(emqx_tls_test_transport *t)
{
    uint64_t before = t->started;
    bool any = false;
    for (;;) {
        flight_t **first = NULL;
        int64_t now = emqx_tls_test_clock_now(t->clock);
        for (flight_t **at = &t->flights; *at; at = &(*at)->next)
            if ((*at)->number < before && (*at)->due_ms <= now &&
                (!first || (*at)->due_ms < (*first)->due_ms))
                first = at;
        if (!first)
            return any;
        flight_t f = **first; /* `done` may start, cancel and so change the list */
        free(*first);
        *first = f.next;
        answer(f.exchange, &f.step, times_out(f.exchange, &f.step));
        any = true;
    }
}

static bool take_wake(emqx_tls_test_transport *t)
{
    bool woken = false;
    while (sem_trywait(&t->woken) == 0)
        woken = true;
    return woken;
}

static void wait_for_wake(emqx_tls_test_transport *t)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += NOBODY_WAKES_S;
    int rc;
    while ((rc = sem_timedwait(&t->woken, &until)) != 0 && errno == EINTR)
        ;
    if (rc != 0)
        complain(t, "poll without a limit, and neither a reply nor a wake came");
    take_wake(t);
}

static emqx_tls_code poll_exchanges(void *context, int timeout_ms)
{
    emqx_tls_test_transport *t = context;
    if (deliver(t) || take_wake(t) || timeout_ms == 0)
        return EMQX_TLS_OK;
    int64_t end = timeout_ms < 0 ? INT64_MAX : emqx_tls_test_clock_now(t->clock) + timeout_ms;
    for (;;) {
        int64_t due = next_due(t), until = due < end ? due : end;
        if (!emqxi_test_clock_step(t->clock, until) && until == INT64_MAX) {
            wait_for_wake(t);
            return EMQX_TLS_OK;
        }
        if (deliver(t) || take_wake(t) || emqx_tls_test_clock_now(t->clock) >= end)
            return EMQX_TLS_OK;
    }
}

static int64_t next_ms(void *context)
{
    emqx_tls_test_transport *t = context;
    int64_t due = next_due(t), now = emqx_tls_test_clock_now(t->clock);
    if (due == INT64_MAX)
        return -1;
    return due > now ? due - now : 0;
}

static void wake(void *context)
{
    emqx_tls_test_transport *t = context;
    sem_post(&t->woken);
}

static uint32_t cancel(void *context, void *handle)
{
    emqx_tls_test_transport *t = context;
    for (flight_t **at = &t->flights; *at; at = &(*at)->next) {
        flight_t *f = *at;
        if (f != handle)
            continue;
        uint32_t delivery = f->step.delivery;
        *at = f->next;
        free(f);
        return delivery;
    }
    complain(t, "cancel of an exchange that is not in flight");
    return EMQX_TLS_DELIVERY_MAYBE;
}

static void destroy(void *context)
{
    emqx_tls_test_transport *t = context;
    t->destroyed++;
    if (t->flights)
        complain(t, "destroy while an exchange is in flight");
}

emqx_tls_test_transport *emqx_tls_test_transport_new(emqx_tls_test_clock *clock)
{
    emqx_tls_test_transport *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->clock = clock;
    t->steps_end = &t->steps;
    sem_init(&t->woken, 0, 0);
    t->vtable = (emqx_tls_transport){.size = sizeof t->vtable,
                                     .context = t,
                                     .start = start,
                                     .poll = poll_exchanges,
                                     .next_ms = next_ms,
                                     .wake = wake,
                                     .cancel = cancel,
                                     .destroy = destroy};
    t->blocking =
        (emqx_tls_transport){.size = sizeof t->blocking, .context = t, .start = start_blocking};
    return t;
}

void emqx_tls_test_transport_free(emqx_tls_test_transport *t)
{
    if (!t)
        return;
    for (step_t *s = t->steps, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    for (flight_t *f = t->flights, *next; f; f = next) {
        next = f->next;
        free(f);
    }
    sem_destroy(&t->woken);
    free(t->seen);
    free(t);
}

const emqx_tls_transport *emqx_tls_test_transport_vtable(const emqx_tls_test_transport *t)
{
    return &t->vtable;
}

const emqx_tls_transport *emqx_tls_test_transport_blocking(const emqx_tls_test_transport *t)
{
    return &t->blocking;
}

void emqx_tls_test_transport_expect(emqx_tls_test_transport *t, const emqx_tls_test_step *step)
{
    step_t *s = calloc(1, sizeof *s);
    if (!s) {
        complain(t, "no memory for the script");
        return;
    }
    s->it = *step;
    s->left = step->times ? step->times : 1;
    *t->steps_end = s;
    t->steps_end = &s->next;
}

const char *emqx_tls_test_transport_problem(emqx_tls_test_transport *t)
{
    if (t->problem[0])
        return t->problem;
    if (t->flights) {
        snprintf(t->open_problem, sizeof t->open_problem, "%s %s is still in flight",
                 t->flights->exchange->method, t->flights->exchange->url);
        return t->open_problem;
    }
    if (t->steps) {
        const emqx_tls_test_step *s = &t->steps->it;
        snprintf(t->open_problem, sizeof t->open_problem,
                 "nobody asked for %s ...%s (%u times more), the next step",
                 s->method ? s->method : "any method", s->url ? s->url : "", t->steps->left);
        return t->open_problem;
    }
    return NULL;
}

size_t emqx_tls_test_transport_count(const emqx_tls_test_transport *t)
{
    return t->seen_count;
}

const emqx_tls_test_seen *emqx_tls_test_transport_seen(const emqx_tls_test_transport *t, size_t i)
{
    return i < t->seen_count ? &t->seen[i] : NULL;
}

size_t emqx_tls_test_transport_in_flight(const emqx_tls_test_transport *t)
{
    size_t n = 0;
    for (const flight_t *f = t->flights; f; f = f->next)
        n++;
    return n;
}

unsigned emqx_tls_test_transport_destroyed(const emqx_tls_test_transport *t)
{
    return t->destroyed;
}
