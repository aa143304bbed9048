/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the quota in Redis costs: a reservation with its settling, against two bare EVALSHA round
 * trips by hiredis in the same run, on the same server and socket: of a plain sliding log written
 * by hand, and of a script that does nothing.
 */
#include "server.h"
#include "real_clock.h"

#include "limiter/limiter.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <emqxtls/redis.h>

#define ROUNDS 9
#define PAIRS  2000

static double now_us(void)
{
    return (double)clock_ns(CLOCK_MONOTONIC) / 1e3;
}

/* What one would write by hand: a sliding log of 60 in a sorted set, a slot taken and later set to
 * when it was answered. */
static const char by_hand[] =
    "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "if ARGV[1] == 'settle' then redis.call('ZADD', KEYS[1], now + 3602800, ARGV[2]) return 1 end "
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) "
    "if redis.call('ZCARD', KEYS[1]) >= 60 then return 0 end "
    "redis.call('ZADD', KEYS[1], now + 3692800, ARGV[2]) redis.call('PEXPIRE', KEYS[1], 3700000) "
    "return 1";

/* Two round trips of a script, each with one argument and a member. */
static double baseline(redisContext *link, const char *sha1, bool settles)
{
    double begin = now_us();
    for (int i = 0; i < PAIRS; i++)
        for (int j = 0; j < 2; j++) {
            redisReply *reply = redisCommand(link, "EVALSHA %s 1 by-hand %s %d", sha1,
                                             settles && j ? "settle" : "take", i % 59);
            if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer != 1)
                abort();
            freeReplyObject(reply);
        }
    return (now_us() - begin) / PAIRS;
}

static redisReply *load(redisContext *link, const char *script)
{
    redisReply *reply = redisCommand(link, "SCRIPT LOAD %s", script);
    if (!reply || reply->type != REDIS_REPLY_STRING)
        abort();
    return reply;
}

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

static double pairs(emqx_tls_limiter *limiter)
{
    double begin = now_us();
    for (int i = 0; i < PAIRS; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_GET, .deployment_id = "ge6a1a75", .lease_ms = 30000};
        /* NOT_SENT for the reservation after the 60th, so that the log stays full and slots stay
         * free */
        uint32_t outcome = i < 59 ? EMQX_TLS_OUTCOME_ANSWERED : EMQX_TLS_OUTCOME_NOT_SENT;
        if (emqxi_limiter_reserve(limiter, &r, &waiter, NULL) != EMQX_TLS_OK || !r.granted ||
            emqxi_limiter_settle(limiter, r.ticket, outcome, -1, 0, NULL) != EMQX_TLS_OK)
            abort();
    }
    return (now_us() - begin) / PAIRS;
}

int main(void)
{
    server s;
    char path[96], prefix[16];
    double nothing = 0, hand = 0, own = 0;
    server_new(&s, true);
    snprintf(path, sizeof path, "%s/socket", s.folder);
    redisContext *link = redisConnectUnix(path);
    freeReplyObject(redisCommand(link, "AUTH %s", SERVER_PASSWORD));
    redisReply *empty = load(link, "return 1"), *log = load(link, by_hand);
    for (int i = 0; i < ROUNDS; i++) {
        emqx_tls_limiter *limiter;
        snprintf(prefix, sizeof prefix, "round-%d", i);
        if (emqx_tls_limiter_open_redis(s.socket_url, prefix, NULL, &limiter, NULL) != EMQX_TLS_OK)
            abort();
        nothing = least(nothing, baseline(link, empty->str, false));
        hand = least(hand, baseline(link, log->str, true));
        own = least(own, pairs(limiter));
        emqx_tls_limiter_unref(limiter);
    }
    freeReplyObject(empty);
    freeReplyObject(log);
    redisFree(link);
    server_free(&s);
    printf("two EVALSHA that do nothing              %6.1f us\n", nothing);
    printf("two EVALSHA of a sliding log by hand     %6.1f us\n", hand);
    printf("reserve and settle in Redis              %6.1f us   %.2f times the one by hand (at "
           "most 1.30), %.2f times "
           "nothing\n",
           own, own / hand, own / nothing);
    return own > 1.3 * hand;
}
