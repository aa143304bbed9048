/* SPDX-License-Identifier: MIT
 *
 * The quota store in Redis: the store's vtable on quota.lua.
 */
#include "redis/store.h"
#include "redis/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <emqxtls/redis.h>

typedef struct redis_store {
    emqxi_redis redis;
    emqxi_settings settings;
    emqxi_limits limits[EMQXI_GROUPS];
    bool reads_without;
    /* counts the reads of this process while Redis is away; context NULL: not needed yet */
    emqx_tls_store memory;
} redis_store;

/* What a ticket holds. `ours` stands where the memory's tickets have 0. */
typedef struct redis_ticket {
    uint8_t scope[16];
    int64_t left_ms, id;
    uint32_t group, ours;
} redis_ticket;
_Static_assert(offsetof(redis_ticket, ours) == offsetof(emqxi_ticket, epoch),
               "a ticket must tell whose it is");

/* Hosts that share a quota must name a scope alike, so the key is fixed; names are hashed to be of
 * one length. */
static void scope_of(const redis_store *s, const char *deployment_id, uint8_t scope[16])
{
    static const uint8_t key[16] = {0};
    memset(scope, 0, 16);
    if (s->settings.flags & EMQX_TLS_PER_DEPLOYMENT)
        emqxi_siphash(key, deployment_id, strlen(deployment_id), scope);
}

static void name_scope(const redis_store *s, uint32_t group, const uint8_t scope[16], char *to,
                       size_t size)
{
    static const char *const groups[EMQXI_GROUPS] = {"GET", "POST", "PUT", "DELETE"};
    const char *name =
        group == 0 || s->settings.flags & EMQX_TLS_PER_METHOD ? groups[group] : "writes";
    int n = snprintf(to, size, "%s:%s", s->redis.prefix, name);
    if (!(s->settings.flags & EMQX_TLS_PER_DEPLOYMENT))
        return;
    to[n++] = ':';
    emqxi_hex(scope, 16, to + n);
}

/* The script's arguments for a step: where, how many, and the step's own. */
typedef struct step_arguments {
    char name[320], slots[16], window[24];
    const char *all[9];
    int count;
} step_arguments;

static void prepare(const redis_store *s, uint32_t group, const uint8_t scope[16], int count,
                    const char *const *own, step_arguments *a)
{
    name_scope(s, group, scope, a->name, sizeof a->name);
    snprintf(a->slots, sizeof a->slots, "%" PRIu32, s->limits[group].slots);
    snprintf(a->window, sizeof a->window, "%" PRId64, s->limits[group].window_ms);
    a->all[0] = a->slots;
    a->all[1] = a->window;
    for (int i = 0; i < count; i++)
        a->all[2 + i] = own[i];
    a->count = 2 + count;
}

/* Runs a step and waits for its answer, of so many numbers where it was done, and where no slot was
 * free. NULL: `error` says why. */
