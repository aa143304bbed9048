/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The limiter: one lock around a store and the lists of those who wait for it.
 */
#include "limiter/limiter.h"
#include "limiter/store.h"
#include "limiter/waitlist.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define SCOPE_WORD     (EMQX_TLS_TICKET_WORDS - 1) /* of a ticket: the limiter's own */
#define QUERY_MS       1000                        /* a query's patience with a busy store */
#define BUSY_DOUBLINGS 7                           /* of the pause after which it is asked again */
#define BUSY_MAX_MS    1000

struct emqx_tls_limiter {
    atomic_uint references;
    atomic_uint forks;
    pthread_mutex_t mutex;
    emqx_tls_store store;
    emqx_tls_clock clock;
    emqx_tls_allocator allocator;
    emqxi_table waitlists; /* by scope; none where nobody waits */
    uint64_t hash_key[2];
};

/* -- life -------------------------------------------------------------------------------------- */

emqx_tls_code emqx_tls_limiter_open_store(const emqx_tls_store *store, const emqx_tls_clock *clock,
                                          const emqx_tls_allocator *allocator,
                                          emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqx_tls_limiter own = {.references = 1};
    if (!limiter)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter is NULL; it is where the new limiter goes");
    *limiter = NULL;
    if (!emqxi_input_take(&own.store, store, sizeof own.store, sizeof own.store))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "store is NULL or has a size that can't be; set it up with emqx_tls_store_init");
    if (!own.store.reserve || !own.store.settle || !own.store.query || !own.store.destroy)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "store needs reserve, settle, query and destroy");
    if (!emqxi_allocator_take(&own.allocator, allocator))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "allocator can't be used; it needs allocate, resize and release");
    if (!emqxi_clock_take(&own.clock, clock))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "clock can't be used; it needs now_ms");

    emqx_tls_limiter *l = emqxi_alloc(&own.allocator, sizeof *l);
    if (!l)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    emqxi_random_key(own.hash_key);
    *l = own;
    l->waitlists.allocator = &l->allocator;
    atomic_init(&l->forks, emqxi_fork_count());
    pthread_mutex_init(&l->mutex, NULL);
    *limiter = l;
    return emqxi_refuse(error, EMQX_TLS_OK, "%s", "");
}

emqx_tls_code emqx_tls_limiter_new(const emqx_tls_limiter_config *config,
                                   emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqxi_settings settings;
    emqx_tls_store store;
    emqx_tls_code code = emqxi_settings_take(&settings, config, 0, error);
    if (code == EMQX_TLS_OK)
        code = emqxi_memory_open(&store, &settings, NULL, error);
    return emqxi_limiter_over(code, &store, &settings, limiter, error);
}

emqx_tls_limiter *emqx_tls_limiter_ref(emqx_tls_limiter *limiter)
{
    if (limiter)
        atomic_fetch_add_explicit(&limiter->references, 1, memory_order_relaxed);
    return limiter;
}

void emqx_tls_limiter_unref(emqx_tls_limiter *limiter)
{
    if (!limiter || atomic_fetch_sub_explicit(&limiter->references, 1, memory_order_acq_rel) > 1)
        return;
    limiter->store.destroy(limiter->store.context);
    pthread_mutex_destroy(&limiter->mutex);
    emqxi_table_free(&limiter->waitlists);
    const emqx_tls_allocator allocator = limiter->allocator;
    emqxi_free(&allocator, limiter);
}

/* -- one at a time ----------------------------------------------------------------------------- */

/* A child after a fork begins anew with a store that can be shared: the lock may have been held by
 * a thread that the child does not have, and those who wait are the parent's. Once, though two
 * threads of the child may come here together. */
static void begin_anew(emqx_tls_limiter *l, unsigned forks)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once);
    if (atomic_load_explicit(&l->forks, memory_order_relaxed) != forks) {
        pthread_mutex_init(&l->mutex, NULL);
        l->waitlists = (emqxi_table){.allocator = &l->allocator};
        atomic_store_explicit(&l->forks, forks, memory_order_release);
    }
    pthread_mutex_unlock(&once);
}

/* Locks. INVALID: this is a child that a fork has left with a copy that can't be shared. */
static bool enter(emqx_tls_limiter *l, emqxi_error *error)
{
    unsigned forks = emqxi_fork_count();
    if (forks != atomic_load_explicit(&l->forks, memory_order_acquire)) {
        if (!l->store.shared)
            return emqxi_fail(error, EMQX_TLS_E_INVALID,
                              "this limiter is a copy that a fork has left; make a new one in the "
                              "child, or use one in a file") == EMQX_TLS_OK;
        begin_anew(l, forks);
    }
    pthread_mutex_lock(&l->mutex);
    return true;
}

