/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "limiter/limiter.h"
#include "onlookers.h"
#include "queue.h"

#define CALLERS_MAX  256
#define REQUESTS_MAX 4096
#define HOLDS        1024
#define FOREVER_MS   ((int64_t)1 << 50)
/* the library's clock began long before the world */
#define ORIGIN_US (123456789 * US_PER_S)

enum { BEGIN, LOOK, ARRIVE, END, NEIGHBOUR };

typedef struct caller {
    emqxi_waiter waiter;
    emqxi_reserve r;
    uint64_t turn;
    int64_t deadline_ms;
    bool promised; /* it has waited what retry_after_ms told */
    int number, deployment;
} caller;

typedef struct request {
    uint32_t op;
    int deployment, caller; /* -1: nobody waits for its end */
    uint32_t outcome;
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    int64_t begin_us;
    int64_t retry_after_ms;
    int events;     /* still to come */
    bool in_flight; /* its caller waits for its end */
} request;

typedef struct world {
    world_setup s;
    world_result *result;
    rng rng;
    int64_t now_us;
    queue queue;
    emqx_tls_limiter *limiter;
    caller callers[CALLERS_MAX];
    request requests[REQUESTS_MAX];
    int unused[REQUESTS_MAX], unused_count;
    onlookers onlookers;
    platform platform;
    int64_t neighbour_stamps[128], neighbour_count; /* of what it got through */
    /* slots times time, up to each slot's release */
    double held_us;
    /* the last of them, some of which are still to come */
    int64_t releases[HOLDS];
    uint64_t holds;
} world;

static world w;

/* -- time: the library's clock runs at its own rate -------------------------------------------- */

static int64_t clock_us(int64_t true_us)
{
    return ORIGIN_US + true_us + true_us / 1000000 * w.s.ppm +
           true_us % 1000000 * w.s.ppm / 1000000;
}

static int64_t clock_ms(void *context)
{
    (void)context;
    return clock_us(w.now_us) / 1000;
}

/* How long it takes in truth until the library's clock has gone on by so much. */
static int64_t true_us(int64_t ms)
{
    int64_t us = ms * 1000, rate = 1000000 + w.s.ppm;
    return us / rate * 1000000 + us % rate * 1000000 / rate + 2;
}

const emqx_tls_clock *world_clock(void)
{
    static emqx_tls_clock clock = {.size = sizeof clock, .now_ms = clock_ms};
    return &clock;
}

/* The limiter's jitter, repeated by the seed. The linker puts this in the place of the library's
 * (--wrap). */
uint64_t __wrap_emqxi_random(void);
uint64_t __wrap_emqxi_random(void)
{
    return rng_next(&w.rng);
}

static void put(int64_t after_us, int kind, int index, uint64_t turn)
{
    queue_put(&w.queue,
              (event){.time_us = w.now_us + after_us, .kind = kind, .index = index, .turn = turn});
}

/* -- platform ---------------------------------------------------------------------------------- */

static void arrive(request *q)
{
    w.result->arrivals++;
    if (w.s.all) {
        onlookers_arrival(&w.onlookers, q->op, q->deployment, w.now_us, w.result);
        return;
    }
    oracle *o = platform_oracle(&w.platform, q->op, q->deployment);
    if (oracle_arrival(o, w.now_us)) {
        w.result->passed++;
        return;
    }
    w.result->refused++;
    if (q->outcome == EMQX_TLS_OUTCOME_ANSWERED) {
        q->outcome = EMQX_TLS_OUTCOME_REFUSED;
        if (w.s.retry_after) /* in whole seconds, as the header has it */
            q->retry_after_ms =
                (oracle_retry_after_us(o, w.now_us) + US_PER_S - 1) / US_PER_S * 1000;
    }
}

static void neighbour_acts(void)
{
    int64_t window_us = w.s.window_ms * 1000;
    int64_t part = w.s.writes * w.s.neighbour_percent / 100;
    int64_t attempts = w.s.neighbour == BURST ? part : 1, every = window_us;
    if (w.s.neighbour == STEADY)
        every = window_us / part;
    if (w.s.neighbour == GREEDY) {
        every = window_us / 120;
        attempts = w.neighbour_count < part ||
                   w.now_us - w.neighbour_stamps[w.neighbour_count % part] >= window_us;
    }
    for (int64_t i = 0; i < attempts; i++)
        if (oracle_arrival(platform_oracle(&w.platform, EMQX_TLS_OP_UPDATE, 0), w.now_us)) {
            w.result->neighbour_passed++;
            w.neighbour_stamps[w.neighbour_count++ % part] = w.now_us;
        } else {
            w.result->neighbour_refused++;
        }
    put(every - every / 10 + rng_below(&w.rng, every / 5 + 1), NEIGHBOUR, 0, 0);
}

