/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota store in Redis: the store's vtable on quota.lua.
 *
 * Each slot is also taken in a log of this process's own. So a server that lies about its time or
 * its counts can't make this process send more than the limit; and where reads go on while Redis is
 * away, they go on from what this process knows.
 */
#include "redis/store.h"
#include "redis/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <emqxtls/redis.h>

/* A ticket is the own log's. What Redis calls the slot is in its epoch, 0 where it knows of none:
 * when it was reserved by Redis's clock, and the script's number for it. */
#define ID_BITS     20
#define ID_MAX      ((1 << ID_BITS) - 1)
#define WAIT_MAX_MS (INT64_MAX >> 8)

typedef struct redis_store {
    emqxi_redis redis;
    emqxi_settings settings;
    bool reads_without;
    emqx_tls_store own;
} redis_store;

/* Hosts that share a quota must name a scope alike, so the hash's key is fixed. */
static const uint64_t hash_key[2];

static void name_scope(const redis_store *s, uint32_t group, uint64_t scope, char *to, size_t size)
{
    static const char *const groups[EMQXI_GROUPS] = {"GET", "POST", "PUT", "DELETE"};
    const bool writes = group > 0 && !(s->settings.flags & EMQX_TLS_PER_METHOD);
    const char *name = writes ? "writes" : groups[group];
    if (s->settings.flags & EMQX_TLS_PER_DEPLOYMENT)
        snprintf(to, size, "%s:%s:%016" PRIx64, s->redis.prefix, name, scope);
    else
        snprintf(to, size, "%s:%s", s->redis.prefix, name);
}

static emqxi_step make_step(const redis_store *s, uint32_t group, uint64_t scope,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

static emqxi_step make_step(const redis_store *s, uint32_t group, uint64_t scope,
                            const char *format, ...)
{
    emqxi_step made;
    va_list arguments;
    const emqxi_limits *limits = emqxi_group_limits(&s->settings, group);
    name_scope(s, group, scope, made.key, sizeof made.key);
    int n = snprintf(made.arguments, sizeof made.arguments, "%" PRIu32 " %" PRId64 " ",
                     limits->slots, limits->window_ms);
    va_start(arguments, format);
    vsnprintf(made.arguments + n, sizeof made.arguments - (size_t)n, format, arguments);
    va_end(arguments);
    return made;
}

/* A number of a reply, as it can be. */
static int64_t reply_number(const redisReply *reply, size_t i, int64_t most)
{
    return EMQXI_MIN(EMQXI_MAX(reply->element[i]->integer, 0), most);
}

/* Runs a step and waits for its answer, of so many numbers where it was done, and where no slot was
 * free. NULL: s->redis.error says why. */
static redisReply *run_step(redis_store *s, const emqxi_step *what, size_t done, size_t none)
{
    redisReply *reply = emqxi_redis_step(&s->redis, what);
    if (!reply)
        return NULL;
    const long long verdict = reply->element[0]->integer;
    if ((verdict == 1 && reply->elements == done) || (verdict == 0 && reply->elements == none))
        return reply;
    emqxi_redis_strange(&s->redis);
    if (verdict == -3 && reply->elements == 2)
        emqxi_fail(&s->redis.error, EMQX_TLS_E_STORE,
                   "Redis has lost what it knew of the quota, or was just started without "
                   "appendonly: what was used before is not known; try again in %lld s, and turn "
                   "appendonly on",
                   (long long)reply_number(reply, 1, INT32_MAX) / 1000 + 1);
    freeReplyObject(reply);
    return NULL;
}

static emqxi_step make_settlement(const redis_store *s, const emqxi_ticket *t, uint32_t outcome,
                                  int64_t retry_after_ms)
{
    return make_step(s, t->flight.group, t->scope,
                     "settle %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRId64 " %" PRIu64,
                     t->epoch & ID_MAX, t->epoch >> ID_BITS, outcome, retry_after_ms,
                     emqxi_random() >> 32);
}

/* -- the vtable -------------------------------------------------------------------------------- */

/* Takes the slot that the script has given over into the ticket, or gives it back where the own log
 * says no: its answer stands then. */
static void redis_take_slot(redis_store *s, const redisReply *reply, emqxi_ticket *ticket,
                            emqx_tls_grant *grant)
{
    ticket->epoch = (uint64_t)reply_number(reply, 2, INT64_MAX >> ID_BITS) << ID_BITS |
                    (uint64_t)reply_number(reply, 1, ID_MAX);
    if (grant->granted) {
        ticket->flight = ((const emqxi_ticket *)(const void *)grant->ticket)->flight;
        memcpy(grant->ticket, ticket, sizeof *ticket);
        return;
    }
    const emqxi_step back = make_settlement(s, ticket, EMQX_TLS_OUTCOME_NOT_SENT, -1);
    emqxi_redis_tell(&s->redis, &back);
}

static emqx_tls_code redis_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                   emqx_tls_error *error)
{
    redis_store *s = context;
    emqxi_ticket ticket = {
        .scope = emqxi_scope(s->settings.flags, hash_key, ask->op, ask->deployment_id),
        .flight.group = emqxi_group(s->settings.flags, ask->op)};
    emqx_tls_code code = s->own.reserve(s->own.context, ask, grant, error);
    if (code != EMQX_TLS_OK)
        return code;
    const emqxi_step reserve = make_step(s, ticket.flight.group, ticket.scope,
                                         "reserve %" PRId64 " %" PRIu32, ask->lease_ms, ask->ahead);
    redisReply *reply = run_step(s, &reserve, 3, 4);
    if (!reply && s->reads_without && ask->op == EMQX_TLS_OP_GET)
        return EMQX_TLS_OK; /* the own log alone has decided */
    const bool given = reply && reply->element[0]->integer == 1;
    if (grant->granted && !given)
        s->own.settle(s->own.context, grant->ticket, EMQX_TLS_OUTCOME_NOT_SENT, -1, error);
    if (!reply)
        return emqxi_grant_none(grant, &s->redis.error, error);
    if (given) {
        redis_take_slot(s, reply, &ticket, grant);
    } else {
        grant->granted = 0;
        grant->reason = (uint32_t)reply_number(reply, 1, EMQX_TLS_QUOTA_IN_FLIGHT);
        grant->early_ms = reply_number(reply, 2, WAIT_MAX_MS);
        grant->late_ms = reply_number(reply, 3, WAIT_MAX_MS);
    }
    freeReplyObject(reply);
    return EMQX_TLS_OK;
}

