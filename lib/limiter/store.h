/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * store - what the library's own quota stores share: settings that were looked over, groups and
 * scopes, tickets, and the end of opening a limiter.
 */
#ifndef EMQXI_STORE_H
#define EMQXI_STORE_H

#include "limiter/core.h"

#define EMQXI_GROUPS 4

typedef struct emqxi_settings {
    uint32_t flags;
    emqxi_limits limits[2]; /* of reads, and of each group of writes */
    emqx_tls_clock clock;
    emqx_tls_allocator allocator;
} emqxi_settings;

/* What a store puts into a ticket. */
typedef struct emqxi_ticket {
    uint64_t scope;
    emqxi_flight flight;
    uint64_t epoch; /* the store's own: of which file it is, say; of the memory: 0 */
} emqxi_ticket;

/* Looks a configuration over and copies it; NULL gives the defaults. `own_flags`: what the store
 * knows besides PER_METHOD and PER_DEPLOYMENT. INVALID: the message names the member. */
emqx_tls_code emqxi_settings_take(emqxi_settings *settings, const emqx_tls_limiter_config *config,
                                  uint32_t own_flags, emqx_tls_error *error);

/* The group that an EMQX_TLS_OP_* counts in, below EMQXI_GROUPS: 0 is the reads. */
uint32_t emqxi_group(uint32_t flags, uint32_t op);

static inline const emqxi_limits *emqxi_group_limits(const emqxi_settings *s, uint32_t group)
{
    return &s->limits[group > 0];
}

/* The scope that an operation counts in: its group and, with PER_DEPLOYMENT, a hash of the
 * deployment's name under a random key. Two names with one hash would share a quota, which is
 * stricter, never looser. */
uint64_t emqxi_scope(uint32_t flags, const uint64_t hash_key[2], uint32_t op,
                     const char *deployment_id);
void emqxi_random_key(uint64_t key[2]);

/* A store that could not be asked, and why: where that may pass by itself it is busy, and the
 * caller asks again. */
emqx_tls_code emqxi_grant_none(emqx_tls_grant *grant, const emqxi_error *why,
                               emqx_tls_error *error);

/* How each way to open a limiter ends: `opened` is what came of opening the store. It is destroyed
 * if the limiter can't be made. */
emqx_tls_code emqxi_limiter_over(emqx_tls_code opened, const emqx_tls_store *store,
                                 const emqxi_settings *settings, emqx_tls_limiter **limiter,
                                 emqx_tls_error *error);

/* The store in this process's memory. Its tickets hold an emqxi_ticket whose scope is hashed under
 * this key; NULL: a random one. NO_MEMORY. */
emqx_tls_code emqxi_memory_open(emqx_tls_store *store, const emqxi_settings *settings,
                                const uint64_t hash_key[2], emqx_tls_error *error);

#endif
