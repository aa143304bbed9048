/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/check.h>

EMQXI_INIT_SIZE(policy, .min_days_left = 60, .algorithm = EMQX_TLS_REFUSE,
                .ca_algorithm = EMQX_TLS_REFUSE, .days_left = EMQX_TLS_REFUSE,
                .chain_order = EMQX_TLS_REFUSE, .chain_incomplete = EMQX_TLS_REFUSE,
                .root_included = EMQX_TLS_WARN, .client_ca = EMQX_TLS_REFUSE)
EMQXI_INIT_SIZE(finding, )
