/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Without libcurl the caller brings the transport.
 */
#include "transport/transport.h"

emqx_tls_code emqxi_curl_transport(const emqxi_curl_options *options, emqx_tls_transport *out,
                                   emqxi_error *error)
{
    (void)options;
    (void)out;
    return emqxi_fail(error, EMQX_TLS_E_INVALID,
                      "this build of libemqxtls has no libcurl: set config.transport");
}
