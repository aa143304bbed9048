/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#ifndef EMQXI_REDIS_STORE_H
#define EMQXI_REDIS_STORE_H

#include "limiter/store.h"

/* Opens the store alone, as emqx_tls_limiter_open_redis does; `settings` are what it made of
 * `config`. */
emqx_tls_code emqxi_redis_open(const char *url, const char *prefix,
                               const emqx_tls_limiter_config *config, emqx_tls_store *store,
                               emqxi_settings *settings, emqx_tls_error *error);

#endif
