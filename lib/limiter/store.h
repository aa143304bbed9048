/* SPDX-License-Identifier: MIT
 *
 * store - what the library's own quota stores share: settings that were looked over, classes and
 * scopes.
 */
#ifndef EMQXI_STORE_H
#define EMQXI_STORE_H

#include "limiter/core.h"

#define EMQXI_CLASSES 4

typedef struct emqxi_settings {
    uint32_t flags;
    uint32_t reads, writes;
    uint64_t window_ms;
    emqx_tls_clock clock;
    emqx_tls_allocator allocator;
} emqxi_settings;

/* Looks a configuration over and copies it; NULL gives the defaults. INVALID: the message names the
 * member. */
emqx_tls_code emqxi_settings_take(emqxi_settings *settings, const emqx_tls_limiter_config *config,
                                  emqx_tls_error *error);

/* The class that an EMQX_TLS_OP_* counts in, below EMQXI_CLASSES: 0 is the reads. */
uint32_t emqxi_class(uint32_t flags, uint32_t op);

/* The limits of a class. */
void emqxi_class_limits(const emqxi_settings *settings, uint32_t class, emqxi_limits *limits);

/* The scope that an operation counts in: its class and, with PER_DEPLOYMENT, a hash of the
 * deployment's name under a random key. Two names with one hash would share a quota, which is
 * stricter, never looser. */
uint64_t emqxi_scope(uint32_t flags, const uint8_t hash_key[16], uint32_t op,
                     const char *deployment_id);

/* A random key for it. */
void emqxi_random_key(uint8_t key[16]);

/* The store in this process's memory. False: no memory. */
bool emqxi_memory_open(emqx_tls_store *store, const emqxi_settings *settings);

#endif
