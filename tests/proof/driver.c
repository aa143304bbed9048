/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

#include <string.h>

const setting *the_setting;

static bool ensures(void)
{
    return the_setting->machine == &emqxi_ensure_machine;
}

/* -- the driver, as job.c does it ---------------------------------------------------------------- */

void driver_begin(world *w)
{
    const setting *s = the_setting;
    memset(&w->machine, 0, sizeof w->machine);
    w->calling = 1;
    w->carried_out = w->sent = w->steps = 0;
    emqxi_watch *watch = &w->machine.watch;
    watch->deadline_ms = s->wait_ms ? NOW + s->wait_ms : INT64_MAX;
    watch->then = s->receipts ? EMQXI_ACT_LOAD : EMQXI_ACT_READ;
    emqx_tls_status_init(&watch->status);
    if (s->machine == &emqxi_wait_machine && s->expects)
        w->machine.wait.wanted = &cert_identities[CERT_WANTED];
    if (!ensures())
        return;
    emqxi_ensure *m = &w->machine.ensure;
    m->wanted = &cert_identities[CERT_WANTED];
    m->flags = s->flags;
    m->keeps_receipts = s->receipts;
    m->probes = s->probes;
    m->patience_ms = NOW + 2 * TICK_MS;
}

static void end_call(world *w)
{
    memset(&w->machine, 0, sizeof w->machine);
    memset(w->own, 0, sizeof w->own);
    w->calling = w->locked = w->op = w->carried_out = w->sent = w->steps = 0;
    w->until_ms = 0;
}

static void keep_receipt(world *w)
{
    if (w->locked && memcmp(&w->disk, &w->machine.ensure.receipt, sizeof w->disk) != 0)
        w->disk = w->machine.ensure.receipt;
}

void driver_crash(world *w)
{
    end_call(w);
}

static int64_t left_ms(const world *w)
{
    return w->machine.watch.deadline_ms - NOW;
}

emqxi_action driver_tell(explorer *x, world *w, emqxi_event *e)
{
    world before = *w;
    e->now_ms = NOW;
    e->wall_s = WALL;
    w->steps++;
    emqxi_action a = emqxi_next(the_setting->machine, &w->machine.watch, e);
    if (a.type == EMQXI_ACT_WRITE)
        w->op = (uint8_t)a.op;
    held_after(x, &before, w, e, &a);
    return a;
}

/* Tells it, keeps the receipt, and goes on to what follows. */
static void tell(explorer *x, world *w, emqxi_event *e)
{
    emqxi_action a = driver_tell(x, w, e);
    keep_receipt(w);
    if (a.type == EMQXI_ACT_PAUSE)
        w->until_ms = EMQXI_MIN(EMQXI_MIN(a.until_ms, w->machine.watch.deadline_ms) - NOW,
                                a.poll ? 3 * TICK_MS : TICK_MS);
    else
        w->until_ms = 0;
    if (a.type == EMQXI_ACT_END)
        end_call(w);
    else
        world_age(w, 0);
}

/* -- what may become of an exchange -------------------------------------------------------------- */

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
static const emqxi_error taken = {.delivery = EMQX_TLS_DELIVERY_ANSWERED, .http_status = 200};
static const emqxi_error cut_off = MAYBE(EMQX_TLS_E_CANCELLED);
static const emqxi_error no_memory = NOT_SENT(EMQX_TLS_E_NO_MEMORY);
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* -- reads -------------------------------------------------------------------------------------- */

/* The answer is of this holding; it may come a tick later, and what was given up may arrive between. */
static void read_shows(explorer *x, const world *w, const holding *h, const char *name)
{
    const emqx_tls_status *s = platform_tells(&w->platform, h);
    for (int slow = 0; slow < 3; slow++) {
        world to = *w;
        uint32_t op = w->stray[EMQX_TLS_OP_CREATE] ? EMQX_TLS_OP_CREATE : EMQX_TLS_OP_UPDATE;
        emqxi_event e = {.type = EMQXI_EVENT_READ, .status = s, .error = &taken};
        if (slow && left_ms(w) < TICK_MS)
            continue;
        if (slow == 2 && !w->stray[op])
            continue;
        if (slow == 2)
            world_stray_arrives(&to, op);
        if (slow)
            world_age(&to, TICK_MS);
        tell(x, &to, &e);
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
    if (slow && left_ms(w) < TICK_MS)
        return;
    if (slow)
        world_age(&to, TICK_MS);
    tell(x, &to, &e);
    explore_to(x, &to, "a read fails: %s%s", f->name, slow ? ", a tick later" : "");
}

static void cut_by_deadline(explorer *x, const world *w, enum emqxi_event_type type)
{
    world to = *w;
    emqxi_event e = {.type = type, .error = &cut_off};
    if (left_ms(w) > (type == EMQXI_EVENT_LOST ? 1 : 3) * TICK_MS)
        return; /* a write ends with its lease */
    world_age(&to, left_ms(w));
    if (type == EMQXI_EVENT_LOST) {
        to.sent++;
        world_stray_leaves(&to, w->op);
    }
    tell(x, &to, &e);
    explore_to(x, &to, "the deadline cuts the exchange off");
}

static void reads(explorer *x, const world *w)
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
    tell(x, &to, &e);
    explore_to(x, &to, "the write fails: %s", f->name);
}

