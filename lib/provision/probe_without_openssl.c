/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/probe.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

const bool emqxi_probe_available = false;

emqx_tls_code emqxi_probe_start(const emqx_tls_allocator *a, const emqxi_probe_target *target,
                                emqxi_probe **probe, emqxi_error *error)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID,
                      "this build of libemqxtls has no OpenSSL, so it can't probe");
}

bool emqxi_probe_step(emqxi_probe *probe, int64_t now_ms, emqxi_identity *leaf, emqxi_error *error)
{
    return true;
}

void emqxi_probe_wait(const emqxi_probe *probe, int ms)
{
}

void emqxi_probe_free(emqxi_probe *probe)
{
}
