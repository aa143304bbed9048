/* SPDX-License-Identifier: MIT
 *
 * The limiter: one lock around a store and the lines of those who wait for it.
 */
#include "limiter/limiter.h"
#include "limiter/line.h"
#include "limiter/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define SCOPE_WORD (EMQX_TLS_TICKET_WORDS - 1) /* of a ticket: the limiter's own */
#define QUERY_MS   1000                        /* a query's patience with a locked store */

struct emqx_tls_limiter {
    atomic_uint references;
    atomic_uint forks;
    pthread_mutex_t mutex;
    emqx_tls_store store;
    emqx_tls_clock clock;
    emqx_tls_allocator allocator;
    emqxi_table lines;
    uint8_t hash_key[16];
};

/* -- life -------------------------------------------------------------------------------------- */

emqx_tls_code emqx_tls_limiter_open_store(const emqx_tls_store *store, const emqx_tls_clock *clock,
                                          const emqx_tls_allocator *allocator,
                                          emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqx_tls_allocator own;
    if (!limiter)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter is NULL; it is where the new limiter goes");
    *limiter = NULL;
    if (!store || !emqxi_input_ok(store, sizeof *store, sizeof *store))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "store is NULL or has a size that can't be; set it up with emqx_tls_store_init");
    if (!store->reserve || !store->settle || !store->query || !store->destroy)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "store needs reserve, settle, query and destroy");
    if (!emqxi_allocator_take(&own, allocator))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "allocator can't be used; it needs allocate, resize and release");

    emqx_tls_limiter *l = emqxi_zalloc(&own, sizeof *l);
    if (!l)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    l->allocator = own;
    if (!emqxi_clock_take(&l->clock, clock)) {
        emqxi_free(&own, l);
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "clock can't be used; it needs now_ms");
    }
    emqxi_input_copy(&l->store, store, sizeof l->store);
    l->lines.allocator = &l->allocator;
    emqxi_random_key(l->hash_key);
    atomic_init(&l->references, 1);
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
    if (!limiter)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter is NULL; it is where the new limiter goes");
    *limiter = NULL;
    emqx_tls_code code = emqxi_settings_take(&settings, config, error);
    if (code != EMQX_TLS_OK)
        return code;
    if (!emqxi_memory_open(&store, &settings))
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    code =
        emqx_tls_limiter_open_store(&store, &settings.clock, &settings.allocator, limiter, error);
    if (code != EMQX_TLS_OK)
        store.destroy(store.context);
    return code;
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
    emqxi_table_free(&limiter->lines);
    const emqx_tls_allocator allocator = limiter->allocator;
    emqxi_free(&allocator, limiter);
}

/* A child after a fork begins anew with a store that can be shared: the lock may have been held by
 * a thread that the child does not have, and the lines are the parent's. Once, though two threads
 * of the child may come here together. */
static void begin_anew(emqx_tls_limiter *l, unsigned forks)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once);
    if (atomic_load_explicit(&l->forks, memory_order_relaxed) != forks) {
        pthread_mutex_init(&l->mutex, NULL);
        l->lines = (emqxi_table){.allocator = &l->allocator};
        atomic_store_explicit(&l->forks, forks, memory_order_release);
    }
    pthread_mutex_unlock(&once);
}

/* Locks, unless this is a child that a fork has left with a copy of a limiter that can't be
 * shared. */
static bool enter(emqx_tls_limiter *l)
{
    unsigned forks = emqxi_fork_count();
    if (forks != atomic_load_explicit(&l->forks, memory_order_acquire)) {
        if (!l->store.shared)
            return false;
        begin_anew(l, forks);
    }
    pthread_mutex_lock(&l->mutex);
    return true;
}

static emqx_tls_code forked(emqxi_error *error)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID,
                      "this limiter is a copy that a fork has left; make a new one in the child, "
                      "or use one in a file");
}

/* An error for a store to fill: as much of it as a store and the limiter use, since clearing it all
 * costs more than a reservation. */
static void prepare(emqx_tls_error *e)
{
    e->size = sizeof *e;
    e->retry_after_ms = -1;
    e->message[0] = '\0';
}

