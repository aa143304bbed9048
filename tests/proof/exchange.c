/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

typedef struct fault {
    const char *name;
    emqxi_error error;
} fault;

#define ANSWERED(status, code_)                                                                    \
    {                                                                                              \
        .code = code_, .http_status = status, .delivery = EMQX_TLS_DELIVERY_ANSWERED,              \
        .retry_after_ms = status == 429 ? 2 * TICK_MS : -1                                         \
    }
#define NOT_SENT(code_)                                                                            \
    {                                                                                              \
        .code = code_, .delivery = EMQX_TLS_DELIVERY_NOT_SENT, .retry_after_ms = -1                \
    }
#define MAYBE(code_)                                                                               \
    {                                                                                              \
        .code = code_, .delivery = EMQX_TLS_DELIVERY_MAYBE, .retry_after_ms = -1                   \
    }

static const fault not_sent[] = {
    {"can't connect", NOT_SENT(EMQX_TLS_E_TRANSPORT)},
    {"the quota's store is away", NOT_SENT(EMQX_TLS_E_STORE)},
    {"no quota", NOT_SENT(EMQX_TLS_E_RATE_LIMITED)},
};
static const fault refused[] = {
    {"403", ANSWERED(403, EMQX_TLS_E_FORBIDDEN)},
    {"404", ANSWERED(404, EMQX_TLS_E_NOT_FOUND)},
    {"409", ANSWERED(409, EMQX_TLS_E_HTTP)},
    {"422", ANSWERED(422, EMQX_TLS_E_UNPROCESSABLE)},
    {"429", ANSWERED(429, EMQX_TLS_E_RATE_LIMITED)},
};
static const fault lost[] = {
    {"500", ANSWERED(500, EMQX_TLS_E_HTTP)},
    {"503", ANSWERED(503, EMQX_TLS_E_HTTP)},
    {"the connection is lost", MAYBE(EMQX_TLS_E_TRANSPORT)},
    {"no answer in time", MAYBE(EMQX_TLS_E_TIMEOUT)},
    {"a broken answer", ANSWERED(200, EMQX_TLS_E_PROTOCOL)},
};
const emqxi_error exchange_taken = {.delivery = EMQX_TLS_DELIVERY_ANSWERED, .http_status = 200};
static const emqxi_error cut_off = MAYBE(EMQX_TLS_E_CANCELLED);
const emqxi_error exchange_no_memory = NOT_SENT(EMQX_TLS_E_NO_MEMORY);
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* -- reads -------------------------------------------------------------------------------------- */

/* The answer is of this holding; it may come a tick later, and what was given up may arrive between. */
static void read_shows(explorer *x, const world *w, const holding *h, const char *name)
{
    const emqx_tls_status *s = platform_tells(&w->platform, h);
    for (int slow = 0; slow < 3; slow++) {
        world to = *w;
        uint32_t op = w->stray[EMQX_TLS_OP_CREATE] ? EMQX_TLS_OP_CREATE : EMQX_TLS_OP_UPDATE;
        emqxi_event e = {.type = EMQXI_EVENT_READ, .status = s, .error = &exchange_taken};
        if (slow && driver_left_ms(w) < TICK_MS)
            continue;
        if (slow == 2 && !w->stray[op])
            continue;
        if (h == &w->platform.now &&
            h->unclear) /* nor do reads go back, where nothing could tell */
            to.platform.lag = 0;
        if (slow == 2)
            world_stray_arrives(&to, op);
        if (slow)
            world_age(&to, TICK_MS);
        driver_go_on(x, &to, &e);
        explore_to(x, &to, "a read shows %s: %s%s", name,
                   h->state == EMQX_TLS_STATE_ABSENT ? "nothing" : s->state_text,
                   slow == 2 ? ", a tick later, and what was given up arrives meanwhile"
                   : slow    ? ", a tick later"
                             : "");
    }
}

