/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/limiter.h>

void emqx_tls_limiter_config_init_size(emqx_tls_limiter_config *p, size_t caller_size)
{
    static const emqx_tls_limiter_config defaults = {
        .size = sizeof defaults, .reads = 60, .writes = 6, .window_ms = 3600000};
    emqxi_init(p, caller_size);
    emqxi_output(p, &defaults, sizeof defaults);
}

void emqx_tls_quota_init_size(emqx_tls_quota *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

void emqx_tls_store_init_size(emqx_tls_store *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}