/* A store has failed. One of a user's own may return anything, and may say nothing. */
static emqx_tls_code store_failed(emqx_tls_code code, const emqx_tls_error *e, emqxi_error *error)
{
    return emqxi_fail(error, code == EMQX_TLS_E_NO_MEMORY ? code : EMQX_TLS_E_STORE, "%s",
                      *e->message ? e->message : "the quota store has failed and does not say why");
}

/* -- reserve ----------------------------------------------------------------------------------- */

static emqx_tls_code no_quota(const emqxi_reserve *r, const emqx_tls_grant *grant,
                              emqxi_error *error)
{
    const char *kind = r->op == EMQX_TLS_OP_GET ? "reads" : "writes";
    long long seconds = grant->late_ms / 1000 + (grant->late_ms % 1000 != 0);
    if (error)
        error->retry_after_ms = grant->late_ms;
    if (grant->reason == EMQX_TLS_QUOTA_SHUT)
        return emqxi_fail(
            error, EMQX_TLS_E_RATE_LIMITED,
            "the platform has refused %s (429); nothing was sent; try again in %lld s", kind,
            seconds);
    if (grant->reason == EMQX_TLS_QUOTA_IN_FLIGHT)
        return emqxi_fail(error, EMQX_TLS_E_RATE_LIMITED,
                          "the quota for %s is used up by calls that are still running; nothing "
                          "was sent; try again in "
                          "at most %lld s",
                          kind, seconds);
    return emqxi_fail(error, EMQX_TLS_E_RATE_LIMITED,
                      "the quota for %s is used up; nothing was sent; try again in %lld s", kind,
                      seconds);
}