static redisReply *step(redis_store *s, uint32_t group, const uint8_t scope[16], int count,
                        const char *const *own, size_t done, size_t none, emqx_tls_error *error)
{
    step_arguments a;
    prepare(s, group, scope, count, own, &a);
    redisReply *reply = emqxi_redis_step(&s->redis, a.name, a.count, a.all, error);
    if (!reply)
        return NULL;
    if (reply->element[0]->integer == -3) {
        emqxi_refuse(error, EMQX_TLS_E_STORE,
                     "Redis has lost what it knew of the quota, or was just started without "
                     "appendonly: what was used before "
                     "is not known; try again in %lld s, and turn appendonly on",
                     (reply->element[1]->integer + 999) / 1000);
        freeReplyObject(reply);
        return NULL;
    }
    size_t numbers = reply->element[0]->integer == 1   ? done
                     : reply->element[0]->integer == 0 ? none
                                                       : 0;
    if (reply->elements != numbers) {
        emqxi_refuse(error, EMQX_TLS_E_STORE,
                     "what is behind the address of the quota's Redis answers as no Redis does");
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

/* The store in memory, for reads while Redis is away; NULL: not wanted for this. */
static emqx_tls_store *fallback(redis_store *s, uint32_t op)
{
    if (!s->reads_without || op != EMQX_TLS_OP_GET)
        return NULL;
    if (!s->memory.context && emqxi_memory_open(&s->memory, &s->settings, NULL) != EMQX_TLS_OK)
        return NULL;
    return &s->memory;
}

static emqx_tls_code redis_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                   emqx_tls_error *error)
{
    redis_store *s = context;
    uint32_t group = emqxi_group(s->settings.flags, ask->op);
    uint8_t scope[16];
    char lease[24], ahead[16];
    const char *own[] = {"reserve", lease, ahead};
    scope_of(s, ask->deployment_id, scope);
    snprintf(lease, sizeof lease, "%" PRId64, ask->lease_ms);
    snprintf(ahead, sizeof ahead, "%" PRIu32, ask->ahead);
    grant->busy = 0;
    redisReply *reply = step(s, group, scope, 3, own, 3, 4, error);
    if (!reply) {
        emqx_tls_store *memory = fallback(s, ask->op);
        return memory ? memory->reserve(memory->context, ask, grant, error) : EMQX_TLS_E_STORE;
    }
    grant->granted = reply->element[0]->integer == 1;
    if (grant->granted) {
        redis_ticket ticket = {.left_ms = reply->element[2]->integer,
                               .id = reply->element[1]->integer,
                               .group = group,
                               .ours = 1};
        memcpy(ticket.scope, scope, sizeof ticket.scope);
        memcpy(grant->ticket, &ticket, sizeof ticket);
    } else {
        grant->reason = (uint32_t)reply->element[1]->integer;
        grant->early_ms = reply->element[2]->integer;
        grant->late_ms = reply->element[3]->integer;
    }
    freeReplyObject(reply);
    return EMQX_TLS_OK;
}

static emqx_tls_code redis_settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                                  uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    redis_store *s = context;
    redis_ticket ticket;
    char id[24], left[24], how[16], after[24], random[24];
    const char *own[] = {"settle", id, left, how, after, random};
    memcpy(&ticket, words, sizeof ticket);
    if (!ticket.ours)
        return s->memory.context
                   ? s->memory.settle(s->memory.context, words, outcome, retry_after_ms, error)
                   : EMQX_TLS_OK;
    if (ticket.group >= EMQXI_GROUPS)
        return EMQX_TLS_OK;
    snprintf(id, sizeof id, "%" PRId64, ticket.id);
    snprintf(left, sizeof left, "%" PRId64, ticket.left_ms);
    snprintf(how, sizeof how, "%" PRIu32, outcome);
    snprintf(after, sizeof after, "%" PRId64, retry_after_ms);
    snprintf(random, sizeof random, "%" PRIu64, emqxi_random() >> 32);
    if (outcome == EMQX_TLS_OUTCOME_REFUSED) { /* lost, it would let the others go on */
        redisReply *reply = step(s, ticket.group, ticket.scope, 6, own, 1, 0, error);
        freeReplyObject(reply);
        return reply ? EMQX_TLS_OK : EMQX_TLS_E_STORE;
    }
    /* Nobody waits for the others: one that gets lost holds its slot for longer, as an answer that
     * got lost would. */
    step_arguments a;
    prepare(s, ticket.group, ticket.scope, 6, own, &a);
    return emqxi_redis_tell(&s->redis, a.name, a.count, a.all, error);
}

static emqx_tls_code redis_query(void *context, uint32_t op, const char *deployment_id,
                                 emqx_tls_quota *quota, emqx_tls_error *error)
{
    redis_store *s = context;
    uint32_t group = emqxi_group(s->settings.flags, op);
    const char *own[] = {"query"};
    uint8_t scope[16];
    scope_of(s, deployment_id, scope);
    redisReply *reply = step(s, group, scope, 1, own, 5, 0, error);
    if (!reply) {
        emqx_tls_store *memory = fallback(s, op);
        return memory ? memory->query(memory->context, op, deployment_id, quota, error)
                      : EMQX_TLS_E_STORE;
    }
    quota->limit = s->limits[group].slots;
    quota->used = (uint32_t)reply->element[1]->integer;
    quota->remaining = (uint32_t)reply->element[2]->integer;
    quota->next_ms = reply->element[3]->integer;
    quota->reason = (uint32_t)reply->element[4]->integer;
    quota->reserved = 0;
    freeReplyObject(reply);
    return EMQX_TLS_OK;
}

