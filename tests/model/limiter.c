/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The limiter against models of the platform, in virtual time. Usage: limiter-model [SEED|random
 * [REQUESTS [short]]]; what a seed has shown, it shows again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "boots.h"
#include "naive.h"
#include "world.h"

#define REQUESTS 10000000ull /* of the worlds where nobody else uses the key, in all */

static int failures;

static void check(bool good, const char *what)
{
    printf("%-6s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

/* -- nobody else uses the key: never a 429 ----------------------------------------------------- */

static const int64_t windows_ms[] = {1000,    7777,    60000,   600000,
                                     3600000, 3600000, 3600000, 86400000};

static void any_world(world_setup *s, uint64_t seed)
{
    rng r = {seed};
    bool usual = rng_chance(&r, 400);
    memset(s, 0, sizeof *s);
    s->seed = rng_next(&r);
    s->requests = 20000;
    s->all = true;
    s->flags = rng_chance(&r, 500) ? 0 : (uint32_t)rng_below(&r, 4);
    s->reads = usual ? 60 : (uint32_t)(1 + rng_below(&r, 80));
    s->writes = usual ? 6 : (uint32_t)(1 + rng_below(&r, 12));
    s->window_ms = usual ? 3600000 : windows_ms[rng_below(&r, 8)];
    s->ppm = (int)rng_below(&r, 1001) - 500;
    s->callers = rng_chance(&r, 100) ? 1 : (int)(1 + rng_below(&r, 100));
    s->saturate = rng_chance(&r, 300);
    s->sleepers = rng_chance(&r, 300) ? 200 : 0;
    s->lost = rng_chance(&r, 500) ? (int)rng_below(&r, 300) : 0;
    s->not_sent = rng_chance(&r, 500) ? (int)rng_below(&r, 300) : 0;
    s->died = rng_chance(&r, 300) ? (int)rng_below(&r, 100) : 0;
    s->lease_ms = 1 + rng_below(&r, 60000);
}

static void alone(uint64_t seed, uint64_t requests)
{
    rng r = {seed};
    uint64_t done = 0, refused = 0, broken = 0, worlds = 0, estimated = 0, arrivals = 0;
    double hours = 0;
    while (done < requests) {
        world_setup s;
        world_result result;
        uint64_t own = rng_next(&r);
        any_world(&s, own);
        world_run(&s, &result);
        worlds++;
        done += result.requests;
        arrivals += result.arrivals;
        hours += (double)result.time_us / US_PER_HOUR;
        refused += result.refusals;
        broken += result.broken_promises;
        estimated += result.refusals_of[ESTIMATE];
        if (result.refusals > 0)
            printf("world %llu: %s, scope %d, refuses after %llu requests, %llu times\n",
                   (unsigned long long)own, oracle_name(result.first_kind), result.first_scope,
                   (unsigned long long)result.first_request, (unsigned long long)result.refusals);
        if (result.broken_promises > 0)
            printf("world %llu: retry_after_ms was not enough\n", (unsigned long long)own);
    }
    printf("%llu worlds, %llu requests, %.0f years\n", (unsigned long long)worlds,
           (unsigned long long)done, hours / 24 / 365);
    check(refused == 0, "no 429 from any platform that counts N in W");
    check(broken == 0, "who is alone and waits retry_after_ms gets a slot");
    printf(
        "a platform that estimates (weighted previous window) would have refused %.2f of 10000\n",
        (double)estimated / (double)arrivals * 10000);
}

/* -- everybody asks all the time: no slot stays unused ----------------------------------------- */

static void saturated(uint64_t seed)
{
    double least = 1;
    rng r = {seed};
    for (int i = 0; i < 40; i++) {
        world_setup s;
        world_result result;
        any_world(&s, rng_next(&r));
        s.saturate = true;
        s.flags = 0;
        s.died = s.sleepers = 0;
        s.callers = 200; /* of each class more than it has slots */
        world_run(&s, &result);
        if (result.used < 0.99)
            printf("world %llu: %u reads, %u writes in %lld ms, lease %lld ms, lost %d, not sent "
                   "%d: %.4f\n",
                   (unsigned long long)s.seed, s.reads, s.writes, (long long)s.window_ms,
                   (long long)s.lease_ms, s.lost, s.not_sent, result.used);
        if (result.used < least)
            least = result.used;
    }
    printf("of the best schedule, at least %.4f\n", least);
    check(least >= 0.99 && least <= 1.0001, "at saturation 99 % of the best schedule");

    world_setup s = {
        .seed = rng_next(&r), .requests = UINT64_MAX, .hours = 2000, .reads = 60, .writes = 6};
    world_result result;
    s.window_ms = 3600000;
    s.callers = 120;
    s.saturate = s.all = true;
    s.lease_ms = 30000;
    s.answer_ms = 2000;
    world_run(&s, &result);
    printf("of what the platform allows, with answers within 2 s: %.4f\n",
           (double)result.requests / 2000 / 66);
}

/* -- somebody else uses the key ---------------------------------------------------------------- */

static void shared(uint64_t seed)
{
    static const struct {
        neighbour how;
        int percent;
        const char *name;
    } neighbours[] = {{NOBODY, 0, "nobody"},          {STEADY, 50, "steady, 50 %"},
                      {BURST, 50, "at once, 50 %"},   {STEADY, 100, "steady, 100 %"},
                      {BURST, 100, "at once, 100 %"}, {GREEDY, 50, "greedy, 50 %"},
                      {GREEDY, 100, "greedy, 100 %"}};
    rng r = {seed};
    printf("%-6s %-15s %-30s %-12s %10s %10s %10s %10s   writes an hour, of 6\n", "", "neighbour",
           "platform", "", "own 429", "own", "neighbour", "unused");
    for (size_t i = 0; i < sizeof neighbours / sizeof neighbours[0]; i++)
        for (int kind = SLIDING; kind <= ESTIMATE; kind++)
            for (int named = 0; named < 2; named++) {
                const int64_t hours = 3000;
                world_setup s = {.seed = rng_next(&r),
                                 .requests = UINT64_MAX,
                                 .hours = hours,
                                 .reads = 60,
                                 .writes = 6,
                                 .window_ms = 3600000,
                                 .callers = 4,
                                 .saturate = true,
                                 .writes_only = true,
                                 .lease_ms = 30000,
                                 .answer_ms = 2000,
                                 .kind = kind,
                                 .retry_after = named,
                                 .neighbour = neighbours[i].how,
                                 .neighbour_percent = neighbours[i].percent};
                world_result result;
                world_run(&s, &result);
                /* Where refused requests count too, somebody who keeps trying takes all. */
                double left = 6.0 * (double)hours - (double)result.neighbour_passed;
                double unused = (left - (double)result.passed) / (double)hours;
                double own = (double)result.refused / (double)hours;
                bool good = own <= (neighbours[i].how == NOBODY && kind != ESTIMATE ? 0 : 1.5) &&
                            (unused <= 0.2 || kind == SLIDING_ALL || kind == ESTIMATE);
                printf("%-6s %-15s %-30s %-12s %10.2f %10.2f %10.2f %10.2f\n",
                       good ? "ok" : "FAILED", neighbours[i].name, oracle_name(kind),
                       named ? "Retry-After" : "", own, (double)result.passed / (double)hours,
                       (double)result.neighbour_passed / (double)hours, unused);
                failures += !good;
            }
}

/* -- broken on purpose ------------------------------------------------------------------------- */

static bool found(bool (*store)(emqx_tls_store *, const emqx_tls_limiter_config *), uint64_t seed,
                  uint64_t requests, world_result *result)
{
    rng r = {seed};
    uint64_t done = 0;
    while (done < requests) {
        world_setup s;
        any_world(&s, rng_next(&r));
        s.store = store;
        world_run(&s, result);
        result->first_request += done;
        done += result->requests;
        if (result->refusals > 0)
            return true;
    }
    return false;
}

static void mutants(uint64_t seed, uint64_t requests)
{
    static const struct {
        const char *name;
        bool (*store)(emqx_tls_store *, const emqx_tls_limiter_config *);
    } broken[] = {{"a token bucket is found out", naive_token_bucket},
                  {"a window from the sending is found out", naive_stamp_at_send},
                  {"a slot given back after a timeout is found out", naive_give_back_timeout}};
    world_result result;
    check(!found(naive_right, seed, requests, &result),
          "a simple store that is right is not found out");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        bool out = found(broken[i].store, seed, REQUESTS, &result);
        check(out, broken[i].name);
        if (out)
            printf("       by the %s after %llu requests; in that world %llu of %llu would have "
                   "been refused\n",
                   oracle_name(result.first_kind), (unsigned long long)result.first_request,
                   (unsigned long long)result.refusals, (unsigned long long)result.arrivals);
    }
}

/* -- the power goes ---------------------------------------------------------------------------- */

static void reboots(uint64_t seed, uint64_t requests)
{
    boots_result result;
    if (!boots_run(seed, requests, false, &result)) {
        check(false, "a folder for the quota file can be made");
        return;
    }
    printf("%llu requests, %llu boots, %.0f years\n", (unsigned long long)result.requests,
           (unsigned long long)result.boots, (double)result.time_us / US_PER_HOUR / 24 / 365);
    check(result.refusals == 0, "no 429 across boots, whatever the wall clock says");
    check(result.blocked == 0, "nothing blocks longer than one window and 60 s after a boot");
    boots_run(seed, requests / 3, true, &result);
    check(result.refusals > 0, "a wall clock that is believed across boots is found out");
    if (result.refusals > 0)
        printf("       after %llu requests\n", (unsigned long long)result.first_request);
}

int main(int argc, char **argv)
{
    uint64_t seed = 0, requests = REQUESTS;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = 1;
    if (argc > 1 && strcmp(argv[1], "random") != 0)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        requests = strtoull(argv[2], NULL, 10);
    printf("seed %llu\n", (unsigned long long)seed);
    alone(seed, requests);
    bool is_short = argc > 3;
    if (!is_short) {
        saturated(seed);
        shared(seed);
    }
    mutants(seed, is_short ? 50000 : 500000);
    reboots(seed, is_short ? 9000 : 60000);
    return failures > 0;
}