/* -- callers ----------------------------------------------------------------------------------- */

static void woken(void *context)
{
    caller *c = context;
    int64_t late = rng_chance(&w.rng, w.s.sleepers) ? rng_below(&w.rng, 5 * US_PER_S) : 0;
    put(late, LOOK, c->number, c->turn);
}

/* How a request that leaves now will fare. */
static void send(caller *c)
{
    if (w.unused_count == 0)
        abort();
    int i = w.unused[--w.unused_count];
    request *q = &w.requests[i];
    bool waits = true, arrives = true;
    int64_t lease_us = true_us(c->r.lease_ms) - 3;
    int64_t longest =
        w.s.answer_ms && w.s.answer_ms < c->r.lease_ms ? true_us(w.s.answer_ms) - 3 : lease_us;
    int64_t end = rng_edge(&w.rng, longest), arrival = rng_edge(&w.rng, end);
    int dice = (int)rng_below(&w.rng, 1000);
    *q = (request){.op = c->r.op,
                   .deployment = c->deployment,
                   .caller = c->number,
                   .outcome = EMQX_TLS_OUTCOME_ANSWERED,
                   .begin_us = w.now_us,
                   .retry_after_ms = -1};
    memcpy(q->ticket, c->r.ticket, sizeof q->ticket);
    w.result->requests++;
    if ((dice -= w.s.not_sent) < 0) {
        q->outcome = EMQX_TLS_OUTCOME_NOT_SENT;
        arrives = false;
    } else if ((dice -= w.s.lost) < 0) {
        q->outcome = EMQX_TLS_OUTCOME_LOST;
        arrival = rng_edge(&w.rng, end + true_us(LATE_MS) - 3);
        arrives = !rng_chance(&w.rng, 300);
    } else if ((dice -= w.s.died) < 0) {
        q->outcome = EMQX_TLS_OUTCOME_LOST;
        waits = false;
        arrival = rng_edge(&w.rng, lease_us + true_us(LATE_MS) - 3);
        arrives = !rng_chance(&w.rng, 300);
    }
    if (!waits) { /* the program starts again, a little later, and has forgotten */
        q->caller = -1;
        put(rng_below(&w.rng, 10 * US_PER_S), BEGIN, c->number, c->turn);
    }
    q->in_flight = waits;
    q->events = arrives + waits;
    if (arrives)
        put(arrival, ARRIVE, i, 0);
    if (waits)
        put(end, END, i, 0);
    if (q->events == 0)
        w.unused[w.unused_count++] = i;
}

static void event_done(int i)
{
    if (--w.requests[i].events == 0)
        w.unused[w.unused_count++] = i;
}

static void look(caller *c)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    c->turn++;
    c->r.wait_ms = c->deadline_ms - clock_ms(NULL);
    emqx_tls_code code = emqxi_limiter_reserve(w.limiter, &c->r, &c->waiter, &error);
    if (code == EMQX_TLS_OK && c->r.granted) {
        send(c);
    } else if (code == EMQX_TLS_OK) {
        int64_t late = rng_chance(&w.rng, w.s.sleepers) ? rng_below(&w.rng, 5 * US_PER_S) : 0;
        put(true_us(c->r.look_again_ms) + late, LOOK, c->number, c->turn);
    } else if (code == EMQX_TLS_E_RATE_LIMITED) {
        w.result->broken_promises += c->promised && w.s.callers == 1 && w.s.all;
        c->promised = true;
        put(true_us(error.retry_after_ms), BEGIN, c->number, c->turn);
        return;
    } else {
        abort();
    }
    c->promised = false;
}

static void begin(caller *c)
{
    static const char *const names[DEPLOYMENTS] = {"d0", "d1", "d2"};
    int64_t wait = rng_chance(&w.rng, 500) ? 0 : rng_below(&w.rng, 2 * w.s.window_ms);
    uint32_t op = EMQX_TLS_OP_GET;
    if (w.s.writes_only || rng_chance(&w.rng, 100))
        op = EMQX_TLS_OP_CREATE + (uint32_t)rng_below(&w.rng, 3);
    if (w.s.saturate) {
        wait = FOREVER_MS;
        op = w.s.writes_only || c->number % 2 ? EMQX_TLS_OP_UPDATE : EMQX_TLS_OP_GET;
    }
    if (!c->promised) { /* else it asks for the same again */
        c->deployment = w.s.saturate ? 0 : (int)rng_below(&w.rng, DEPLOYMENTS);
        c->r = (emqxi_reserve){.op = op, .deployment_id = names[c->deployment]};
        c->r.lease_ms =
            rng_chance(&w.rng, 500) ? w.s.lease_ms : 1 + rng_below(&w.rng, w.s.lease_ms);
    } else {
        wait = 0;
    }
    c->deadline_ms = clock_ms(NULL) + wait;
    look(c);
}

