/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/provision.h>

void emqx_tls_ensure_options_init_size(emqx_tls_ensure_options *p, size_t caller_size)
{
    const emqx_tls_ensure_options defaults = {.size = sizeof defaults, .probe_port = 8883};
    if (emqxi_init(p, caller_size))
        emqxi_output(p, &defaults, sizeof defaults);
}

void emqx_tls_ensure_result_init_size(emqx_tls_ensure_result *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

void emqx_tls_probe_result_init_size(emqx_tls_probe_result *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}
