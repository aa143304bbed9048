/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Without provision there are the four requests, and what is made of them is the caller's.
 */
#include "base/base.h"

#include <emqxtls/provision.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

static emqx_tls_code left_out(emqx_tls_status *status, emqx_tls_call **call, emqx_tls_error *error)
{
    if (status && emqxi_output_ok(status))
        emqx_tls_status_init_size(status, status->size);
    if (call)
        *call = NULL;
    return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                        "this build of libemqxtls has no provision: no ensure, wait, remove or "
                        "probe; use emqx_tls_get, _create, _update and _delete");
}

emqx_tls_code emqx_tls_ensure(emqx_tls_client *client, const char *deployment_id,
                              const emqx_tls_request *request,
                              const emqx_tls_ensure_options *options,
                              emqx_tls_ensure_result *result, emqx_tls_status *status,
                              emqx_tls_error *error)
{
    emqx_tls_call_ensure_result(NULL, result);
    return left_out(status, NULL, error);
}

emqx_tls_code emqx_tls_wait(emqx_tls_client *client, const char *deployment_id,
                            const emqx_tls_request *expected, uint32_t wait_ms,
                            emqx_tls_status *status, emqx_tls_error *error)
{
    return left_out(status, NULL, error);
}

emqx_tls_code emqx_tls_remove(emqx_tls_client *client, const char *deployment_id, uint32_t wait_ms,
                              emqx_tls_error *error)
{
    return left_out(NULL, NULL, error);
}

emqx_tls_code emqx_tls_submit_ensure(emqx_tls_client *client, const char *deployment_id,
                                     const emqx_tls_request *request,
                                     const emqx_tls_ensure_options *options, emqx_tls_done_fn done,
                                     void *user, emqx_tls_call **call, emqx_tls_error *error)
{
    return left_out(NULL, call, error);
}

emqx_tls_code emqx_tls_submit_wait(emqx_tls_client *client, const char *deployment_id,
                                   const emqx_tls_request *expected, uint32_t wait_ms,
                                   emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                                   emqx_tls_error *error)
{
    return left_out(NULL, call, error);
}

emqx_tls_code emqx_tls_submit_remove(emqx_tls_client *client, const char *deployment_id,
                                     uint32_t wait_ms, emqx_tls_done_fn done, void *user,
                                     emqx_tls_call **call, emqx_tls_error *error)
{
    return left_out(NULL, call, error);
}

void emqx_tls_call_ensure_result(const emqx_tls_call *call, emqx_tls_ensure_result *result)
{
    emqxi_output(result, &(emqx_tls_ensure_result){.size = sizeof *result}, sizeof *result);
}

emqx_tls_code emqx_tls_probe(const char *host, uint32_t port, const char *server_name,
                             const emqx_tls_request *expected, uint32_t timeout_ms,
                             emqx_tls_probe_result *result, emqx_tls_error *error)
{
    emqxi_output(result, &(emqx_tls_probe_result){.size = sizeof *result}, sizeof *result);
    return left_out(NULL, NULL, error);
}
