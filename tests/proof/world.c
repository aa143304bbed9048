/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

#include <string.h>

/* Of a receipt counts whether it is older than a minute, than two minutes, than half an hour. What
 * is older than that grows no older until half an hour has gone by at once. */
#define MIDDLE_S 140
#define LONG_S   1860
#define LONG_MS  (LONG_S * 1000)
#define LONG_AGO (NOW - 140000) /* longer than any pause that a write is followed by */

static const char *const names[CERTS] = {"nothing", "the wanted one", "a twin", "a shorter one",
                                         "a longer one"};

world world_begin(const holding *start)
{
    world w;
    memset(&w, 0, sizeof w);
    w.platform.now = *start;
    w.platform.telling = (uint8_t)the_setting->telling;
    return w;
}

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return EMQXI_MIN(EMQXI_MAX(value, low), high);
}

static void age_receipt(emqxi_receipt *r, int64_t ms)
{
    if (r->state == EMQXI_RECEIPT_NONE)
        return;
    int64_t age = WALL - r->time_s + ms / 1000;
    if (age > MIDDLE_S)
        age = age >= LONG_S ? LONG_S : MIDDLE_S;
    r->time_s = WALL - age;
}

static void age_ensure(emqxi_ensure *m, int64_t ms)
{
    bool taken = m->watch.fate >= EMQXI_FATE_ACCEPTED;
    bool loads = m->watch.then == EMQXI_ACT_LOAD || m->watch.doing == EMQXI_ACT_LOAD;
    m->patience_ms = loads ? within(m->patience_ms - ms, NOW, INT64_MAX) : 0;
    m->written_ms = taken ? within(m->written_ms - ms, LONG_AGO, NOW) : 0;
    m->doubt_ms = within(m->doubt_ms - ms, LONG_AGO, INT64_MAX);
    age_receipt(&m->receipt, ms);
    age_receipt(&m->previous, ms);
    bool writes = m->watch.doing == EMQXI_ACT_WRITE || m->watch.doing == EMQXI_ACT_SEND;
    if (!writes && m->watch.fate != EMQXI_FATE_LOST)
        memset(&m->previous, 0, sizeof m->previous); /* the next write sets it */
}

/* Time goes on; or, with 0, what differs in nothing that later moves could tell is made equal. */
void world_age(world *w, int64_t ms)
{
    unsigned ticks = ms >= LONG_MS ? 255 : (unsigned)(ms / TICK_MS);
    if (ms > 0)
        w->steps = 0;
    platform_age(&w->platform, ticks);
    for (size_t i = 0; i < sizeof w->stray; i++) {
        w->stray[i] = w->stray[i] > ticks ? (uint8_t)(w->stray[i] - ticks) : 0;
        w->own[i] = w->stray[i] ? w->own[i] : 0;
    }
    age_receipt(&w->disk, ms);
    if (!w->calling)
        return;
    emqxi_watch *watch = &w->machine.watch;
    watch->polls = 0; /* it decides nothing but the length of the pause */
    /* when the last read began counts until it is judged, and with what a probe has shown */
    bool counts = watch->doing == EMQXI_ACT_READ || watch->doing == EMQXI_ACT_PROBE ||
                  watch->then == EMQXI_ACT_PROBE;
    watch->read_ms = counts ? within(watch->read_ms - ms, LONG_AGO, NOW) : LONG_AGO;
    if (emqxi_waits(watch))
        watch->deadline_ms = EMQXI_MAX(watch->deadline_ms - ms, NOW);
    if (the_setting->machine == &emqxi_ensure_machine)
        age_ensure(&w->machine.ensure, ms);
    if (the_setting->machine == &emqxi_wait_machine)
        w->machine.wait.absent_ms = within(w->machine.wait.absent_ms - ms, NOW - 60000, NOW);
}

int world_take(world *w, uint32_t op)
{
    int status = platform_take(&w->platform, op, CERT_WANTED);
    /* Where nothing tells the new one from that before, what runs counts as it after a minute. */
    if (status < 300 && the_setting->lags)
        w->platform.lag = w->platform.now.unclear ? 3 : LAG_TICKS;
    if (w->platform.lag == 0)
        w->platform.before = (holding){0};
    return status;
}

void world_stray_leaves(world *w, uint32_t op)
{
    w->stray[op] = 3;
    w->own[op] = w->calling;
}

int world_stray_arrives(world *w, uint32_t op)
{
    int status = world_take(w, op);
    /* What a read shows a minute after a write was given up is the proof. */
    w->platform.lag = EMQXI_MIN(w->platform.lag, w->stray[op]);
    w->carried_out += w->own[op] && status < 300;
    w->stray[op] = w->own[op] = 0;
    return status;
}

/* -- moves -------------------------------------------------------------------------------------- */

static void finishes(explorer *x, const world *w)
{
    for (int fails = 0; fails < 2; fails++) {
        world to = *w;
        if (w->platform.now.state != EMQX_TLS_STATE_PENDING &&
            (fails || w->platform.now.state != EMQX_TLS_STATE_TERMINATED))
            continue;
        platform_finish(&to.platform, fails);
        explore_to(x, &to, "the platform %s",
                   fails                                             ? "has put it into \"failed\""
                   : w->platform.now.state == EMQX_TLS_STATE_PENDING ? "runs it now"
                                                                     : "has deleted it");
    }
}