static void read_fails(explorer *x, const world *w, const fault *f, bool slow)
{
    world to = *w;
    emqxi_event e = {.type = EMQXI_EVENT_UNREAD, .error = &f->error};
    if (slow && driver_left_ms(w) < TICK_MS)
        return;
    if (slow)
        world_age(&to, TICK_MS);
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "a read fails: %s%s", f->name, slow ? ", a tick later" : "");
}

static void cut_by_deadline(explorer *x, const world *w, enum emqxi_event_type type)
{
    world to = *w;
    emqxi_event e = {.type = type, .error = &cut_off};
    if (driver_left_ms(w) > (type == EMQXI_EVENT_LOST ? 1 : 3) * TICK_MS)
        return; /* a write ends with its lease */
    world_age(&to, driver_left_ms(w));
    if (type == EMQXI_EVENT_LOST) {
        to.sent++;
        world_stray_leaves(&to, w->op);
    }
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the deadline cuts the exchange off");
}

void exchange_reads(explorer *x, const world *w)
{
    read_shows(x, w, &w->platform.now, "what is there");
    if (w->platform.lag > 0)
        read_shows(x, w, &w->platform.before, "what was there");
    for (size_t i = 0; i < COUNT(not_sent); i++)
        read_fails(x, w, &not_sent[i], false);
    for (size_t i = 0; i < COUNT(refused); i++)
        if (i != 1) /* a 404 is "nothing is there" */
            read_fails(x, w, &refused[i], false);
    for (size_t i = 0; i < COUNT(lost); i++) {
        read_fails(x, w, &lost[i], false);
        read_fails(x, w, &lost[i], true);
    }
    cut_by_deadline(x, w, EMQXI_EVENT_UNREAD);
}

/* -- writes ------------------------------------------------------------------------------------- */

static void write_fails(explorer *x, const world *w, const fault *f, enum emqxi_event_type type)
{
    world to = *w;
    emqxi_event e = {.type = type, .error = &f->error};
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the write fails: %s", f->name);
}

static void departs(explorer *x, const world *w)
{
    world to = *w, dead;
    emqxi_event e = {.type = EMQXI_EVENT_DEPARTING, .lease_ms = LEASE_MS};
    emqxi_action a = driver_tell(x, &to, &e);
    if (the_setting->receipts) {
        world unsaved = to;
        emqxi_event failed = {.type = EMQXI_EVENT_UNUSABLE, .error = &exchange_no_memory};
        unsaved.machine.watch.doing = a.type;
        driver_go_on(x, &unsaved, &failed);
        explore_to(x, &unsaved, "the intent can't be kept: the write does not leave");
    }
    driver_keeps_receipt(&to);
    world_age(&to, 0);
    explore_to(x, &to, "the %s is about to leave",
               w->op == EMQX_TLS_OP_CREATE   ? "POST"
               : w->op == EMQX_TLS_OP_UPDATE ? "PUT"
                                             : "DELETE");
    dead = to;
    driver_crash(&dead);
    explore_to(x, &dead, "the program is killed before the write leaves");
}

static emqx_tls_code code_of(int status)
{
    return status < 300    ? EMQX_TLS_OK
           : status == 404 ? EMQX_TLS_E_NOT_FOUND
           : status == 422 ? EMQX_TLS_E_UNPROCESSABLE
                           : EMQX_TLS_E_HTTP;
}

/* The write under way arrives and is answered. */
enum emqxi_event_type exchange_arrives(world *w, emqxi_error *error)
{
    int status = world_take(w, w->op);
    w->sent++;
    w->carried_out += status < 300;
    *error = exchange_taken;
    error->http_status = status;
    error->code = code_of(status);
    return emqxi_outcome(w->op, error);
}

