/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A connection that comes back by itself, steps of quota.lua on it, and the epoch of the data in
 * Redis, which they need: made by whoever first meets none, so that data which got lost is never
 * taken for an empty quota.
 */
#include "redis/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "quota.lua.inc" /* script, sha1 */

#define PATIENCE_MS 2000 /* for connecting, and for each answer */
#define STEP_MS     5000 /* for a step: connecting, logging in, loading the script and all */
#define RETRY_MS    100
#define EPOCHS_MAX  3 /* so often may another epoch be met in one step */

static void drop(emqxi_redis *r)
{
    emqxi_link_close(&r->link);
    r->told = 0;
    r->warm = false;
}

bool emqxi_redis_fail(emqxi_redis *r, bool passing, const char *format, ...)
{
    char text[sizeof r->error.message];
    EMQXI_FORMAT(text, format);
    emqxi_error_clear(&r->error);
    emqxi_fail(&r->error, EMQX_TLS_E_STORE, "the quota's Redis at %s %s",
               r->url.path ? r->url.path : r->url.host, text);
    if (passing)
        r->error.retry_after_ms = RETRY_MS;
    r->retry_ms = emqxi_link_now() + RETRY_MS;
    drop(r);
    return false;
}

static bool away(emqxi_redis *r)
{
    if (*r->link.problem)
        return emqxi_redis_fail(r, !r->link.lasting, "%s", r->link.problem);
    drop(r);
    emqxi_error_clear(&r->error);
    return !emqxi_fail(&r->error, EMQX_TLS_E_NO_MEMORY, "no memory for talking to Redis");
}

static int64_t patience_end(const emqxi_redis *r)
{
    return EMQXI_MIN(r->deadline_ms, emqxi_link_now() + PATIENCE_MS);
}

static bool read_told(emqxi_redis *r)
{
    for (; r->told > 0; r->told--) {
        redisReply *reply = emqxi_link_read(&r->link, patience_end(r));
        if (!reply)
            return away(r);
        freeReplyObject(reply);
    }
    return true;
}

static bool send_command(emqxi_redis *r, int count, const char **arguments)
{
    return emqxi_link_send(&r->link, count, arguments, patience_end(r)) || away(r);
}

static redisReply *ask(emqxi_redis *r, int count, const char **arguments)
{
    if (!send_command(r, count, arguments) || !read_told(r))
        return NULL;
    redisReply *reply = emqxi_link_read(&r->link, patience_end(r));
    if (!reply)
        away(r);
    return reply;
}

bool emqxi_redis_strange(emqxi_redis *r)
{
    return emqxi_redis_fail(r, false, "answers as no Redis does: is the address right?");
}

/* A reply that is as it should be (`ok`), or NULL: it is freed, and what it says of `what` told. */
static redisReply *expect(emqxi_redis *r, redisReply *reply, bool ok, const char *what)
{
    if (!reply || ok)
        return reply;
    if (reply->type == REDIS_REPLY_ERROR)
        emqxi_redis_refused(r, what, reply->str);
    else
        emqxi_redis_strange(r);
    freeReplyObject(reply);
    return NULL;
}

static bool simple(emqxi_redis *r, int count, const char **arguments)
{
    redisReply *reply = ask(r, count, arguments);
    reply = expect(r, reply, reply && reply->type == REDIS_REPLY_STATUS, arguments[0]);
    freeReplyObject(reply);
    return reply != NULL;
}

static bool log_in(emqxi_redis *r)
{
    const emqxi_redis_url *url = &r->url;
    char database[16];
    const char *login[] = {"AUTH", url->user ? url->user : url->password, url->password};
    const char *select[] = {"SELECT", database};
    snprintf(database, sizeof database, "%d", url->database);
    if (!emqxi_link_open(&r->link, url, patience_end(r)))
        return away(r);
    return (!url->password || simple(r, url->user ? 3 : 2, login)) &&
           (!url->database || simple(r, 2, select));
}

/* -- steps ------------------------------------------------------------------------------------- */

typedef struct evalsha {
    char epoch_key[320], lifetime[32], own[192];
    const char *arguments[16];
    int count;
} evalsha;

