/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Without the file store a quota is kept in memory, or in a store of the caller's.
 */
#include "base/base.h"

#include <emqxtls/limiter.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

emqx_tls_code emqx_tls_limiter_open_file(const char *path, const emqx_tls_limiter_config *config,
                                         emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    if (limiter)
        *limiter = NULL;
    return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                        "this build of libemqxtls has no file store: use emqx_tls_limiter_new, or "
                        "a store of your own");
}
