/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "naive.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 128

typedef struct scope {
    int64_t release_ms[SLOTS_MAX]; /* free from then on */
    uint64_t holder[SLOTS_MAX];    /* number of the reservation in flight; 0: none */
    double tokens;
    int64_t filled_ms;
    bool begun;
} scope;

typedef struct naive {
    naive_kind kind;
    emqx_tls_limiter_config config;
    emqx_tls_clock clock;
    uint64_t reservations;
    scope scopes[4 * DEPLOYMENTS];
} naive;

static int64_t now_ms(const naive *n)
{
    return n->clock.now_ms(n->clock.context);
}

static int64_t held_ms(const naive *n)
{
    int64_t window = (int64_t)n->config.window_ms;
    return window + 1000 + (window + 1999) / 2000;
}

static uint32_t index_of(const naive *n, uint32_t op, const char *deployment)
{
    uint32_t method = op - EMQX_TLS_OP_GET;
    if (!(n->config.flags & EMQX_TLS_PER_METHOD) && method > 0)
        method = 1;
    return method +
           4 * (n->config.flags & EMQX_TLS_PER_DEPLOYMENT ? (uint32_t)(deployment[1] - '0') : 0);
}

static int slots_of(const naive *n, uint32_t index)
{
    return (int)(index % 4 == 0 ? n->config.reads : n->config.writes);
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void reserve_token(const naive *n, scope *s, int slots, const emqx_tls_ask *ask,
                          emqx_tls_grant *grant)
{
    int64_t now = now_ms(n);
    double window = (double)n->config.window_ms;
    if (!s->begun)
        s->tokens = slots;
    else
        s->tokens += (double)(now - s->filled_ms) * slots / window;
    s->begun = true;
    s->filled_ms = now;
    if (s->tokens > slots)
        s->tokens = slots;
    grant->granted = s->tokens >= 1 + ask->ahead;
    if (grant->granted)
        s->tokens--;
    else
        grant->early_ms = grant->late_ms =
            (int64_t)((1 + ask->ahead - s->tokens) * window / slots) + 1;
}

static void reserve_slot(const naive *n, scope *s, int slots, const emqx_tls_ask *ask,
                         emqx_tls_grant *grant)
{
    int64_t now = now_ms(n), sorted[SLOTS_MAX];
    int free = 0, place = -1;
    for (int i = 0; i < slots; i++)
        if (s->release_ms[i] <= now) {
            free++;
            place = i;
        }
    grant->granted = free > (int)ask->ahead;
    if (grant->granted) {
        s->release_ms[place] = now + held_ms(n);
        if (n->kind != NAIVE_STAMP_AT_SEND)
            s->release_ms[place] += ask->lease_ms + LATE_MS;
        s->holder[place] = n->reservations;
        grant->ticket[1] = (uint64_t)place;
        return;
    }
    memcpy(sorted, s->release_ms, (size_t)slots * sizeof *sorted);
    qsort(sorted, (size_t)slots, sizeof *sorted, by_time);
    int64_t release = sorted[ask->ahead % (uint32_t)slots];
    int64_t again = ask->ahead / (uint32_t)slots * held_ms(n);
    grant->late_ms = (release > now ? release - now : 1) + again;
    grant->early_ms = grant->late_ms < held_ms(n) ? grant->late_ms : held_ms(n);
}

static emqx_tls_code reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error)
{
    naive *n = context;
    uint32_t index = index_of(n, ask->op, ask->deployment_id);
    (void)error;
    n->reservations++;
    grant->ticket[0] = index;
    grant->ticket[2] = n->reservations;
    (n->kind == NAIVE_TOKEN_BUCKET ? reserve_token : reserve_slot)(n, &n->scopes[index],
                                                                   slots_of(n, index), ask, grant);
    return EMQX_TLS_OK;
}

static emqx_tls_code settle(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    naive *n = context;
    scope *s = &n->scopes[ticket[0]];
    int64_t now = now_ms(n);
    bool back = outcome == EMQX_TLS_OUTCOME_NOT_SENT ||
                (outcome == EMQX_TLS_OUTCOME_LOST && n->kind == NAIVE_GIVE_BACK_TIMEOUT);
    (void)retry_after_ms;
    (void)error;
    if (n->kind == NAIVE_TOKEN_BUCKET) {
        s->tokens += back;
        return EMQX_TLS_OK;
    }
    if (s->holder[ticket[1]] != ticket[2])
        return EMQX_TLS_OK;
    s->holder[ticket[1]] = 0;
    if (back)
        s->release_ms[ticket[1]] = now;
    else if (n->kind != NAIVE_STAMP_AT_SEND)
        s->release_ms[ticket[1]] =
            now + held_ms(n) + (outcome == EMQX_TLS_OUTCOME_LOST ? LATE_MS : 0);
    return EMQX_TLS_OK;
}

static emqx_tls_code query(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id, (void)quota, (void)error;
    abort(); /* the model does not ask */
}

static bool open_naive(emqx_tls_store *store, const emqx_tls_limiter_config *config,
                       naive_kind kind)
{
    naive *n = calloc(1, sizeof *n);
    if (!n)
        return false;
    n->kind = kind;
    n->config = *config;
    n->clock = *config->clock;
    emqx_tls_store_init(store);
    store->flags = config->flags;
    store->context = n;
    store->reserve = reserve;
    store->settle = settle;
    store->query = query;
    store->destroy = free;
    return true;
}

bool naive_right(emqx_tls_store *store, const emqx_tls_limiter_config *config)
{
    return open_naive(store, config, NAIVE_RIGHT);
}

bool naive_token_bucket(emqx_tls_store *store, const emqx_tls_limiter_config *config)
{
    return open_naive(store, config, NAIVE_TOKEN_BUCKET);
}

bool naive_stamp_at_send(emqx_tls_store *store, const emqx_tls_limiter_config *config)
{
    return open_naive(store, config, NAIVE_STAMP_AT_SEND);
}

bool naive_give_back_timeout(emqx_tls_store *store, const emqx_tls_limiter_config *config)
{
    return open_naive(store, config, NAIVE_GIVE_BACK_TIMEOUT);
}
