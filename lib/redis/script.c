/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Steps of quota.lua, and the epoch of the data in Redis, which they need: made by whoever first
 * meets none, so that data which got lost is never taken for an empty quota.
 */
#include "redis/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "quota.lua.inc" /* script, sha1 */

#define EPOCHS_MAX 3 /* so often may another epoch be met in one step */

typedef struct evalsha {
    char epoch_key[320], lifetime[32], own[192];
    const char *arguments[16];
    int count;
} evalsha;

static void prepare_step(emqxi_redis *r, const char *key, const char *own, bool renew, evalsha *e)
{
    const char *fixed[] = {"EVALSHA", sha1, "2", key, e->epoch_key, r->epoch, e->lifetime};
    const int64_t now = emqxi_link_now();
    renew = renew || !r->renewed_ms || now - r->renewed_ms > r->held_ms / 4;
    if (renew)
        r->renewed_ms = now;
    snprintf(e->epoch_key, sizeof e->epoch_key, "%s:epoch", r->prefix);
    snprintf(e->lifetime, sizeof e->lifetime, "%" PRId64, renew ? 2 * r->held_ms : 0);
    snprintf(e->own, sizeof e->own, "%s", own);
    memcpy(e->arguments, fixed, sizeof fixed);
    e->count = (int)(sizeof fixed / sizeof fixed[0]);
    for (char *rest, *word = strtok_r(e->own, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        e->arguments[e->count++] = word;
}

/* An array that begins with a number, as quota.lua gives it. What is behind an address need not be
 * Redis. */
static redisReply *evaluate(emqxi_redis *r, evalsha *e)
{
    redisReply *reply = emqxi_redis_ask(r, e->count, e->arguments);
    if (reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(reply);
        e->arguments[0] = "EVAL"; /* so it learns the script */
        e->arguments[1] = script;
        reply = emqxi_redis_ask(r, e->count, e->arguments);
    }
    return emqxi_redis_expect(r, reply,
                              reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                                  reply->element[0]->type == REDIS_REPLY_INTEGER,
                              "the quota's script");
}

/* Takes the epoch that is there, or makes one. Everybody who shares the prefix must count alike. */
static bool join_epoch(emqxi_redis *r, const char *key)
{
    evalsha e;
    char own[192];
    bool lost = r->epoch[0] && emqxi_link_now() - r->seen_ms < r->held_ms;
    snprintf(own, sizeof own, "1 %" PRId64 " join %s %016" PRIx64 " %d", r->window_ms, r->settings,
             emqxi_random(), lost);
    prepare_step(r, key, own, true, &e);
    redisReply *reply = evaluate(r, &e);
    reply = emqxi_redis_expect(r, reply,
                               reply && reply->elements == 2 &&
                                   reply->element[1]->type == REDIS_REPLY_STRING &&
                                   reply->element[1]->len < sizeof r->epoch,
                               "");
    if (!reply)
        return false;
    memcpy(r->epoch, reply->element[1]->str, reply->element[1]->len + 1);
    freeReplyObject(reply);
    r->seen_ms = emqxi_link_now();
    const char *until = strchr(r->epoch, ':'), *settings = until ? strchr(until + 1, ':') : NULL;
    if (settings && strcmp(settings + 1, r->settings) == 0)
        return true;
    emqxi_redis_fail(r, false,
                     "keeps a quota of %s under the prefix %.40s, not of %s (reads/writes/window "
                     "in ms/flags): use the same settings on every host, or another prefix",
                     settings ? settings + 1 : "something else", r->prefix, r->settings);
    r->epoch[0] = '\0';
    return false;
}

static bool connected(emqxi_redis *r)
{
    if (r->forks != emqxi_fork_count()) {
        emqxi_redis_drop(r); /* the parent's: only this process's copy of it is closed */
        r->forks = emqxi_fork_count();
        r->retry_ms = 0;
    }
    if (r->link.fd >= 0)
        return true;
    /* else the last error still stands */
    return emqxi_link_now() >= r->retry_ms && emqxi_redis_log_in(r);
}

/* One try; NULL and connected: the epoch is another one. */
static redisReply *try_step(emqxi_redis *r, const char *key, const char *arguments)
{
    evalsha e;
    if (!connected(r) || (!r->epoch[0] && !join_epoch(r, key)))
        return NULL;
    prepare_step(r, key, arguments, false, &e);
    redisReply *reply = evaluate(r, &e);
    bool numbers = true;
    for (size_t i = 0; reply && i < reply->elements; i++)
        numbers = numbers && reply->element[i]->type == REDIS_REPLY_INTEGER;
    reply = emqxi_redis_expect(r, reply, numbers, "");
    if (!reply)
        return NULL;
    if (reply->element[0]->integer != -1) {
        r->seen_ms = emqxi_link_now();
        r->warm = true;
        return reply;
    }
    freeReplyObject(reply);
    return NULL;
}

redisReply *emqxi_redis_step(emqxi_redis *r, const char *key, const char *arguments)
{
    r->deadline_ms = emqxi_link_now() + EMQXI_REDIS_STEP_MS;
    bool kept = r->link.fd >= 0;
    for (int epochs = 0; epochs < EPOCHS_MAX;) {
        redisReply *reply = try_step(r, key, arguments);
        if (reply)
            return reply;
        if (r->link.fd >= 0) {
            epochs++;
            if (!join_epoch(r, key))
                return NULL;
        } else if (kept && r->error.retry_after_ms >= 0) {
            /* A kept connection may be one that only we know of, since Redis was started again, or
             * a balancer has forgotten it: a fresh one tells. A step whose answer got lost holds
             * its slot at worst. */
            kept = false;
            r->retry_ms = 0;
        } else {
            return NULL;
        }
    }
    emqxi_redis_fail(r, false,
                     "does not keep what it is told: check its memory limit and eviction policy");
    return NULL;
}

bool emqxi_redis_tell(emqxi_redis *r, const char *key, const char *arguments)
{
    evalsha e;
    r->deadline_ms = emqxi_link_now() + EMQXI_REDIS_STEP_MS;
    if (!connected(r))
        return false;
    if (!r->warm) {
        redisReply *reply = emqxi_redis_step(r, key, arguments);
        freeReplyObject(reply);
        return reply != NULL;
    }
    prepare_step(r, key, arguments, false, &e);
    if (!emqxi_redis_send(r, e.count, e.arguments) || !emqxi_redis_read_told(r))
        return false;
    r->told = 1;
    return true;
}

void emqxi_redis_close(emqxi_redis *r)
{
    /* Closing with an answer unread would reset a TCP connection, and what was told last might be
     * thrown away with it. */
    r->deadline_ms = emqxi_link_now() + EMQXI_REDIS_PATIENCE_MS;
    if (r->link.fd >= 0 && r->forks == emqxi_fork_count())
        emqxi_redis_read_told(r);
    emqxi_redis_drop(r);
    emqxi_redis_url_free(&r->allocator, &r->url);
    emqxi_free(&r->allocator, r->prefix);
}
