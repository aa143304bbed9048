/* SPDX-License-Identifier: MIT
 *
 * What the quota in Redis costs: a reservation with its settling, against two bare EVALSHA round trips by hiredis in the same run, on
 * the same server and socket.
 */
#include "server.h"

#include "limiter/limiter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>

#include <emqxtls/redis.h>

#define ROUNDS 9
#define PAIRS  2000

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The least that a script with a key can do: two rounds of reading and writing a string of the log's size. */
static const char bare[] =
    "local v = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], v or ARGV[1], 'PX', 3600000) return 1";

static double baseline(redisContext *link, const char *sha1)
{
    static char value[1552]; /* a head and 60 slots */
    memset(value, 'x', sizeof value - 1);
    double begin = now_us();
    for (int i = 0; i < 2 * PAIRS; i++) {
        redisReply *reply = redisCommand(link, "EVALSHA %s 1 bare %s", sha1, i == 0 ? value : "");
        if (!reply || reply->type != REDIS_REPLY_INTEGER)
            abort();
        freeReplyObject(reply);
    }
    return (now_us() - begin) / PAIRS;
}

static double pairs(emqx_tls_limiter *limiter)
{
    double begin = now_us();
    for (int i = 0; i < PAIRS; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_GET, .deployment_id = "ge6a1a75", .lease_ms = 30000};
        /* NOT_SENT for the reservation after the 60th, so that the log stays full and slots stay free */
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
    double base = 0, own = 0;
    server_new(&s, true);
    snprintf(path, sizeof path, "%s/socket", s.folder);
    redisContext *link = redisConnectUnix(path);
    freeReplyObject(redisCommand(link, "AUTH %s", SERVER_PASSWORD));
    redisReply *loaded = redisCommand(link, "SCRIPT LOAD %s", bare);
    for (int i = 0; i < ROUNDS; i++) {
        emqx_tls_limiter *limiter;
        snprintf(prefix, sizeof prefix, "round-%d", i);
        if (emqx_tls_limiter_open_redis(s.socket_url, prefix, NULL, &limiter, NULL) != EMQX_TLS_OK)
            abort();
        double b = baseline(link, loaded->str), o = pairs(limiter);
        base = i == 0 || b < base ? b : base;
        own = i == 0 || o < own ? o : own;
        emqx_tls_limiter_unref(limiter);
    }
    freeReplyObject(loaded);
    redisFree(link);
    server_free(&s);
    printf("two bare EVALSHA round trips             %6.1f us\n", base);
    printf("reserve and settle in Redis              %6.1f us   %.2f times (at most 1.30)\n", own, own / base);
    return own > 1.3 * base;
}
