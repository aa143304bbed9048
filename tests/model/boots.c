/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "boots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "limiter/file.h"
#include "oracle.h"
#include "queue.h"

#define WRITES     6
#define WINDOW_MS  3600000
#define HELD_MS    (WINDOW_MS + 1000 + WINDOW_MS / 2000)
#define LEASE_MS   30000
#define DAY_US     (24 * US_PER_HOUR)
#define WALL_BEGIN 1700000000000 /* what the wall clock should have said in the beginning */
#define WALL_ERROR 15000         /* of one that the kernel calls synchronised, at most */
#define CALLERS    3

enum { TRY, ARRIVE, END, WALL, POWER_GOES, BOOT, SEEN };

static struct {
    rng rng;
    int64_t now_us;
    queue queue;
    uint64_t boot;
    int64_t boot_us;       /* when it began */
    int64_t wall_error_ms; /* of the wall clock */
    bool synchronised, trust_any_wall;
    char path[FOLDER_SIZE + 8];
    emqx_tls_store store;
    oracle oracles[ORACLE_KINDS];
    uint64_t (*tickets)[EMQX_TLS_TICKET_WORDS];
    int64_t grants_us[WRITES]; /* the last ones */
    boots_result *result;
} w;

static int64_t now_ms(void *context)
{
    (void)context;
    return (w.now_us - w.boot_us) / 1000;
}

static int64_t wall_ms(void *context)
{
    (void)context;
    return WALL_BEGIN + w.now_us / 1000 + w.wall_error_ms;
}

static void boot_id(void *context, unsigned char id[16])
{
    (void)context;
    memset(id, 0xb0, 16);
    memcpy(id, &w.boot, sizeof w.boot);
}

static void machine(uint8_t id[16])
{
    memset(id, 0x3a, 16);
}

static bool wall_trusted(const emqx_tls_clock *clock)
{
    (void)clock;
    return w.trust_any_wall || w.synchronised;
}

static void put(int64_t after_us, int kind, int index)
{
    queue_put(
        &w.queue,
        (event){.time_us = w.now_us + after_us, .kind = kind, .index = index, .turn = w.boot});
}

static void open_store(void)
{
    static const emqx_tls_clock clock = {
        .size = sizeof clock, .now_ms = now_ms, .wall_ms = wall_ms, .boot_id = boot_id};
    static const emqxi_host host = {machine, wall_trusted};
    emqx_tls_limiter_config config;
    emqxi_settings settings;
    emqx_tls_limiter_config_init(&config);
    config.clock = &clock;
    if (emqxi_file_open(w.path, &config, &host, &w.store, &settings, NULL) != EMQX_TLS_OK)
        abort();
}

/* 1970, local time for UTC, a user's mistake; or as it should be. */
static void set_wall(void)
{
    static const int64_t hours[] = {-14, -5, -1, 1, 2, 8, 12, 24 * 365};
    w.synchronised = rng_chance(&w.rng, 400);
    if (w.synchronised)
        w.wall_error_ms = rng_below(&w.rng, 2 * WALL_ERROR + 1) - WALL_ERROR;
    else if (rng_chance(&w.rng, 300))
        w.wall_error_ms = -WALL_BEGIN - w.now_us / 1000;
    else
        w.wall_error_ms = hours[rng_below(&w.rng, 8)] * 3600000;
}

static void power_goes(void)
{
    w.store.destroy(w.store.context);
    w.boot++;
    put(rng_chance(&w.rng, 700) ? rng_below(&w.rng, 30 * US_PER_S)
                                : rng_below(&w.rng, 2 * US_PER_HOUR),
        BOOT, 0);
}

static void boot(void)
{
    w.result->boots++;
    w.boot_us = w.now_us;
    set_wall();
    put(rng_below(&w.rng, 60 * US_PER_S), SEEN, 0);
}

/* The program begins. */
static void seen(void)
{
    open_store();
    for (int i = 0; i < CALLERS; i++)
        put(rng_below(&w.rng, 60 * US_PER_S), TRY, 0);
    put(rng_below(&w.rng, rng_chance(&w.rng, 500) ? US_PER_HOUR : DAY_US), POWER_GOES, 0);
    put(rng_below(&w.rng, DAY_US), WALL, 0);
}