static void stray_arrives(explorer *x, const world *w)
{
    for (uint32_t op = 0; op < sizeof w->stray; op++) {
        world to = *w;
        if (!w->stray[op])
            continue;
        int status = world_stray_arrives(&to, op);
        explore_to(x, &to, "the request that was given up arrives: %d", status);
    }
}

static void outsider_writes(explorer *x, const world *w)
{
    for (uint8_t cert = CERT_NONE; cert < CERTS; cert++) {
        world to = *w;
        bool there = w->platform.now.state != EMQX_TLS_STATE_ABSENT;
        uint32_t op = cert == CERT_NONE ? EMQX_TLS_OP_DELETE
                      : there           ? EMQX_TLS_OP_UPDATE
                                        : EMQX_TLS_OP_CREATE;
        /* who writes a twin without a receipt is not seen: the header says so */
        if (cert == CERT_WANTED || cert == CERT_TWIN || w->others ||
            platform_take(&to.platform, op, cert) >= 300)
            continue;
        to.platform.before = (holding){0};
        to.others = 1;
        explore_to(x, &to, "somebody writes %s", names[cert]);
    }
}

/* Another program that keeps the receipts too; `done`: it has got its answer. */
static void colleague_writes(explorer *x, const world *w, enum cert cert, bool done)
{
    world to = *w;
    emqxi_receipt *r = &to.disk;
    bool there = w->platform.now.state != EMQX_TLS_STATE_ABSENT;
    const emqx_tls_status *was = platform_tells(&w->platform, &w->platform.now);
    to.colleague = 1;
    if (w->platform.lag > 0)
        return; /* a read may show what was there before both: it looks like this call's write */
    if (w->colleague || w->stray[EMQX_TLS_OP_CREATE] || w->stray[EMQX_TLS_OP_UPDATE])
        return; /* it waits until nothing of the write before can arrive */
    if (platform_take(&to.platform, there ? EMQX_TLS_OP_UPDATE : EMQX_TLS_OP_CREATE, cert) >= 300)
        return;
    bool zone_known = r->zone_known;
    int32_t zone_s = r->zone_s;
    memset(r, 0, sizeof *r);
    r->state = done ? EMQXI_RECEIPT_DONE : EMQXI_RECEIPT_INTENT;
    r->identity = cert_identities[cert];
    r->before = !there                                           ? EMQXI_BEFORE_NOTHING
                : w->platform.now.state == EMQX_TLS_STATE_FAILED ? EMQXI_BEFORE_DIFFERENT_FAILED
                : w->platform.now.state == EMQX_TLS_STATE_RUNNING
                    ? EMQXI_BEFORE_DIFFERENT
                    : EMQXI_BEFORE_DIFFERENT_UNFINISHED;
    strcpy(r->was, was->expire_text);
    r->time_s = WALL;
    r->lease_s = (LEASE_MS + 999) / 1000;
    r->zone_known = zone_known;
    r->zone_s = zone_s;
    explore_to(x, &to, "another program writes %s, %s", names[cert],
               done ? "with its receipt" : "and dies before its answer comes");
}

/* Where reads are late, what looks like ours counts after a minute, so there is no twin; and what they
 * show when two programs have written within two minutes nobody can tell: docs/proof.md says why. */
static bool has_colleague(void)
{
    bool all = !the_setting->lags || the_setting->wait_ms == 0;
    return the_setting->receipts && !the_setting->outsider && all &&
           the_setting->telling != TELLS_END_WHEN_RUNNING;
}

static void between_calls(explorer *x, const world *w)
{
    static const int64_t pauses[] = {3 * TICK_MS, LONG_MS};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        world to = *w;
        bool open = w->platform.now.state == EMQX_TLS_STATE_PENDING ||
                    w->platform.now.state == EMQX_TLS_STATE_TERMINATED;
        if (open && pauses[i] == LONG_MS)
            continue; /* so long the platform does not take */
        world_age(&to, pauses[i]);
        explore_to(x, &to, "%lld s later", (long long)pauses[i] / 1000);
    }
    if (has_colleague())
        for (int i = 0; i < 4; i++)
            if (!(i & 1) || !the_setting->lags)
                colleague_writes(x, w, i & 1 ? CERT_TWIN : CERT_SHORTER, i & 2);
    world to = *w;
    driver_begin(&to);
    if (!w->others)
        driver_goes_well(x, w);
    explore_to(x, &to, "a call begins");
}

void world_moves(explorer *x, const world *w)
{
    enum emqxi_action_type doing = w->machine.watch.doing;
    if (w->calling && (doing == EMQXI_ACT_LOAD || doing == EMQXI_ACT_NOTHING))
        return; /* it would make no difference: it can come later */
    finishes(x, w);
    stray_arrives(x, w);
    if (the_setting->outsider)
        outsider_writes(x, w);
    if (!w->calling)
        between_calls(x, w);
}
