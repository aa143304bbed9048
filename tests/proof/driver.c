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

void driver_keeps_receipt(world *w)
{
    if (w->locked && memcmp(&w->disk, &w->machine.ensure.receipt, sizeof w->disk) != 0)
        w->disk = w->machine.ensure.receipt;
}

void driver_crash(world *w)
{
    end_call(w);
}

int64_t driver_left_ms(const world *w)
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
void driver_go_on(explorer *x, world *w, emqxi_event *e)
{
    emqxi_action a = driver_tell(x, w, e);
    driver_keeps_receipt(w);
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

/* -- the rest ----------------------------------------------------------------------------------- */

static void probe_sees(explorer *x, const world *w, const emqxi_identity *leaf, const char *name)
{
    for (int slow = 0; slow < 2; slow++) {
        world to = *w;
        emqxi_event e = {.type = EMQXI_EVENT_PROBED, .served = leaf};
        if (slow && driver_left_ms(w) < TICK_MS)
            continue;
        if (slow)
            world_age(&to, TICK_MS);
        driver_go_on(x, &to, &e);
        explore_to(x, &to, "the probe sees %s%s", name, slow ? ", a tick later" : "");
    }
}

static void loads(explorer *x, const world *w)
{
    world to = *w;
    emqxi_receipt disk = w->disk;
    emqxi_event e = {.type = EMQXI_EVENT_LOADED, .receipt = &disk};
    to.locked = !(the_setting->flags & EMQX_TLS_DRY_RUN);
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the receipt is loaded");
    to = *w;
    e = (emqxi_event){.type = EMQXI_EVENT_BUSY};
    driver_go_on(x, &to, &e);
    explore_to(x, &to, "the receipt is locked");
    to = *w;
    e = (emqxi_event){.type = EMQXI_EVENT_UNUSABLE, .error = &exchange_no_memory};
    driver_go_on(x, &to, &e);
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
        driver_go_on(x, &to, &e);
        explore_to(x, &to, "%lld s go by", (long long)gone / 1000);
    }
}

static void begins(explorer *x, const world *w)
{
    world to = *w;
    emqxi_event e = {.type = EMQXI_EVENT_BEGUN};
    driver_go_on(x, &to, &e);
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
        exchange_reads(x, w);
        break;
    case EMQXI_ACT_WRITE:
        exchange_writes(x, w);
        break;
    case EMQXI_ACT_SEND:
        exchange_sends(x, w);
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
    emqxi_event e = {.error = &exchange_taken};
    emqxi_error error = exchange_taken;
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
        e.type = exchange_arrives(w, &error);
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
    driver_keeps_receipt(w);
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
