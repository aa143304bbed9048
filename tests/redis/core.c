/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * quota.lua against lib/limiter/core.c, step by step in virtual time: every schedule of five steps,
 * then random ones, go through both, and every answer must be the same. Time is virtual by one
 * replacement in the script: where it asks Redis for the time, it reads two keys.
 * core.c QUOTA_LUA [STEPS [SEED]]
 */
#include "server.h"

#include "limiter/core.h"
#include "redis/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX  16
#define FLYING_MAX 64

static emqxi_link link_;
static char sha1[41];
static uint64_t seed;

static uint64_t draw(void) /* xorshift64* */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545F4914F6CDD1D);
}

static int64_t upto(int64_t most)
{
    return (int64_t)(draw() % (uint64_t)(most + 1));
}

/* `words` are cut at their spaces. */
static redisReply *ask(const char *words, const char *last)
{
    const int64_t until = emqxi_link_now() + 60000;
    char text[256];
    const char *arguments[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", words);
    for (char *rest, *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    if (last)
        arguments[count++] = last;
    redisReply *reply =
        emqxi_link_send(&link_, count, arguments, until) ? emqxi_link_read(&link_, until) : NULL;
    if (!reply || reply->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "%s: %s\n", words, reply ? reply->str : link_.problem);
        exit(1);
    }
    return reply;
}

static void log_in(const server *s)
{
    emqxi_redis_url url;
    if (emqxi_redis_url_parse(&emqxi_malloc, s->tcp_url, &url, NULL) != EMQX_TLS_OK ||
        !emqxi_link_open(&link_, &url, emqxi_link_now() + 60000)) {
        fprintf(stderr, "%s: %s\n", s->tcp_url, link_.problem);
        exit(1);
    }
    emqxi_redis_url_free(&emqxi_malloc, &url);
    freeReplyObject(ask("AUTH", SERVER_PASSWORD));
}

static void load(const char *path)
{
    static const char find[] = "redis.call('TIME')", put[] = "redis.call('MGET', 's', 'us')";
    char text[32768], changed[32768];
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    char *at = strstr(text, find);
    if (!at || strstr(at + 1, find)) {
        fprintf(stderr, "%s: the time must be asked for exactly once\n", path);
        exit(1);
    }
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, put,
             at + sizeof find - 1);
    redisReply *reply = ask("SCRIPT LOAD", changed);
    snprintf(sha1, sizeof sha1, "%s", reply->str);
    freeReplyObject(reply);
    freeReplyObject(ask("SET epoch 0123456789abcdef:0:x", NULL));
}

static redisReply *step(int scope, const emqxi_limits *l, const char *own)
{
    char command[256];
    snprintf(command, sizeof command,
             "EVALSHA %s 2 scope%d epoch 0123456789abcdef:0:x 0 %u %" PRId64 " %s", sha1, scope,
             l->slots, l->window_ms, own);
    return ask(command, NULL);
}

static void same(const char *what, int64_t in_c, int64_t in_lua, int64_t at)
{
    if (in_c == in_lua)
        return;
    fprintf(stderr, "step %" PRId64 ": %s is %" PRId64 " in C, %" PRId64 " in Lua\n", at, what,
            in_c, in_lua);
    exit(1);
}

typedef struct flying {
    emqxi_flight flight;
    int64_t id, left; /* Lua's */
} flying;

/* A scope in both. */
typedef struct both {
    int scope;
    emqxi_log log;
    emqxi_slot slots[8];
    flying all[FLYING_MAX];
    int count;
    int64_t now;
} both;
static emqxi_limits limits;
static int64_t done; /* steps so far */

static emqxi_view view_of(both *b)
{
    return (emqxi_view){.log = &b->log, .slots = b->slots, .limits = &limits, .now = b->now};
}

static void tell_time(const both *b)
{
    char own[128];
    snprintf(own, sizeof own, "MSET s %" PRId64 " us %" PRId64, b->now / 1000,
             b->now % 1000 * 1000);
    freeReplyObject(ask(own, NULL));
}

static void reserve(both *b, int64_t lease, int64_t ahead)
{
    const emqx_tls_ask wanted = {.lease_ms = lease, .ahead = (uint32_t)ahead};
    const emqxi_view v = view_of(b);
    char own[128];
    emqx_tls_grant d;
    emqxi_flight flight;
    emqxi_log_reserve(&v, &wanted, &d, &flight);
    snprintf(own, sizeof own, "reserve %" PRId64 " %" PRId64, lease, ahead);
    redisReply *r = step(b->scope, &limits, own);
    same("granted", d.granted, r->element[0]->integer, done);
    if (d.granted) {
        same("id", flight.id, r->element[1]->integer, done);
        same("left", flight.left_ms, r->element[2]->integer, done);
        b->all[b->count++] = (flying){flight, r->element[1]->integer, r->element[2]->integer};
    } else {
        same("reason", d.reason, r->element[1]->integer, done);
        same("early", d.early_ms, r->element[2]->integer, done);
        same("late", d.late_ms, r->element[3]->integer, done);
    }
    freeReplyObject(r);
}

static void settle(both *b, const flying *f, int64_t outcome, int64_t after, uint64_t random)
{
    const emqxi_view v = view_of(b);
    char own[128];
    emqxi_log_settle(&v, &f->flight, (uint32_t)outcome, after, random);
    snprintf(own, sizeof own, "settle %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64,
             f->id, f->left, outcome, after, random >> 32);
    freeReplyObject(step(b->scope, &limits, own));
}

