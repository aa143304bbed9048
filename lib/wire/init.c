/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/values.h>

void emqx_tls_request_init_size(emqx_tls_request *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

void emqx_tls_status_init_size(emqx_tls_status *p, size_t caller_size)
{
    const emqx_tls_status empty = {.size = sizeof empty, .expire = INT64_MIN};
    if (emqxi_init(p, caller_size))
        emqxi_output(p, &empty, sizeof empty);
}