/* For world_result.used. */
static void note_hold(const request *q)
{
    int64_t held_ms = w.s.window_ms + 1000 + (w.s.window_ms + 1999) / 2000;
    if (q->outcome == EMQX_TLS_OUTCOME_NOT_SENT)
        held_ms = 0;
    if (q->outcome == EMQX_TLS_OUTCOME_LOST)
        held_ms += LATE_MS;
    int64_t release_us = w.now_us + (held_ms > 0 ? true_us(held_ms) : 0);
    w.held_us += (double)(release_us - q->begin_us);
    w.releases[w.holds++ % HOLDS] = release_us;
}

static void end(request *q)
{
    caller *c = &w.callers[q->caller];
    emqxi_limiter_settle(w.limiter, q->ticket, q->outcome, q->retry_after_ms, 0, NULL);
    q->in_flight = false;
    note_hold(q);
    put(w.s.saturate ? 0 : rng_edge(&w.rng, w.s.window_ms * 1000 / w.s.reads), BEGIN, c->number,
        c->turn);
}

/* What was held of all the time that the slots had. */
static double used(void)
{
    double held_us = w.held_us;
    for (int i = 0; i < HOLDS; i++)
        if (w.releases[i] > w.now_us)
            held_us -= (double)(w.releases[i] - w.now_us);
    for (int i = 0; i < REQUESTS_MAX; i++)
        if (w.requests[i].in_flight)
            held_us += (double)(w.now_us - w.requests[i].begin_us);
    return held_us / ((double)(w.s.writes + (w.s.writes_only ? 0 : w.s.reads)) * (double)w.now_us);
}

/* -- run --------------------------------------------------------------------------------------- */

static void open_world(const world_setup *setup, world_result *result)
{
    emqx_tls_limiter_config config;
    emqx_tls_store store;
    memset(&w, 0, sizeof w);
    memset(result, 0, sizeof *result);
    w.s = *setup;
    w.result = result;
    w.rng.state = setup->seed;
    emqx_tls_limiter_config_init(&config);
    config.flags = setup->flags;
    config.reads = setup->reads;
    config.writes = setup->writes;
    config.window_ms = (uint64_t)setup->window_ms;
    config.clock = world_clock();
    emqx_tls_code code;
    if (setup->store)
        code = setup->store(&store, &config)
                   ? emqx_tls_limiter_open_store(&store, config.clock, NULL, &w.limiter, NULL)
                   : EMQX_TLS_E_NO_MEMORY;
    else
        code = emqx_tls_limiter_new(&config, &w.limiter, NULL);
    if (code != EMQX_TLS_OK)
        abort();
    for (int i = 0; i < REQUESTS_MAX; i++)
        w.unused[w.unused_count++] = i;
    if (setup->all)
        onlookers_open(&w.onlookers, setup, &w.rng);
    else
        platform_open(&w.platform, setup->kind, BY_KEY, setup->reads, setup->writes,
                      setup->window_ms * 1000, rng_below(&w.rng, setup->window_ms * 1000));
    for (int i = 0; i < setup->callers; i++) {
        caller *c = &w.callers[i];
        c->number = i;
        c->waiter.wake = woken;
        c->waiter.wake_context = c;
        put(setup->saturate ? 0 : rng_below(&w.rng, setup->window_ms * 1000), BEGIN, i, 0);
    }
    if (setup->neighbour != NOBODY)
        put(rng_below(&w.rng, setup->window_ms * 1000), NEIGHBOUR, 0, 0);
}

void world_run(const world_setup *setup, world_result *result)
{
    event e;
    open_world(setup, result);
    while (result->requests < setup->requests && queue_take(&w.queue, &e)) {
        w.now_us = e.time_us;
        if (setup->hours && w.now_us >= setup->hours * US_PER_HOUR)
            break;
        if (e.kind == ARRIVE) {
            arrive(&w.requests[e.index]);
            event_done(e.index);
        } else if (e.kind == END) {
            end(&w.requests[e.index]);
            event_done(e.index);
        } else if (e.kind == NEIGHBOUR) {
            neighbour_acts();
        } else if (e.turn == w.callers[e.index].turn) {
            (e.kind == BEGIN ? begin : look)(&w.callers[e.index]);
        }
    }
    result->time_us = w.now_us;
    result->used = used();
    for (int i = 0; i < setup->callers; i++)
        emqxi_limiter_leave(w.limiter, &w.callers[i].waiter);
    emqx_tls_limiter_unref(w.limiter);
    if (setup->all)
        onlookers_close(&w.onlookers);
    else
        platform_close(&w.platform);
    queue_free(&w.queue);
}
