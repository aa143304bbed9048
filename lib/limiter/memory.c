/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The store in this process's memory: one log a scope. A scope begins with room for two slots,
 * grows as it is used, and is given back once it is idle: a new scope looks at the next four places
 * of the table, and each eighth reservation at one, so that what is over never outgrows what is in
 * use, and no call pays for many.
 */
#include "limiter/store.h"
#include "limiter/table.h"

#include <string.h>

#define FIRST_SLOTS 2

typedef struct scope {
    emqxi_log log;
    emqxi_slot slots[];
} scope;

typedef struct memory {
    emqxi_settings settings;
    uint64_t hash_key[2];
    emqxi_table scopes;
    size_t hand; /* the place in the table that is looked at next */
    uint32_t calls;
} memory;

static emqxi_view view_of(const memory *m, scope *s, uint32_t group, int64_t now)
{
    return (emqxi_view){.log = &s->log,
                        .slots = s->slots,
                        .limits = emqxi_group_limits(&m->settings, group),
                        .now = now};
}

/* Among many deployments a scope is far away in memory: asks for it before it is needed. What a
 * call reads of it first is all behind throttle.refused. */
static void fetch(const scope *s)
{
    if (!s)
        return;
    __builtin_prefetch(&s->log.throttle.refused);
    __builtin_prefetch(s->slots + 1);
}

/* Looks at the next places of the table and gives back the scopes that are idle. */
static void sweep(memory *m, int64_t now, size_t places)
{
    for (; places > 0 && m->scopes.size > 0; places--) {
        const emqxi_entry *entry = &m->scopes.entries[m->hand & (m->scopes.size - 1)];
        scope *s = entry->value;
        m->hand = (m->hand + 1) & (m->scopes.size - 1);
        fetch(m->scopes.entries[m->hand].value);
        if (!s)
            continue;
        const emqxi_view v = view_of(m, s, 0, now); /* the window is the same for every group */
        if (!emqxi_log_idle(&v))
            continue;
        emqxi_table_remove(&m->scopes, entry->key);
        emqxi_free(&m->settings.allocator, s);
    }
}

/* Makes a scope, or room for more slots in one that is there. NULL: no memory. */
static scope *make_room(memory *m, uint64_t key, scope *s, uint32_t slots)
{
    const emqx_tls_allocator *a = &m->settings.allocator;
    const uint32_t capacity = EMQXI_MIN(s ? 2 * s->log.capacity : FIRST_SLOTS, slots);
    const size_t size = sizeof *s + capacity * sizeof *s->slots;
    scope *made = s ? emqxi_resize(a, s, size) : emqxi_zalloc(a, size);
    if (made && !emqxi_table_set(&m->scopes, key, made)) {
        emqxi_free(a, made);
        return NULL;
    }
    if (made)
        emqxi_log_grow(&made->log, made->slots, capacity);
    return made;
}

static emqx_tls_code memory_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                    emqx_tls_error *error)
{
    memory *m = context;
    const uint32_t group = emqxi_group(m->settings.flags, ask->op),
                   slots = emqxi_group_limits(&m->settings, group)->slots;
    emqxi_ticket ticket = {
        .scope = emqxi_scope(m->settings.flags, m->hash_key, ask->op, ask->deployment_id),
        .flight.group = group};
    scope *s = emqxi_table_get(&m->scopes, ticket.scope);
    fetch(s);
    int64_t now = emqxi_now(&m->settings.clock);
    bool room = false;
    if (s) {
        const emqxi_view v = view_of(m, s, group, now);
        emqxi_log_advance(&v);
        room = !emqxi_log_full(&v);
    } else {
        sweep(m, now, 4);
    }
    if (!room && !(s = make_room(m, ticket.scope, s, slots)))
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY,
                            "no memory for the quota of one more deployment or call");
    const emqxi_view v = view_of(m, s, group, now);
    emqxi_log_reserve(&v, ask, grant, &ticket.flight);
    if (grant->granted)
        memcpy(grant->ticket, &ticket, sizeof ticket);
    if (m->calls++ % 8 == 0)
        sweep(m, now, 1); /* not this scope: it holds a slot, or is shut */
    return EMQX_TLS_OK;
}

static emqx_tls_code memory_settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                                   uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    memory *m = context;
    emqxi_ticket ticket;
    (void)error;
    memcpy(&ticket, words, sizeof ticket);
    scope *s = emqxi_table_get(&m->scopes, ticket.scope);
    if (!s || ticket.flight.group >= EMQXI_GROUPS)
        return EMQX_TLS_OK;
    const emqxi_view v = view_of(m, s, ticket.flight.group, emqxi_now(&m->settings.clock));
    emqxi_log_settle(&v, &ticket.flight, outcome, retry_after_ms,
                     outcome == EMQX_TLS_OUTCOME_REFUSED ? emqxi_random() : 0);
    return EMQX_TLS_OK;
}

static emqx_tls_code memory_query(void *context, uint32_t op, const char *deployment_id,
                                  emqx_tls_quota *quota, emqx_tls_error *error)
{
    memory *m = context;
    scope empty = {.log.capacity = 0};
    scope *s =
        emqxi_table_get(&m->scopes, emqxi_scope(m->settings.flags, m->hash_key, op, deployment_id));
    (void)error;
    const emqxi_view v = view_of(m, s ? s : &empty, emqxi_group(m->settings.flags, op),
                                 emqxi_now(&m->settings.clock));
    emqxi_log_query(&v, quota);
    return EMQX_TLS_OK;
}

static void memory_destroy(void *context)
{
    memory *m = context;
    const emqx_tls_allocator allocator = m->settings.allocator;
    for (size_t i = 0; i < m->scopes.size; i++)
        emqxi_free(&allocator, m->scopes.entries[i].value);
    emqxi_table_free(&m->scopes);
    emqxi_free(&allocator, m);
}

emqx_tls_code emqxi_memory_open(emqx_tls_store *store, const emqxi_settings *settings,
                                const uint64_t hash_key[2], emqx_tls_error *error)
{
    memory *m = emqxi_zalloc(&settings->allocator, sizeof *m);
    if (!m)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    m->settings = *settings;
    m->scopes.allocator = &m->settings.allocator;
    if (hash_key)
        memcpy(m->hash_key, hash_key, sizeof m->hash_key);
    else
        emqxi_random_key(m->hash_key);
    *store = (emqx_tls_store){.size = sizeof *store,
                              .flags = settings->flags,
                              .context = m,
                              .reserve = memory_reserve,
                              .settle = memory_settle,
                              .query = memory_query,
                              .destroy = memory_destroy};
    return EMQX_TLS_OK;
}