/* It arrives; `reply`: how the platform answers where it takes it. */
static void answered(explorer *x, const world *w, int reply, bool slow)
{
    static const char *const names[] = {"its status", "{}", "\"running\" at once"};
    static emqx_tls_status empty;
    world to = *w;
    emqxi_error error;
    emqxi_event e = {.error = &error};
    if (slow && driver_left_ms(w) < TICK_MS)
        return;
    if (slow)
        world_age(&to, TICK_MS);
    e.type = exchange_arrives(&to, &error);
    if (error.code != EMQX_TLS_OK && reply)
        return;
    if (reply == 2)
        platform_finish(&to.platform, false);
    emqx_tls_status_init(&empty);
    empty.state = EMQX_TLS_STATE_ABSENT;
    e.status = reply == 1 ? &empty : platform_tells(&to.platform, &to.platform.now);
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the write is answered with %d and %s%s", (int)error.http_status,
               names[reply], slow ? ", a tick later" : "");
}

enum lost_how { NEVER_CARRIED_OUT, CARRIED_OUT, ARRIVES_LATER };

static void is_lost(explorer *x, const world *w, const fault *f, enum lost_how how, bool slow)
{
    static const char *const names[] = {"it was not carried out", "it was carried out",
                                        "it may arrive later"};
    world to = *w;
    emqxi_event e = {.type = emqxi_outcome(w->op, &f->error), .error = &f->error};
    if (slow && driver_left_ms(w) < TICK_MS)
        return;
    if (slow)
        world_age(&to, TICK_MS);
    to.sent++;
    if (how == CARRIED_OUT) {
        if (world_take(&to, w->op) >= 300)
            return;
        to.platform.lag = EMQXI_MIN(to.platform.lag, 3);
        to.carried_out++;
    }
    if (how == ARRIVES_LATER)
        world_stray_leaves(&to, w->op);
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the write is lost: %s%s; %s", f->name, slow ? ", a tick later" : "",
               names[how]);
}

static void is_killed(explorer *x, const world *w, enum lost_how how)
{
    static const char *const names[] = {"has not left", "was carried out", "may still arrive"};
    world to = *w;
    if (how == CARRIED_OUT) {
        if (world_take(&to, w->op) >= 300)
            return;
        to.platform.lag = EMQXI_MIN(to.platform.lag, 3);
    }
    if (how == ARRIVES_LATER)
        world_stray_leaves(&to, w->op);
    driver_crash(&to);
    explore_to(x, &to, "the program is killed; its write %s", names[how]);
}

void exchange_writes(explorer *x, const world *w)
{
    departs(x, w);
    for (size_t i = 0; i < COUNT(not_sent); i++)
        write_fails(x, w, &not_sent[i], EMQXI_EVENT_REFUSED);
    write_fails(x, w, &(fault){"out of memory", exchange_no_memory}, EMQXI_EVENT_UNUSABLE);
    cut_by_deadline(x, w, EMQXI_EVENT_REFUSED);
}

void exchange_sends(explorer *x, const world *w)
{
    for (int i = 0; i < 3; i++)
        answered(x, w, i, false);
    answered(x, w, 0, true);
    for (size_t i = 0; i < COUNT(refused); i++) {
        world sent = *w;
        sent.sent++;
        write_fails(x, &sent, &refused[i], emqxi_outcome(w->op, &refused[i].error));
    }
    for (size_t i = 0; i < COUNT(not_sent); i++)
        write_fails(x, w, &not_sent[i], EMQXI_EVENT_REFUSED);
    for (size_t i = 0; i < COUNT(lost); i++)
        for (enum lost_how how = NEVER_CARRIED_OUT; how <= ARRIVES_LATER; how++)
            if (how != ARRIVES_LATER || lost[i].error.delivery == EMQX_TLS_DELIVERY_MAYBE) {
                is_lost(x, w, &lost[i], how, false);
                is_lost(x, w, &lost[i], how, true);
            }
    cut_by_deadline(x, w, EMQXI_EVENT_LOST);
    for (enum lost_how how = CARRIED_OUT; how <= ARRIVES_LATER; how++)
        is_killed(x, w, how);
}
