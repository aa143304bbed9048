/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure, wait and remove against everything that can happen around them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define SHORT_MS 100000
#define FORCED   (EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER)

static void moves(explorer *x, const void *state)
{
    const world *w = state;
    world_moves(x, w);
    if (w->calling)
        driver_moves(x, w);
}

static const holding starts[] = {
    {CERT_NONE, EMQX_TLS_STATE_ABSENT, CERT_NONE, 0},
    {CERT_SHORTER, EMQX_TLS_STATE_RUNNING, CERT_SHORTER, 0},
    {CERT_SHORTER, EMQX_TLS_STATE_FAILED, CERT_NONE, 0},
    {CERT_SHORTER, EMQX_TLS_STATE_PENDING, CERT_NONE, 0},
    {CERT_SHORTER, EMQX_TLS_STATE_TERMINATED, CERT_SHORTER, 0},
    {CERT_LONGER, EMQX_TLS_STATE_RUNNING, CERT_LONGER, 0},
    {CERT_TWIN, EMQX_TLS_STATE_RUNNING, CERT_TWIN, 0},
    {CERT_TWIN, EMQX_TLS_STATE_FAILED, CERT_NONE, 0},
    {CERT_TWIN, EMQX_TLS_STATE_PENDING, CERT_SHORTER, 0},
    {CERT_WANTED, EMQX_TLS_STATE_RUNNING, CERT_WANTED, 1},
    {CERT_WANTED, EMQX_TLS_STATE_PENDING, CERT_SHORTER, 1},
    {CERT_WANTED, EMQX_TLS_STATE_FAILED, CERT_SHORTER, 1},
};

static const char *const tells[] = {"all", "the end of what runs", "no end", "another zone",
                                    "other states"};
static uint64_t states, all_moves;

static bool explore_setting(const setting *s)
{
    const explore_model model = {sizeof(world), moves};
    explorer *x = explore_open(&model);
    the_setting = s;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        world w = world_begin(&starts[i]);
        bool hidden = s->telling == TELLS_END_WHEN_RUNNING && starts[i].cert != CERT_NONE &&
                      starts[i].cert <= CERT_TWIN && starts[i].runs != starts[i].cert;
        if (!hidden) /* a pending one that looks the same behind another one's end */
            explore_from(x, &w);
    }
    char name[256];
    snprintf(name, sizeof name, "%s, %u s%s%s%s%s%s, the platform tells %s%s%s", s->machine->name,
             s->wait_ms / 1000, s->flags & EMQX_TLS_FORCE ? ", by force" : "",
             s->flags & EMQX_TLS_ALLOW_EARLIER ? ", earlier ends too" : "",
             s->flags & EMQX_TLS_DRY_RUN ? ", dry run" : "", s->receipts ? ", receipts" : "",
             s->probes ? ", probe" : "", tells[s->telling], s->lags ? ", late" : "",
             s->outsider ? "; somebody else writes" : "");
    bool held = explore_run(x, name);
    printf("%9llu states %10llu moves: %s\n", (unsigned long long)explore_states(x),
           (unsigned long long)explore_moves(x), name);
    fflush(stdout);
    states += explore_states(x);
    all_moves += explore_moves(x);
    explore_close(x);
    return held;
}

enum around { ALONE, LATE, OUTSIDER, AROUND };

/* A platform that is late, and tells of a pending one the end of what runs, shows after a write that
 * failed an end that is neither the one that was seen nor the new one: that is not told apart. */
static bool is_held(enum telling telling, enum around around)
{
    return telling != TELLS_END_WHEN_RUNNING || around == ALONE;
}

/* With and without receipts, with and without a probe. */
static bool explore_ensure(uint32_t wait_ms, uint32_t flags, enum telling telling,
                           enum around around)
{
    bool held = true;
    for (unsigned i = 0; i < 4; i++) {
        setting s = {.machine = &emqxi_ensure_machine,
                     .wait_ms = wait_ms,
                     .flags = flags,
                     .receipts = i & 1,
                     .probes = i & 2,
                     .telling = telling,
                     .lags = around == LATE,
                     .outsider = around == OUTSIDER};
        held &= explore_setting(&s);
    }
    return held;
}

static bool explore_others(uint32_t wait_ms, enum around around)
{
    setting s = {.machine = &emqxi_remove_machine,
                 .wait_ms = wait_ms,
                 .lags = around == LATE,
                 .outsider = around == OUTSIDER};
    bool held = explore_setting(&s);
    s.machine = &emqxi_wait_machine;
    held &= explore_setting(&s);
    s.expects = true;
    return explore_setting(&s) && held;
}

/* What takes seconds. */
static bool explore_some(void)
{
    bool held = true;
    for (enum telling telling = 0; telling < TELLINGS; telling++)
        for (enum around around = ALONE; around <= LATE; around++)
            if (is_held(telling, around))
                held &= explore_ensure(0, 0, telling, around);
    held &= explore_ensure(0, 0, TELLS_ALL, OUTSIDER);
    held &= explore_ensure(0, FORCED, TELLS_ALL, ALONE);
    held &= explore_ensure(0, EMQX_TLS_DRY_RUN, TELLS_ALL, LATE);
    held &= explore_ensure(SHORT_MS, 0, TELLS_ALL, LATE);
    for (enum around around = ALONE; around < AROUND; around++) {
        held &= explore_others(0, around);
        held &= explore_others(SHORT_MS, around);
    }
    return held;
}

/* Every option, with everything that may be around it. */
static bool explore_all(uint32_t wait_ms)
{
    static const uint32_t flags[] = {0, FORCED, EMQX_TLS_DRY_RUN};
    bool held = true;
    for (enum telling telling = 0; telling < TELLINGS; telling++)
        for (enum around around = ALONE; around < AROUND; around++)
            for (size_t i = 0; is_held(telling, around) && i < sizeof flags / sizeof flags[0];
                 i++) {
                held &= explore_ensure(0, flags[i], telling, around);
                held &= explore_ensure(wait_ms, flags[i], telling, around);
            }
    return held;
}

int main(int argc, char **argv)
{
    certs_set_up();
    bool held = argc > 1 ? explore_all((uint32_t)strtoul(argv[1], NULL, 10)) : explore_some();
    printf("%llu states, %llu moves\n", (unsigned long long)states, (unsigned long long)all_moves);
    return !held;
}