static void departs(explorer *x, const world *w)
{
    world to = *w, dead;
    emqxi_event e = {.type = EMQXI_EVENT_DEPARTING, .lease_ms = LEASE_MS};
    emqxi_action a = driver_tell(x, &to, &e);
    if (the_setting->receipts) {
        world unsaved = to;
        emqxi_event failed = {.type = EMQXI_EVENT_UNUSABLE, .error = &no_memory};
        unsaved.machine.watch.doing = a.type;
        tell(x, &unsaved, &failed);
        explore_to(x, &unsaved, "the intent can't be kept: the write does not leave");
    }
    keep_receipt(&to);
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
static enum emqxi_event_type arrives(world *w, emqxi_error *error)
{
    int status = world_take(w, w->op);
    w->sent++;
    w->carried_out += status < 300;
    *error = taken;
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
    if (slow && left_ms(w) < TICK_MS)
        return;
    if (slow)
        world_age(&to, TICK_MS);
    e.type = arrives(&to, &error);
    if (error.code != EMQX_TLS_OK && reply)
        return;
    if (reply == 2)
        platform_finish(&to.platform, false);
    emqx_tls_status_init(&empty);
    empty.state = EMQX_TLS_STATE_ABSENT;
    e.status = reply == 1 ? &empty : platform_tells(&to.platform, &to.platform.now);
    tell(x, &to, &e);
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
    if (slow && left_ms(w) < TICK_MS)
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
    tell(x, &to, &e);
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

static void writes(explorer *x, const world *w)
{
    departs(x, w);
    for (size_t i = 0; i < COUNT(not_sent); i++)
        write_fails(x, w, &not_sent[i], EMQXI_EVENT_REFUSED);
    write_fails(x, w, &(fault){"out of memory", no_memory}, EMQXI_EVENT_UNUSABLE);
    cut_by_deadline(x, w, EMQXI_EVENT_REFUSED);
}

static void sends(explorer *x, const world *w)
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

/* -- the rest ----------------------------------------------------------------------------------- */

static void probe_sees(explorer *x, const world *w, const emqxi_identity *leaf, const char *name)
{
    for (int slow = 0; slow < 2; slow++) {
        world to = *w;
        emqxi_event e = {.type = EMQXI_EVENT_PROBED, .served = leaf};
        if (slow && left_ms(w) < TICK_MS)
            continue;
        if (slow)
            world_age(&to, TICK_MS);
        tell(x, &to, &e);
        explore_to(x, &to, "the probe sees %s%s", name, slow ? ", a tick later" : "");
    }
}

static void loads(explorer *x, const world *w)
{
    world to = *w;
    emqxi_receipt disk = w->disk;
    emqxi_event e = {.type = EMQXI_EVENT_LOADED, .receipt = &disk};
    to.locked = !(the_setting->flags & EMQX_TLS_DRY_RUN);
    tell(x, &to, &e);
    explore_to(x, &to, "the receipt is loaded");
    to = *w;
    e = (emqxi_event){.type = EMQXI_EVENT_BUSY};
    tell(x, &to, &e);
    explore_to(x, &to, "the receipt is locked");
    to = *w;
    e = (emqxi_event){.type = EMQXI_EVENT_UNUSABLE, .error = &no_memory};
    tell(x, &to, &e);
    explore_to(x, &to, "the receipt can't be used");
}

/* Until then, or with the next poll. */
static void pauses(explorer *x, const world *w)
{
    for (int64_t ms = TICK_MS; ms <= 3 * TICK_MS; ms += 2 * TICK_MS) {
        world to = *w;
        emqxi_event e = {.type = EMQXI_EVENT_TIME};
        if (ms > w->until_ms && ms > TICK_MS)
            break;
        int64_t gone = EMQXI_MAX(EMQXI_MIN(ms, w->until_ms), TICK_MS);
        world_age(&to, gone);
        tell(x, &to, &e);
        explore_to(x, &to, "%lld s go by", (long long)gone / 1000);
    }
}

static void begins(explorer *x, const world *w)
{
    world to = *w;
    emqxi_event e = {.type = EMQXI_EVENT_BEGUN};
    tell(x, &to, &e);
    explore_to(x, &to, "it begins");
}

void driver_moves(explorer *x, const world *w)
{
    world dead = *w;
    uint8_t runs = w->platform.now.runs;
    switch (w->machine.watch.doing) {
    case EMQXI_ACT_NOTHING:
        begins(x, w);
        break;
    case EMQXI_ACT_LOAD:
        loads(x, w);
        break;
    case EMQXI_ACT_READ:
        reads(x, w);
        break;
    case EMQXI_ACT_WRITE:
        writes(x, w);
        break;
    case EMQXI_ACT_SEND:
        sends(x, w);
        break;
    case EMQXI_ACT_PROBE:
        probe_sees(x, w, runs == CERT_NONE ? NULL : &cert_identities[runs], "what is served");
        probe_sees(x, w, NULL, "nothing");
        break;
    default:
        pauses(x, w);
    }
    driver_crash(&dead);
    explore_to(x, &dead, "the program is killed");
}

/* -- the platform is well ------------------------------------------------------------------------ */

/* Carries one action out as it goes when nothing goes wrong. */
static emqxi_action well(explorer *x, world *w, const emqxi_action *a)
{
    emqxi_event e = {.error = &taken};
    emqxi_error error = taken;
    emqxi_receipt disk = w->disk;
    uint8_t runs = w->platform.now.runs;
    switch (a->type) {
    case EMQXI_ACT_LOAD:
        e.type = EMQXI_EVENT_LOADED;
        e.receipt = &disk;
        w->locked = !(the_setting->flags & EMQX_TLS_DRY_RUN);
        break;
    case EMQXI_ACT_READ:
        e.type = EMQXI_EVENT_READ;
        e.status = platform_tells(&w->platform, &w->platform.now);
        break;
    case EMQXI_ACT_WRITE:
        e.type = EMQXI_EVENT_DEPARTING;
        e.lease_ms = LEASE_MS;
        break;
    case EMQXI_ACT_SEND:
        e.type = arrives(w, &error);
        w->platform.lag = 0;
        e.error = &error;
        e.status = platform_tells(&w->platform, &w->platform.now);
        break;
    case EMQXI_ACT_PROBE:
        e.type = EMQXI_EVENT_PROBED;
        e.served = runs == CERT_NONE ? NULL : &cert_identities[runs];
        break;
    default:
        e.type = EMQXI_EVENT_TIME;
        platform_finish(&w->platform, false);
        world_age(w, EMQXI_MIN(w->machine.watch.deadline_ms - NOW, TICK_MS));
    }
    emqxi_action next = driver_tell(x, w, &e);
    keep_receipt(w);
    world_age(w, 0);
    return next;
}

/* A good end, or a refusal that a call can't mend. */
static bool is_reached(const emqxi_action *end)
{
    bool waits = the_setting->machine == &emqxi_wait_machine;
    switch (end->of == EMQXI_OF_MACHINE ? end->code : EMQX_TLS_E_TRANSPORT) {
    case EMQX_TLS_OK:
    case EMQX_TLS_E_CHECK:
    case EMQX_TLS_E_INVALID:
        return true;
    default:
        return waits; /* for what is not there, or is another one */
    }
}

void driver_goes_well(explorer *x, const world *from)
{
    world w = *from;
    w.platform.lag = 0;
    w.platform.before = (holding){0};
    memset(w.stray, 0, sizeof w.stray);
    for (int call = 0; call < 2; call++) {
        int steps = 0;
        emqxi_event e = {.type = EMQXI_EVENT_BEGUN};
        driver_begin(&w);
        emqxi_action a = driver_tell(x, &w, &e);
        while (a.type != EMQXI_ACT_END && ++steps < 300)
            a = well(x, &w, &a);
        if (a.type != EMQXI_ACT_END)
            explore_broken(x, "a call does not end, though all is well");
        if (is_reached(&a))
            return;
        int64_t later = EMQXI_MAX(a.until_ms - NOW, 2 * LAG_TICKS * TICK_MS);
        end_call(&w);
        platform_finish(&w.platform, false);
        world_age(&w, later);
    }
    explore_broken(x, "two calls do not reach it, though all is well");
}
