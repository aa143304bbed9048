/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "redis/session.h"

#include <stdio.h>

#define RETRY_MS 100

void emqxi_redis_drop(emqxi_redis *r)
{
    emqxi_link_close(&r->link);
    r->told = 0;
    r->warm = false;
}

bool emqxi_redis_fail(emqxi_redis *r, bool passing, const char *format, ...)
{
    char text[sizeof r->error.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    emqxi_error_clear(&r->error);
    emqxi_fail(&r->error, EMQX_TLS_E_STORE, "the quota's Redis at %s %s",
               r->url.path ? r->url.path : r->url.host, text);
    if (passing)
        r->error.retry_after_ms = RETRY_MS;
    r->retry_ms = emqxi_link_now() + RETRY_MS;
    emqxi_redis_drop(r);
    return false;
}

static bool away(emqxi_redis *r)
{
    if (*r->link.problem)
        return emqxi_redis_fail(r, !r->link.lasting, "%s", r->link.problem);
    emqxi_redis_drop(r);
    emqxi_error_clear(&r->error);
    return !emqxi_fail(&r->error, EMQX_TLS_E_NO_MEMORY, "no memory for talking to Redis");
}

static int64_t patience_end(const emqxi_redis *r)
{
    return EMQXI_MIN(r->deadline_ms, emqxi_link_now() + EMQXI_REDIS_PATIENCE_MS);
}

bool emqxi_redis_read_told(emqxi_redis *r)
{
    for (; r->told > 0; r->told--) {
        redisReply *reply = emqxi_link_read(&r->link, patience_end(r));
        if (!reply)
            return away(r);
        freeReplyObject(reply);
    }
    return true;
}

bool emqxi_redis_send(emqxi_redis *r, int count, const char **arguments)
{
    return emqxi_link_send(&r->link, count, arguments, patience_end(r)) || away(r);
}

redisReply *emqxi_redis_ask(emqxi_redis *r, int count, const char **arguments)
{
    if (!emqxi_redis_send(r, count, arguments) || !emqxi_redis_read_told(r))
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

redisReply *emqxi_redis_expect(emqxi_redis *r, redisReply *reply, bool ok, const char *what)
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
    redisReply *reply = emqxi_redis_ask(r, count, arguments);
    reply = emqxi_redis_expect(r, reply, reply && reply->type == REDIS_REPLY_STATUS, arguments[0]);
    freeReplyObject(reply);
    return reply != NULL;
}

bool emqxi_redis_log_in(emqxi_redis *r)
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