/* An error for a store to fill: as much of it as a store and the limiter use, since clearing it all
 * costs more than a reservation. */
static void prepare_error(emqx_tls_error *e)
{
    e->size = sizeof *e;
    e->retry_after_ms = -1;
    e->message[0] = '\0';
}

/* A store has failed, or is busy. One of a user's own may return anything, and may say nothing. */
static emqx_tls_code store_failed(emqx_tls_code code, const emqx_tls_error *e, emqxi_error *error)
{
    const char *words = *e->message ? e->message
                        : code == EMQX_TLS_OK
                            ? "the quota store stayed locked by another process until the "
                              "deadline, look for one that is stopped"
                            : "the quota store has failed and does not say why";
    return emqxi_fail(error, code == EMQX_TLS_E_NO_MEMORY ? code : EMQX_TLS_E_STORE, "%s", words);
}

/* -- reserve ----------------------------------------------------------------------------------- */

static emqx_tls_code no_quota(const emqxi_reserve *r, const emqx_tls_grant *grant,
                              emqxi_error *error)
{
    const bool shut = grant->reason == EMQX_TLS_QUOTA_SHUT;
    const bool in_flight = grant->reason == EMQX_TLS_QUOTA_IN_FLIGHT;
    if (error)
        error->retry_after_ms = grant->late_ms;
    return emqxi_fail(
        error, EMQX_TLS_E_RATE_LIMITED, "the %s %s%s; nothing was sent; try again in %s%lld s",
        shut ? "platform has refused" : "quota for", r->op == EMQX_TLS_OP_GET ? "reads" : "writes",
        shut        ? " (429)"
        : in_flight ? " is used up by calls that are still running"
                    : " is used up",
        in_flight ? "at most " : "",
        (long long)(grant->late_ms / 1000 + (grant->late_ms % 1000 != 0)));
}

emqx_tls_code emqxi_limiter_reserve(emqx_tls_limiter *l, emqxi_reserve *r, emqxi_waiter *waiter,
                                    emqxi_error *error)
{
    emqx_tls_ask ask = {sizeof ask, r->op, r->deployment_id, r->lease_ms, 0, 0};
    /* a store may leave out what it has no use for */
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error e;
    r->granted = r->busy = false;
    r->look_again_ms = 0;
    if (!enter(l, error)) {
        waiter->queued = false;
        return EMQX_TLS_E_INVALID;
    }
    uint64_t scope = emqxi_scope(l->store.flags, l->hash_key, r->op, r->deployment_id);
    emqxi_waitlist *list = emqxi_table_get(&l->waitlists, scope);
    if (list)
        ask.ahead = emqxi_waitlist_ahead(list, waiter, emqxi_now(&l->clock));
    prepare_error(&e);
    emqx_tls_code code = l->store.reserve(l->store.context, &ask, &grant, &e);
    grant.early_ms = EMQXI_MAX(grant.early_ms, 0);
    grant.late_ms = EMQXI_MAX(grant.late_ms, grant.early_ms);
    if (code != EMQX_TLS_OK) {
        code = store_failed(code, &e, error);
    } else if (grant.granted) {
        r->granted = true;
    } else if (grant.busy) {
        r->busy = true;
        r->look_again_ms = EMQXI_MAX(grant.early_ms, 1);
        store_failed(code, &e, error);
    } else if (r->wait_ms <= 0 || grant.early_ms > r->wait_ms) {
        code = no_quota(r, &grant, error);
    } else {
        const emqxi_outlook outlook = {ask.ahead, grant.early_ms, grant.late_ms, r->wait_ms,
                                       l->store.shared != 0};
        if (waiter->queued || emqxi_waitlist_join(&l->waitlists, scope, waiter))
            r->look_again_ms = emqxi_waitlist_stay(waiter, &outlook, emqxi_now(&l->clock));
        else
            code = emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory to wait for quota");
    }
    if (waiter->queued && (code != EMQX_TLS_OK || r->granted))
        emqxi_waitlist_leave(&l->waitlists, waiter, emqxi_now(&l->clock));
    pthread_mutex_unlock(&l->mutex);
    /* here, since right after the store has written it the processor would wait for itself */
    if (r->granted) {
        memcpy(r->ticket, grant.ticket, sizeof r->ticket);
        r->ticket[SCOPE_WORD] = scope;
    }
    return code;
}

