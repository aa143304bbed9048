/* SPDX-License-Identifier: MIT
 *
 * The store in this process's memory: one log a scope. A scope begins with room for two slots,
 * grows as it is used, and is given back once it is idle: a new scope looks at the next four places
 * of the table, and each eighth reservation at one, so that what is over never outgrows what is in
 * use, and no call pays for many.
 */
#include "limiter/store.h"
#include "limiter/table.h"

#define FIRST_SLOTS 2

typedef struct scope {
    emqxi_log log;
    emqxi_slot slots[];
} scope;

typedef struct memory {
    emqxi_settings settings;
    emqxi_limits limits[EMQXI_CLASSES];
    uint8_t hash_key[16];
    emqxi_table scopes;
    size_t hand; /* the place in the table that is looked at next */
    uint32_t calls;
} memory;

/* Among many deployments a scope is far away in memory: asks for it before it is needed. What a
 * call reads of it first is all behind share.refused. */
static void fetch(const scope *s)
{
    if (!s)
        return;
    __builtin_prefetch(&s->log.share.refused);
    __builtin_prefetch(s->slots + 1);
}

/* Looks at the next places of the table and gives back the scopes that are idle. */
static void sweep(memory *m, int64_t now, size_t places)
{
    for (; places > 0 && m->scopes.size > 0; places--) {
        emqxi_entry *entry = &m->scopes.entries[m->hand & (m->scopes.size - 1)];
        scope *s = entry->value;
        m->hand = (m->hand + 1) & (m->scopes.size - 1);
        fetch(m->scopes.entries[m->hand].value);
        /* the window is the same for every class */
        if (!s || !emqxi_log_idle(&s->log, s->slots, &m->limits[0], now))
            continue;
        emqxi_table_remove(&m->scopes, entry);
        emqxi_free(&m->settings.allocator, s);
    }
}

static scope *make(memory *m, uint64_t key, uint32_t slots)
{
    uint32_t capacity = EMQXI_MIN(FIRST_SLOTS, slots);
    scope *s = emqxi_zalloc(&m->settings.allocator, sizeof *s + capacity * sizeof *s->slots);
    if (!s)
        return NULL;
    s->log.capacity = capacity;
    if (!emqxi_table_add(&m->scopes, key, s)) {
        emqxi_free(&m->settings.allocator, s);
        return NULL;
    }
    return s;
}

static scope *grow(memory *m, emqxi_entry *entry, uint32_t slots)
{
    scope *s = entry->value;
    uint32_t capacity = EMQXI_MIN(2 * s->log.capacity, slots);
    s = emqxi_resize(&m->settings.allocator, s, sizeof *s + capacity * sizeof *s->slots);
    if (!s)
        return NULL;
    entry->value = s;
    emqxi_log_grow(&s->log, s->slots, capacity);
    return s;
}

static emqx_tls_code reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error)
{
    memory *m = context;
    uint32_t class = emqxi_class(m->settings.flags, ask->op);
    const emqxi_limits *limits = &m->limits[class];
    uint64_t key = emqxi_scope(m->settings.flags, m->hash_key, ask->op, ask->deployment_id);
    emqxi_reservation reservation;

    emqxi_entry *entry = emqxi_table_find(&m->scopes, key);
    scope *s = entry ? entry->value : NULL;
    fetch(s);
    int64_t now = emqxi_now(&m->settings.clock);
    if (s) {
        emqxi_log_advance(&s->log, s->slots, limits, now);
        if (emqxi_log_full(&s->log, limits))
            s = grow(m, entry, limits->slots);
    } else {
        sweep(m, now, 4);
        s = make(m, key, limits->slots);
    }
    if (!s)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY,
                            "no memory for the quota of one more deployment or call");

    emqxi_log_reserve(&s->log, s->slots, limits, now, ask->lease_ms, ask->ahead, &reservation);
    grant->granted = reservation.granted;
    grant->reason = reservation.reason;
    grant->busy = 0;
    grant->early_ms = reservation.early_ms;
    grant->late_ms = reservation.late_ms;
    if (reservation.granted) {
        grant->ticket[0] = key;
        grant->ticket[1] = class;
        grant->ticket[2] = (uint64_t)reservation.flight.release_ms;
        grant->ticket[3] = (uint64_t)reservation.flight.left_ms;
        grant->ticket[4] = reservation.flight.id;
    }
    if (m->calls++ % 8 == 0)
        sweep(m, now, 1); /* not this scope: it holds a slot, or is shut */
    return EMQX_TLS_OK;
}

static emqx_tls_code settle(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    memory *m = context;
    const emqxi_flight flight = {
        .release_ms = (int64_t)ticket[2], .left_ms = (int64_t)ticket[3], .id = (uint32_t)ticket[4]};
    emqxi_entry *entry = emqxi_table_find(&m->scopes, ticket[0]);
    scope *s = entry ? entry->value : NULL;
    (void)error;
    if (s && ticket[1] < EMQXI_CLASSES)
        emqxi_log_settle(&s->log, s->slots, &m->limits[ticket[1]], emqxi_now(&m->settings.clock),
                         &flight, outcome, retry_after_ms,
                         outcome == EMQX_TLS_OUTCOME_REFUSED ? emqxi_random() : 0);
    return EMQX_TLS_OK;
}

static emqx_tls_code query(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error)
{
    memory *m = context;
    const emqxi_limits *limits = &m->limits[emqxi_class(m->settings.flags, op)];
    emqxi_log empty = {.capacity = 0};
    emqxi_entry *entry = emqxi_table_find(
        &m->scopes, emqxi_scope(m->settings.flags, m->hash_key, op, deployment_id));
    scope *s = entry ? entry->value : NULL;
    (void)error;
    emqxi_log_query(s ? &s->log : &empty, s ? s->slots : NULL, limits,
                    emqxi_now(&m->settings.clock), quota);
    return EMQX_TLS_OK;
}

static void destroy(void *context)
{
    memory *m = context;
    const emqx_tls_allocator allocator = m->settings.allocator;
    for (size_t i = 0; i < m->scopes.size; i++)
        emqxi_free(&allocator, m->scopes.entries[i].value);
    emqxi_table_free(&m->scopes);
    emqxi_free(&allocator, m);
}

bool emqxi_memory_open(emqx_tls_store *store, const emqxi_settings *settings)
{
    memory *m = emqxi_zalloc(&settings->allocator, sizeof *m);
    if (!m)
        return false;
    m->settings = *settings;
    m->scopes.allocator = &m->settings.allocator;
    for (uint32_t class = 0; class < EMQXI_CLASSES; class ++)
        emqxi_class_limits(settings, class, &m->limits[class]);
    emqxi_random_key(m->hash_key);
    *store = (emqx_tls_store){.size = sizeof *store,
                              .flags = settings->flags,
                              .context = m,
                              .reserve = reserve,
                              .settle = settle,
                              .query = query,
                              .destroy = destroy};
    return true;
}