static void prepare(emqxi_redis *r, const emqxi_step *step, bool renew, evalsha *e)
{
    const char *fixed[] = {"EVALSHA", sha1, "2", step->key, e->epoch_key, r->epoch, e->lifetime};
    const int64_t now = emqxi_link_now();
    renew = renew || !r->renewed_ms || now - r->renewed_ms > r->held_ms / 4;
    if (renew)
        r->renewed_ms = now;
    snprintf(e->epoch_key, sizeof e->epoch_key, "%s:epoch", r->prefix);
    snprintf(e->lifetime, sizeof e->lifetime, "%" PRId64, renew ? 2 * r->held_ms : 0);
    snprintf(e->own, sizeof e->own, "%s", step->arguments);
    memcpy(e->arguments, fixed, sizeof fixed);
    e->count = (int)(sizeof fixed / sizeof fixed[0]);
    for (char *rest, *word = strtok_r(e->own, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        e->arguments[e->count++] = word;
}

/* What quota.lua gives: numbers, and behind the first of a `join` the epoch. What is behind an
 * address need not be Redis. */
static bool is_answer(const redisReply *reply, bool join)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < (join ? 2 : 1))
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != (join && i == 1 ? REDIS_REPLY_STRING : REDIS_REPLY_INTEGER))
            return false;
    return !join || reply->element[1]->len < sizeof((emqxi_redis *)NULL)->epoch;
}

static redisReply *evaluate(emqxi_redis *r, evalsha *e, bool join)
{
    redisReply *reply = ask(r, e->count, e->arguments);
    if (reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(reply);
        e->arguments[0] = "EVAL"; /* so it learns the script */
        e->arguments[1] = script;
        reply = ask(r, e->count, e->arguments);
    }
    return expect(r, reply, reply && is_answer(reply, join), "the quota's script");
}

/* Takes the epoch that is there, or makes one. Everybody who shares the prefix must count alike. */
static bool join_epoch(emqxi_redis *r, const char *key)
{
    evalsha e;
    emqxi_step join;
    bool lost = r->epoch[0] && emqxi_link_now() - r->seen_ms < r->held_ms;
    snprintf(join.key, sizeof join.key, "%s", key);
    snprintf(join.arguments, sizeof join.arguments, "1 %" PRId64 " join %s %016" PRIx64 " %d",
             r->window_ms, r->settings, emqxi_random(), lost);
    prepare(r, &join, true, &e);
    redisReply *reply = evaluate(r, &e, true);
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
        drop(r); /* the parent's: only this process's copy of it is closed */
        r->forks = emqxi_fork_count();
        r->retry_ms = 0;
    }
    if (r->link.fd >= 0)
        return true;
    /* else the last error still stands */
    return emqxi_link_now() >= r->retry_ms && log_in(r);
}

/* One try; NULL and connected: the epoch is another one. */
static redisReply *try_step(emqxi_redis *r, const emqxi_step *step)
{
    evalsha e;
    if (!connected(r) || (!r->epoch[0] && !join_epoch(r, step->key)))
        return NULL;
    prepare(r, step, false, &e);
    redisReply *reply = evaluate(r, &e, false);
    if (!reply || reply->element[0]->integer == -1) {
        freeReplyObject(reply);
        return NULL;
    }
    r->seen_ms = emqxi_link_now();
    r->warm = true;
    return reply;
}

redisReply *emqxi_redis_step(emqxi_redis *r, const emqxi_step *step)
{
    r->deadline_ms = emqxi_link_now() + STEP_MS;
    bool kept = r->link.fd >= 0;
    for (int epochs = 0; epochs < EPOCHS_MAX;) {
        redisReply *reply = try_step(r, step);
        if (reply)
            return reply;
        if (r->link.fd >= 0) {
            epochs++;
            if (!join_epoch(r, step->key))
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

bool emqxi_redis_tell(emqxi_redis *r, const emqxi_step *step)
{
    evalsha e;
    r->deadline_ms = emqxi_link_now() + STEP_MS;
    if (!connected(r))
        return false;
    if (!r->warm) {
        redisReply *reply = emqxi_redis_step(r, step);
        freeReplyObject(reply);
        return reply != NULL;
    }
    prepare(r, step, false, &e);
    if (!send_command(r, e.count, e.arguments) || !read_told(r))
        return false;
    r->told = 1;
    return true;
}

void emqxi_redis_close(emqxi_redis *r)
{
    /* Closing with an answer unread would reset a TCP connection, and what was told last might be
     * thrown away with it. */
    r->deadline_ms = emqxi_link_now() + PATIENCE_MS;
    if (r->link.fd >= 0 && r->forks == emqxi_fork_count())
        read_told(r);
    drop(r);
    emqxi_redis_url_free(&r->allocator, &r->url);
    emqxi_free(&r->allocator, r->prefix);
}