void emqxi_limiter_leave(emqx_tls_limiter *l, emqxi_waiter *waiter)
{
    if (!waiter->queued || !enter(l, NULL))
        return;
    emqxi_waitlist_leave(&l->waitlists, waiter, emqxi_now(&l->clock));
    pthread_mutex_unlock(&l->mutex);
}

/* -- settle and query -------------------------------------------------------------------------- */

/* How a store is asked that may be busy (locked by another process, away). */
typedef struct patience {
    int64_t ms;
    int64_t until; /* known once it has failed */
    unsigned busy; /* so often */
} patience;

/* A store that is busy fails with STORE and tells when to ask again: it is asked less and less
 * often until patience is over. Meanwhile others may enter. False: the answer stands. */
static bool ask_again(emqx_tls_limiter *l, patience *p, emqx_tls_code code, const emqx_tls_error *e)
{
    if (code != EMQX_TLS_E_STORE || e->retry_after_ms < 0 || !l->clock.sleep_ms)
        return false;
    int64_t now = emqxi_now(&l->clock);
    if (p->busy == 0)
        p->until = emqxi_add(now, p->ms);
    if (now >= p->until)
        return false;
    int64_t pause = EMQXI_MIN(EMQXI_MAX(e->retry_after_ms, 1), BUSY_MAX_MS);
    pause = EMQXI_MIN(pause << EMQXI_MIN(p->busy, BUSY_DOUBLINGS), BUSY_MAX_MS);
    p->busy++;
    pthread_mutex_unlock(&l->mutex);
    l->clock.sleep_ms(l->clock.context, EMQXI_MIN(pause, p->until - now));
    pthread_mutex_lock(&l->mutex);
    return true;
}

emqx_tls_code emqxi_limiter_settle(emqx_tls_limiter *l,
                                   const uint64_t ticket[EMQX_TLS_TICKET_WORDS], uint32_t outcome,
                                   int64_t retry_after_ms, int64_t patience_ms, emqxi_error *error)
{
    patience p = {.ms = patience_ms};
    emqx_tls_error e;
    emqx_tls_code code;
    if (!enter(l, error))
        return EMQX_TLS_E_INVALID;
    do {
        prepare_error(&e);
        code = l->store.settle(l->store.context, ticket, outcome, retry_after_ms, &e);
    } while (ask_again(l, &p, code, &e));
    emqxi_waitlist *list = emqxi_table_get(&l->waitlists, ticket[SCOPE_WORD]);
    if (list)
        emqxi_waitlist_wake(list, emqxi_now(&l->clock));
    pthread_mutex_unlock(&l->mutex);
    return code == EMQX_TLS_OK ? code : store_failed(code, &e, error);
}

emqx_tls_code emqx_tls_limiter_query(emqx_tls_limiter *l, uint32_t op, const char *deployment_id,
                                     emqx_tls_quota *quota, emqx_tls_error *error)
{
    const char *id = deployment_id ? deployment_id : "";
    patience p = {.ms = QUERY_MS};
    emqx_tls_quota own = {.size = sizeof own};
    emqx_tls_code code;
    emqx_tls_error e;
    emqxi_error told;
    emqxi_error_clear(&told);
    if (!l)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "limiter is NULL");
    if (!emqxi_output_ok(quota) || !quota)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "quota is NULL or was not set up; call emqx_tls_quota_init first");
    if (op < EMQX_TLS_OP_GET || op > EMQX_TLS_OP_DELETE)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "op is %u; it must be one of EMQX_TLS_OP_*",
                            op);
    if (l->store.flags & EMQX_TLS_PER_DEPLOYMENT && !*id)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "deployment_id is needed: this limiter counts for each deployment");
    if (!enter(l, &told))
        return emqxi_error_out(error, &told);
    if (quota->size >= offsetof(emqx_tls_quota, ahead) + sizeof quota->ahead)
        own.ahead = quota->ahead;
    do {
        prepare_error(&e);
        code = l->store.query(l->store.context, op, id, &own, &e);
    } while (ask_again(l, &p, code, &e));
    pthread_mutex_unlock(&l->mutex);
    if (code == EMQX_TLS_OK)
        emqxi_output(quota, &own, sizeof own);
    else
        store_failed(code, &e, &told);
    return emqxi_error_out(error, &told);
}