static void query(both *b, uint32_t ahead)
{
    const emqxi_view v = view_of(b);
    char own[128];
    emqx_tls_quota q = {.ahead = ahead};
    emqxi_log_query(&v, &q);
    snprintf(own, sizeof own, "query %" PRIu32, ahead);
    redisReply *r = step(b->scope, &limits, own);
    same("used", q.used, r->element[1]->integer, done);
    same("remaining", q.remaining, r->element[2]->integer, done);
    same("next", q.next_ms, r->element[3]->integer, done);
    same("reason of the query", q.reason, r->element[4]->integer, done);
    freeReplyObject(r);
}

/* -- every schedule of a few steps --------------------------------------------------------------- */

enum { RESERVE, RESERVE_BEHIND, LOST, NOT_SENT, ANSWERED, REFUSED, TICK, RELEASE, KINDS };

/* False: there is no such step here. */
static bool take_step(both *b, int kind)
{
    int64_t release = b->log.count ? b->slots[b->log.first].release_ms : b->now;
    if (kind == RELEASE && release <= b->now)
        return false;
    if (kind >= TICK)
        b->now = kind == TICK ? b->now + 20000 : release;
    tell_time(b);
    if (kind <= RESERVE_BEHIND) {
        reserve(b, 20000, kind == RESERVE_BEHIND);
    } else if (kind <= REFUSED) {
        if (b->count == 0)
            return false;
        settle(b, &b->all[0], kind - LOST, -1, 0); /* in the order of EMQX_TLS_OUTCOME_* */
        memmove(b->all, b->all + 1, (size_t)--b->count * sizeof b->all[0]);
    }
    query(b, 0);
    done++;
    return true;
}

/* Each step is taken in a copy of the scope, one for each depth. */
static void every_schedule(const both *from, int depth)
{
    char own[128];
    for (int kind = 0; depth > 0 && kind < KINDS; kind++) {
        both to = *from;
        to.scope = from->scope + 1;
        snprintf(own, sizeof own, "DEL scope%d", to.scope);
        freeReplyObject(ask(own, NULL));
        snprintf(own, sizeof own, "COPY scope%d scope%d", from->scope, to.scope);
        freeReplyObject(ask(own, NULL));
        if (take_step(&to, kind))
            every_schedule(&to, depth - 1);
    }
}

/* -- random ones --------------------------------------------------------------------------------- */

static void some_time_passes(both *b)
{
    static const int64_t pauses[] = {0, 1, 500, 60000};
    int64_t kind = upto(9), release = b->log.count ? b->slots[b->log.first].release_ms : b->now;
    b->now += kind < 5 ? upto(pauses[upto(3)]) : kind == 5 ? upto(limits.window_ms / 4) : 0;
    if (kind == 6 && release > b->now)
        b->now = release - upto(1); /* the edge itself, or the millisecond before */
    tell_time(b);
}

/* One scope with limits of its own, through so many steps. */
static int64_t schedule(int scope, int64_t steps, int64_t now)
{
    both b = {.scope = scope, .now = now};
    emqxi_limits_set(&limits, (uint32_t)(1 + upto(7)),
                     (uint64_t)(1000 + upto(2) * 60000 + upto(3600000) * upto(1)));
    b.log.capacity = limits.slots;
    for (int64_t i = 0; i < steps; i++, done++) {
        some_time_passes(&b);
        int64_t what = upto(9);
        if (what < 4 && b.count < FLYING_MAX) {
            int64_t lease = upto(1) ? 30000 : upto(100), ahead = upto(3) ? 0 : upto(20);
            reserve(&b, lease, ahead);
        } else if (what < 8 && b.count > 0) {
            int64_t chosen = upto(b.count - 1), outcome = upto(3);
            int64_t after = outcome == 3 && upto(1) ? upto(2 * limits.window_ms) - 10 : -1;
            flying f = b.all[chosen];
            settle(&b, &f, outcome, after, draw());
            if (upto(9) > 0) /* now and then it is settled twice */
                b.all[chosen] = b.all[--b.count];
        } else {
            query(&b, (uint32_t)upto(20));
        }
    }
    return b.now;
}

int main(int argc, char **argv)
{
    server s;
    server_new(&s, false);
    int64_t steps = argc > 2 ? strtoll(argv[2], NULL, 10) : 60000, now = 1700000000000, each = 500;
    seed = argc > 3 ? strtoull(argv[3], NULL, 10) : emqxi_random() >> 1 | 1;
    printf("seed %" PRIu64 ", %" PRId64 " steps\n", seed, steps);
    fflush(stdout);
    log_in(&s);
    load(argv[1]);
    for (uint32_t slots = 1; slots <= 2; slots++) {
        both b = {.scope = 1000000 * (int)slots, .log.capacity = slots, .now = now};
        emqxi_limits_set(&limits, slots, 40000);
        every_schedule(&b, steps < 60000 ? 4 : 5);
    }
    printf("%" PRId64 " steps of every schedule\n", done);
    for (int scope = 0; scope < steps / each; scope++)
        now = schedule(scope, each, now);
    emqxi_link_close(&link_);
    server_free(&s);
    puts("every answer was the same");
    return 0;
}
