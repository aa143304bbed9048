/* SPDX-License-Identifier: MIT
 *
 * The store in this process's memory: one log a scope. A scope begins with room for two slots, grows as it is used, and is given back
 * once it is idle: each reservation looks at the next bucket of the table, each new scope at four, so that what is over never
 * outgrows what is in use, and no call pays for many.
 */
#include "limiter/store.h"
#include "limiter/table.h"

#include <string.h>

#define FIRST_SLOTS 2

typedef struct scope {
    emqxi_node node;
    emqxi_log log;
    emqxi_slot slots[];
} scope;

typedef struct memory {
    emqxi_settings settings;
    emqxi_limits limits[EMQXI_CLASSES];
    uint8_t hash_key[16];
    emqxi_table scopes;
    size_t hand; /* the bucket that was looked at last */
} memory;

/* What a ticket holds. */
typedef struct memory_ticket {
    uint64_t scope, class;
    emqxi_receipt receipt;
} memory_ticket;
_Static_assert(sizeof(memory_ticket) <= (EMQX_TLS_TICKET_WORDS - 1) * sizeof(uint64_t), "a ticket must hold it");

/* Looks at the next buckets of the table and gives back the scopes that are idle. */
static void sweep(memory *m, int64_t now, size_t buckets)
{
    for (; buckets > 0 && m->scopes.size > 0; buckets--) {
        m->hand = (m->hand + 1) & (m->scopes.size - 1);
        for (emqxi_node **link = &m->scopes.buckets[m->hand]; *link;) {
            const scope *s = (const scope *)*link;
            if (emqxi_log_idle(&s->log, s->slots, &m->limits[0], now)) /* the window is the same for every class */
                emqxi_free(&m->settings.allocator, emqxi_table_take(&m->scopes, link));
            else
                link = &(*link)->next;
        }
    }
}

static scope *find(const memory *m, uint64_t key, emqxi_node ***link)
{
    *link = emqxi_table_find(&m->scopes, key);
    return *link ? (scope *)**link : NULL;
}

static scope *make(memory *m, uint64_t key, uint32_t slots, emqxi_node ***link)
{
    uint32_t capacity = EMQXI_MIN(FIRST_SLOTS, slots);
    scope *s = emqxi_zalloc(&m->settings.allocator, sizeof *s + capacity * sizeof *s->slots);
    if (!s)
        return NULL;
    s->node.key = key;
    s->log.capacity = capacity;
    if (!emqxi_table_add(&m->scopes, &s->node)) {
        emqxi_free(&m->settings.allocator, s);
        return NULL;
    }
    return find(m, key, link);
}

static scope *grow(memory *m, scope *s, uint32_t slots, emqxi_node **link)
{
    uint32_t capacity = EMQXI_MIN(2 * s->log.capacity, slots);
    s = emqxi_resize(&m->settings.allocator, s, sizeof *s + capacity * sizeof *s->slots);
    if (!s)
        return NULL;
    *link = &s->node;
    emqxi_log_grow(&s->log, s->slots, capacity);
    return s;
}

static emqx_tls_code reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant, emqx_tls_error *error)
{
    memory *m = context;
    uint32_t class = emqxi_class(m->settings.flags, ask->op);
    const emqxi_limits *limits = &m->limits[class];
    uint64_t key = emqxi_scope(m->settings.flags, m->hash_key, ask->op, ask->deployment_id);
    int64_t now = emqxi_now(&m->settings.clock);
    emqxi_node **link;
    emqxi_decision decision;

    sweep(m, now, 1);
    scope *s = find(m, key, &link);
    if (s) {
        emqxi_log_advance(&s->log, s->slots, limits, now);
        if (emqxi_log_full(&s->log, limits))
            s = grow(m, s, limits->slots, link);
    } else {
        sweep(m, now, 3);
        s = make(m, key, limits->slots, &link);
    }
    if (!s)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for the quota of one more deployment or call");

    emqxi_log_reserve(&s->log, s->slots, limits, now, ask->lease_ms, ask->ahead, &decision);
    grant->granted = decision.granted;
    grant->reason = decision.reason;
    grant->busy = 0;
    grant->early_ms = decision.early_ms;
    grant->late_ms = decision.late_ms;
    if (decision.granted) {
        memory_ticket ticket = {.scope = key, .class = class, .receipt = decision.receipt};
        memcpy(grant->ticket, &ticket, sizeof ticket);
    }
    return EMQX_TLS_OK;
}

static emqx_tls_code settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS], uint32_t outcome,
                            int64_t retry_after_ms, emqx_tls_error *error)
{
    memory *m = context;
    memory_ticket ticket;
    emqxi_node **link;
    (void)error;
    memcpy(&ticket, words, sizeof ticket);
    scope *s = find(m, ticket.scope, &link);
    if (s && ticket.class < EMQXI_CLASSES)
        emqxi_log_settle(&s->log, s->slots, &m->limits[ticket.class], emqxi_now(&m->settings.clock), &ticket.receipt,
                         outcome, retry_after_ms, outcome == EMQX_TLS_OUTCOME_REFUSED ? emqxi_random() : 0);
    return EMQX_TLS_OK;
}

static emqx_tls_code query(void *context, uint32_t op, const char *deployment_id, emqx_tls_quota *quota,
                           emqx_tls_error *error)
{
    memory *m = context;
    const emqxi_limits *limits = &m->limits[emqxi_class(m->settings.flags, op)];
    emqxi_log empty = {.capacity = 0};
    emqxi_node **link;
    (void)error;
    scope *s = find(m, emqxi_scope(m->settings.flags, m->hash_key, op, deployment_id), &link);
    emqxi_log_query(s ? &s->log : &empty, s ? s->slots : NULL, limits, emqxi_now(&m->settings.clock), quota);
    return EMQX_TLS_OK;
}

static void destroy(void *context)
{
    memory *m = context;
    const emqx_tls_allocator allocator = m->settings.allocator;
    for (size_t i = 0; i < m->scopes.size; i++)
        while (m->scopes.buckets[i])
            emqxi_free(&allocator, emqxi_table_take(&m->scopes, &m->scopes.buckets[i]));
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
