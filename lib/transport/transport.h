/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The default transport: libcurl behind the public vtable of emqxtls/transport.h.
 */
#ifndef EMQXI_TRANSPORT_H
#define EMQXI_TRANSPORT_H

#include "base/base.h"

#include <emqxtls/transport.h>

typedef struct emqxi_curl_options {
    const emqx_tls_allocator *allocator; /* copied */
    /* copied; libcurl's own timers do not use it, the deadline of a departure does */
    const emqx_tls_clock *clock;
    const char *ca_file; /* PEM file; NULL: the system's */
    const char *proxy;   /* URL; NULL: from the environment, read now; "": none */
} emqxi_curl_options;

/* Makes the transport; `out->destroy` gives it back. INVALID: ca_file can't be read. NO_MEMORY.
 * TRANSPORT: libcurl can't be set up. Any thread. `start` never calls done, `poll` does; start and
 * cancel may be called inside done. */
emqx_tls_code emqxi_curl_transport(const emqxi_curl_options *options, emqx_tls_transport *out,
                                   emqxi_error *error);

#endif