static emqx_tls_code redis_settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                                  uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    redis_store *s = context;
    const bool refused = outcome == EMQX_TLS_OUTCOME_REFUSED;
    emqxi_ticket ticket;
    memcpy(&ticket, words, sizeof ticket);
    if (ticket.flight.group >= EMQXI_GROUPS)
        return EMQX_TLS_OK;
    /* What a 429 teaches all learn from Redis. */
    s->own.settle(s->own.context, words,
                  refused && ticket.epoch ? EMQX_TLS_OUTCOME_ANSWERED : outcome, retry_after_ms,
                  error);
    if (!ticket.epoch)
        return EMQX_TLS_OK;
    const emqxi_step settlement = make_settlement(s, &ticket, outcome, retry_after_ms);
    if (refused) { /* lost, it would let the others go on */
        redisReply *reply = run_step(s, &settlement, 1, 0);
        freeReplyObject(reply);
        return reply ? EMQX_TLS_OK : emqxi_error_out(error, &s->redis.error);
    }
    /* Nobody waits for the others: one that gets lost holds its slot for longer, as an answer that
     * got lost would. */
    if (emqxi_redis_tell(&s->redis, &settlement))
        return EMQX_TLS_OK;
    return emqxi_refuse(error, EMQX_TLS_E_STORE, "%s", s->redis.error.message);
}

static emqx_tls_code redis_query(void *context, uint32_t op, const char *deployment_id,
                                 emqx_tls_quota *quota, emqx_tls_error *error)
{
    redis_store *s = context;
    const uint32_t group = emqxi_group(s->settings.flags, op);
    const emqxi_step query =
        make_step(s, group, emqxi_scope(s->settings.flags, hash_key, op, deployment_id),
                  "query %" PRIu32, quota->ahead);
    redisReply *reply = run_step(s, &query, 5, 0);
    if (!reply && s->reads_without && op == EMQX_TLS_OP_GET)
        return s->own.query(s->own.context, op, deployment_id, quota, error);
    if (!reply)
        return emqxi_error_out(error, &s->redis.error);
    quota->limit = emqxi_group_limits(&s->settings, group)->slots;
    quota->used = (uint32_t)reply_number(reply, 1, quota->limit);
    quota->remaining = (uint32_t)reply_number(reply, 2, quota->limit - quota->used);
    quota->next_ms = reply_number(reply, 3, WAIT_MAX_MS);
    quota->reason = (uint32_t)reply_number(reply, 4, EMQX_TLS_QUOTA_IN_FLIGHT);
    freeReplyObject(reply);
    return EMQX_TLS_OK;
}

