/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/check.h>

void emqx_tls_policy_init_size(emqx_tls_policy *p, size_t caller_size)
{
    static const emqx_tls_policy defaults = {
        .size = sizeof defaults,
        .min_days_left = 60,
        .algorithm = EMQX_TLS_REFUSE,
        .ca_algorithm = EMQX_TLS_REFUSE,
        .days_left = EMQX_TLS_REFUSE,
        .chain_order = EMQX_TLS_REFUSE,
        .chain_incomplete = EMQX_TLS_REFUSE,
        .root_included = EMQX_TLS_WARN,
        .client_ca = EMQX_TLS_REFUSE,
    };
    if (emqxi_init(p, caller_size))
        emqxi_output(p, &defaults, sizeof defaults);
}

void emqx_tls_finding_init_size(emqx_tls_finding *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}
