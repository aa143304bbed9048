/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * naive - a store written as simply as can be, and the same one broken on purpose, to see that the
 * model finds what is broken.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include <emqxtls/limiter.h>

#include "model.h"

typedef enum naive_kind {
    NAIVE_RIGHT,
    NAIVE_TOKEN_BUCKET,     /* N tokens, refilled evenly, in place of a log */
    NAIVE_STAMP_AT_SEND,    /* the window begins when the request leaves */
    NAIVE_GIVE_BACK_TIMEOUT /* a request without an answer gives its slot back */
} naive_kind;

/* For world_setup.store. */
bool naive_right(emqx_tls_store *store, const emqx_tls_limiter_config *config);
bool naive_token_bucket(emqx_tls_store *store, const emqx_tls_limiter_config *config);
bool naive_stamp_at_send(emqx_tls_store *store, const emqx_tls_limiter_config *config);
bool naive_give_back_timeout(emqx_tls_store *store, const emqx_tls_limiter_config *config);

#endif