static void redis_destroy(void *context)
{
    redis_store *s = context;
    const emqx_tls_allocator a = s->settings.allocator;
    if (s->memory.context)
        s->memory.destroy(s->memory.context);
    emqxi_redis_close(&s->redis);
    emqxi_free(&a, s);
}

/* Looks the arguments over, connects, and runs one query: a wrong password or other settings are
 * told now. */
static emqx_tls_code set_up(redis_store *s, const char *url, const char *prefix,
                            emqx_tls_error *error)
{
    emqxi_redis *r = &s->redis;
    emqx_tls_quota quota = {.size = sizeof quota};
    r->allocator = s->settings.allocator;
    r->forks = emqxi_fork_count();
    emqx_tls_code code = emqxi_redis_url_parse(&r->allocator, url, &r->url, error);
    if (code != EMQX_TLS_OK)
        return code;
#ifndef EMQXI_HIREDIS_SSL
    if (r->url.tls)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "url is rediss://, but this build's hiredis has no TLS part: use "
                            "redis:// through a tunnel, or "
                            "build with OpenSSL and hiredis 1.0 or newer with its TLS part");
#endif
    for (uint32_t group = 0; group < EMQXI_GROUPS; group++)
        emqxi_group_limits(&s->settings, group, &s->limits[group]);
    snprintf(r->settings, sizeof r->settings, "%" PRIu32 "/%" PRIu32 "/%" PRIu64 "/%" PRIx32,
             s->settings.reads, s->settings.writes, s->settings.window_ms, s->settings.flags);
    r->held_ms = s->limits[0].held_ms + EMQXI_STRAY_MS;
    if (!(r->prefix = emqxi_strdup(&r->allocator, prefix)))
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    for (uint32_t op = EMQX_TLS_OP_GET; op <= EMQX_TLS_OP_CREATE && code == EMQX_TLS_OK; op++)
        code = redis_query(s, op, "", &quota, error);
    return code;
}

emqx_tls_code emqxi_redis_open(const char *url, const char *prefix,
                               const emqx_tls_limiter_config *config, emqx_tls_store *store,
                               emqxi_settings *settings, emqx_tls_error *error)
{
    emqx_tls_limiter_config c;
    emqxi_settings own;
    if (!prefix)
        prefix = "emqxtls";
    if (!*prefix || strlen(prefix) > 200)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "prefix must have 1 to 200 bytes");
    emqx_tls_limiter_config_init(&c);
    if (config && !emqxi_input_ok(config, sizeof c, sizeof c))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "limiter_config has a size that can't be; set it up with emqx_tls_limiter_config_init");
    if (config)
        emqxi_input_copy(&c, config, sizeof c);
    bool reads_without = c.flags & EMQX_TLS_READS_WITHOUT_STORE;
    c.flags &= ~EMQX_TLS_READS_WITHOUT_STORE; /* the one that is this store's own */
    emqx_tls_code code = emqxi_settings_take(&own, &c, error);
    if (code != EMQX_TLS_OK)
        return code;
    redis_store *s = emqxi_zalloc(&own.allocator, sizeof *s);
    if (!s)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    s->settings = own;
    s->reads_without = reads_without;
    code = set_up(s, url, prefix, error);
    if (code != EMQX_TLS_OK) {
        redis_destroy(s);
        return code;
    }
    const emqx_tls_store vtable = {.size = sizeof vtable,
                                   .flags = own.flags,
                                   .shared = 1,
                                   .context = s,
                                   .reserve = redis_reserve,
                                   .settle = redis_settle,
                                   .query = redis_query,
                                   .destroy = redis_destroy};
    *store = vtable;
    if (settings)
        *settings = own;
    return EMQX_TLS_OK;
}

emqx_tls_code emqx_tls_limiter_open_redis(const char *url, const char *prefix,
                                          const emqx_tls_limiter_config *config,
                                          emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqxi_settings settings;
    emqx_tls_store store;
    emqx_tls_code code = emqxi_limiter_begin(limiter, error);
    if (code == EMQX_TLS_OK)
        code = emqxi_redis_open(url, prefix, config, &store, &settings, error);
    return emqxi_limiter_end(code, &store, &settings, limiter, error);
}