/* No slot is free. Stays in line, or goes to its end, if it can be served in time. */
static emqx_tls_code stand_in_line(emqx_tls_limiter *l, emqxi_reserve *r, emqxi_waiter *waiter,
                                   uint64_t scope, uint32_t ahead, const emqx_tls_grant *grant,
                                   emqxi_error *error)
{
    int64_t now = emqxi_now(&l->clock);
    if (r->wait_ms <= 0 || grant->early_ms > r->wait_ms)
        return no_quota(r, grant, error);
    if (!waiter->queued && !emqxi_line_join(&l->lines, scope, waiter))
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory to wait for quota");
    const emqxi_outlook outlook = {.ahead = ahead,
                                   .early_ms = grant->early_ms,
                                   .late_ms = grant->late_ms,
                                   .wait_ms = r->wait_ms,
                                   .shared = l->store.shared != 0};
    r->look_again_ms = emqxi_line_stay(waiter, &outlook, now);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_limiter_reserve(emqx_tls_limiter *l, emqxi_reserve *r, emqxi_waiter *waiter,
                                    emqxi_error *error)
{
    emqx_tls_ask ask = {.size = sizeof ask,
                        .op = r->op,
                        .deployment_id = r->deployment_id,
                        .lease_ms = r->lease_ms,
                        .ahead = 0};
    /* a store may leave out what it has no use for */
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error e;
    r->granted = r->busy = false;
    r->look_again_ms = 0;
    prepare(&e);
    if (!enter(l)) {
        waiter->queued = false;
        return forked(error);
    }

    uint64_t scope = emqxi_scope(l->store.flags, l->hash_key, r->op, r->deployment_id);
    emqxi_line *line = emqxi_line_find(&l->lines, scope);
    if (line)
        ask.ahead = emqxi_line_ahead(line, waiter, emqxi_now(&l->clock));
    emqx_tls_code code = l->store.reserve(l->store.context, &ask, &grant, &e);
    if (code != EMQX_TLS_OK) {
        code = store_failed(code, &e, error);
    } else if (grant.granted) {
        r->granted = true;
    } else if (grant.busy) {
        r->busy = true;
        r->look_again_ms = EMQXI_MAX(grant.early_ms, 1);
    } else {
        grant.early_ms = EMQXI_MAX(grant.early_ms, 0);
        grant.late_ms = EMQXI_MAX(grant.late_ms, grant.early_ms);
        code = stand_in_line(l, r, waiter, scope, ask.ahead, &grant, error);
    }
    if (waiter->queued && (code != EMQX_TLS_OK || r->granted))
        emqxi_line_leave(&l->lines, waiter, emqxi_now(&l->clock));
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
    if (!waiter->queued || !enter(l))
        return;
    emqxi_line_leave(&l->lines, waiter, emqxi_now(&l->clock));
    pthread_mutex_unlock(&l->mutex);
}

/* -- settle and query -------------------------------------------------------------------------- */

/* A store that is locked by another process fails with STORE and tells when to ask again. Sleeps so
 * long, the lock given back, and takes it again; false: patience is over. */
static bool locked_wait(emqx_tls_limiter *l, emqx_tls_code code, const emqx_tls_error *e,
                        int64_t deadline)
{
    int64_t now = emqxi_now(&l->clock);
    if (code != EMQX_TLS_E_STORE || e->retry_after_ms < 0 || now >= deadline || !l->clock.sleep_ms)
        return false;
    pthread_mutex_unlock(&l->mutex);
    l->clock.sleep_ms(l->clock.context, EMQXI_MIN(EMQXI_MAX(e->retry_after_ms, 1), deadline - now));
    pthread_mutex_lock(&l->mutex);
    return true;
}

emqx_tls_code emqxi_limiter_settle(emqx_tls_limiter *l,
                                   const uint64_t ticket[EMQX_TLS_TICKET_WORDS], uint32_t outcome,
                                   int64_t retry_after_ms, int64_t patience_ms, emqxi_error *error)
{
    emqx_tls_code code;
    emqx_tls_error e;
    if (!enter(l))
        return forked(error);
    int64_t deadline = -1;
    for (;;) {
        prepare(&e);
        code = l->store.settle(l->store.context, ticket, outcome, retry_after_ms, &e);
        if (code == EMQX_TLS_OK)
            break;
        if (deadline == -1)
            deadline = emqxi_add(emqxi_now(&l->clock), patience_ms);
        if (!locked_wait(l, code, &e, deadline))
            break;
    }
    emqxi_line *line = emqxi_line_find(&l->lines, ticket[SCOPE_WORD]);
    if (line)
        emqxi_line_wake(line, emqxi_now(&l->clock));
    pthread_mutex_unlock(&l->mutex);
    return code == EMQX_TLS_OK ? code : store_failed(code, &e, error);
}

emqx_tls_code emqx_tls_limiter_query(emqx_tls_limiter *l, uint32_t op, const char *deployment_id,
                                     emqx_tls_quota *quota, emqx_tls_error *error)
{
    emqx_tls_quota own = {.size = sizeof own};
    emqx_tls_error e;
    emqxi_error out;
    emqxi_error_clear(&out);
    if (!l)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "limiter is NULL");
    if (!emqxi_output_ok(quota) || !quota)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "quota is NULL or was not set up; call emqx_tls_quota_init first");
    if (op < EMQX_TLS_OP_GET || op > EMQX_TLS_OP_DELETE)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "op is %u; it must be one of EMQX_TLS_OP_*",
                            op);
    if (l->store.flags & EMQX_TLS_PER_DEPLOYMENT && (!deployment_id || !*deployment_id))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "deployment_id is needed: this limiter counts for each deployment");
    if (!enter(l)) {
        forked(&out);
        return emqxi_error_out(error, &out);
    }
    emqx_tls_code code;
    int64_t deadline = -1;
    for (;;) {
        prepare(&e);
        code = l->store.query(l->store.context, op, deployment_id ? deployment_id : "", &own, &e);
        if (code == EMQX_TLS_OK)
            break;
        if (deadline == -1)
            deadline = emqxi_add(emqxi_now(&l->clock), QUERY_MS);
        if (!locked_wait(l, code, &e, deadline))
            break;
    }
    pthread_mutex_unlock(&l->mutex);
    if (code == EMQX_TLS_OK)
        emqxi_output(quota, &own, sizeof own);
    else
        store_failed(code, &e, &out);
    return emqxi_error_out(error, &out);
}