static void arrive(void)
{
    for (int i = 0; i < ORACLE_KINDS; i++)
        if (!oracle_arrival(&w.oracles[i], w.now_us) && w.result->refusals++ == 0)
            w.result->first_request = w.result->requests;
}

/* Has every slot had time to become free since this boot has seen the file? */
static bool all_over(void)
{
    int64_t held_us = (HELD_MS + LATE_MS) * 1000ll + 120 * US_PER_S;
    return w.now_us - w.boot_us > held_us &&
           w.now_us - w.grants_us[w.result->requests % WRITES] > held_us + LEASE_MS * 1000ll;
}

static void try_one(void)
{
    emqx_tls_ask ask = {
        .size = sizeof ask, .op = EMQX_TLS_OP_UPDATE, .deployment_id = "d0", .lease_ms = LEASE_MS};
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    if (w.store.reserve(w.store.context, &ask, &grant, &error) != EMQX_TLS_OK || grant.busy)
        abort();
    if (!grant.granted) {
        w.result->blocked += all_over();
        put(rng_below(&w.rng, grant.late_ms * 1000 + 1) + 1000, TRY, 0);
        return;
    }
    /* of a caller's ticket: more than can be in flight */
    int index = (int)(w.result->requests % (4 * CALLERS));
    memcpy(w.tickets[index], grant.ticket, sizeof grant.ticket);
    w.grants_us[w.result->requests++ % WRITES] = w.now_us;
    bool lost = rng_chance(&w.rng, 100);
    int64_t end = rng_edge(&w.rng, LEASE_MS * 1000ll);
    put(rng_edge(&w.rng, end + (lost ? LATE_MS * 1000ll : 0)), ARRIVE, 0);
    put(end, END, 2 * index + lost);
}

static void end(int index)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    uint32_t outcome = index % 2 ? EMQX_TLS_OUTCOME_LOST : EMQX_TLS_OUTCOME_ANSWERED;
    if (w.store.settle(w.store.context, w.tickets[index / 2], outcome, -1, &error) != EMQX_TLS_OK)
        abort();
    put(rng_below(&w.rng, 60 * US_PER_S), TRY, 0);
}

static void run(uint64_t requests)
{
    event e;
    boot();
    while (w.result->requests < requests && queue_take(&w.queue, &e)) {
        w.now_us = e.time_us;
        if (e.kind == ARRIVE)
            arrive();
        else if (e.turn != w.boot)
            continue; /* the power has gone since */
        else if (e.kind == END)
            end(e.index);
        else if (e.kind == TRY)
            try_one();
        else
            (e.kind == WALL         ? set_wall
             : e.kind == POWER_GOES ? power_goes
             : e.kind == BOOT       ? boot
                                    : seen)();
    }
    w.store.destroy(w.store.context);
}

bool boots_run(uint64_t seed, uint64_t requests, bool trust_any_wall, boots_result *result)
{
    uint64_t tickets[4 * CALLERS][EMQX_TLS_TICKET_WORDS];
    memset(&w, 0, sizeof w);
    memset(result, 0, sizeof *result);
    w.rng.state = seed;
    w.trust_any_wall = trust_any_wall;
    w.result = result;
    w.tickets = tickets;
    for (int i = 0; i < WRITES; i++)
        w.grants_us[i] = -DAY_US;
    char folder[FOLDER_SIZE];
    if (!folder_make_in_memory(folder, "model"))
        return false;
    snprintf(w.path, sizeof w.path, "%s/quota", folder);
    for (int kind = 0; kind < ORACLE_KINDS; kind++)
        oracle_open(&w.oracles[kind], kind, WRITES, WINDOW_MS * 1000ll,
                    rng_below(&w.rng, US_PER_HOUR));
    run(requests);
    result->time_us = w.now_us;
    for (int kind = 0; kind < ORACLE_KINDS; kind++)
        oracle_close(&w.oracles[kind]);
    queue_free(&w.queue);
    folder_remove(folder);
    return true;
}