static void redis_destroy(void *context)
{
    redis_store *s = context;
    const emqx_tls_allocator a = s->settings.allocator;
    if (s->own.context)
        s->own.destroy(s->own.context);
    emqxi_redis_close(&s->redis);
    emqxi_free(&a, s);
}

/* -- open -------------------------------------------------------------------------------------- */

static emqx_tls_code redis_set_up(redis_store *s, const char *url, const char *prefix,
                                  emqx_tls_error *error)
{
    emqxi_redis *r = &s->redis;
    r->allocator = s->settings.allocator;
    r->forks = emqxi_fork_count();
    r->link.fd = -1;
    r->held_ms = s->settings.limits[0].held_ms + EMQXI_STRAY_MS;
    r->window_ms = s->settings.limits[0].window_ms;
    snprintf(r->settings, sizeof r->settings, "%" PRIu32 "/%" PRIu32 "/%" PRId64 "/%" PRIx32,
             s->settings.limits[0].slots, s->settings.limits[1].slots, r->window_ms,
             s->settings.flags);
    emqx_tls_code code = emqxi_redis_url_parse(&r->allocator, url, &r->url, error);
    if (code == EMQX_TLS_OK && r->url.tls && !emqxi_tls_available)
        code = emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "url is rediss://, but this build has no OpenSSL: use redis:// through "
                            "a tunnel, or build with OpenSSL");
    if (code == EMQX_TLS_OK && !(r->prefix = emqxi_strdup(&r->allocator, prefix)))
        code = emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    return code == EMQX_TLS_OK ? emqxi_memory_open(&s->own, &s->settings, hash_key, error) : code;
}

emqx_tls_code emqxi_redis_open(const char *url, const char *prefix,
                               const emqx_tls_limiter_config *config, emqx_tls_store *store,
                               emqxi_settings *settings, emqx_tls_error *error)
{
    emqx_tls_quota quota = {.size = sizeof quota};
    prefix = prefix ? prefix : "emqxtls";
    if (!*prefix || strlen(prefix) > 200)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "prefix must have 1 to 200 bytes");
    emqx_tls_code code = emqxi_settings_take(settings, config, EMQX_TLS_READS_WITHOUT_STORE, error);
    if (code != EMQX_TLS_OK)
        return code;
    redis_store *s = emqxi_zalloc(&settings->allocator, sizeof *s);
    if (!s)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    const bool reads_without = settings->flags & EMQX_TLS_READS_WITHOUT_STORE;
    settings->flags &= ~EMQX_TLS_READS_WITHOUT_STORE;
    s->settings = *settings;
    code = redis_set_up(s, url, prefix, error);
    /* A wrong password or other settings are told now. */
    for (uint32_t op = EMQX_TLS_OP_GET; op <= EMQX_TLS_OP_CREATE && code == EMQX_TLS_OK; op++)
        code = redis_query(s, op, "", &quota, error);
    if (code != EMQX_TLS_OK) {
        redis_destroy(s);
        return code;
    }
    s->reads_without = reads_without;
    *store = (emqx_tls_store){.size = sizeof *store,
                              .flags = settings->flags,
                              .shared = 1,
                              .context = s,
                              .reserve = redis_reserve,
                              .settle = redis_settle,
                              .query = redis_query,
                              .destroy = redis_destroy};
    return EMQX_TLS_OK;
}

emqx_tls_code emqx_tls_limiter_open_redis(const char *url, const char *prefix,
                                          const emqx_tls_limiter_config *config,
                                          emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqxi_settings settings;
    emqx_tls_store store;
    emqx_tls_code code = emqxi_redis_open(url, prefix, config, &store, &settings, error);
    return emqxi_limiter_over(code, &store, &settings, limiter, error);
}
