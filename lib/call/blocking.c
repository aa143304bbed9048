/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The four blocking calls: start an operation and turn the client's loop until it is over.
 */
#include "call/client.h"

bool emqxi_blocking_begin(emqxi_entry *entry, emqx_tls_client *client, emqx_tls_status *status)
{
    bool set_up = emqxi_output_ok(status);
    if (status && set_up)
        emqx_tls_status_init_size(status, status->size);
    entry->status = status;
    return emqxi_entry_begin(entry, client, false,
                             set_up ? NULL
                                    : "status was not set up: call emqx_tls_status_init first");
}

void emqxi_blocking_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    emqxi_entry *entry = user;
    (void)code;
    entry->over = true;
    entry->error = call->error;
    emqxi_output(entry->status, &call->status, sizeof call->status);
}

void emqxi_blocking_drive(emqxi_entry *entry, emqx_tls_client *client)
{
    emqx_tls_call *call = entry->call;
    while (!entry->over) {
        emqxi_error error;
        emqx_tls_code code = emqxi_turn(client, -1, &error);
        if (entry->over)
            break;
        bool freed = atomic_load(&client->inside) & EMQXI_TO_BE_FREED;
        if (code != EMQX_TLS_OK || freed || atomic_exchange(&client->interrupted, false))
            emqxi_call_cancel(call);
        /* else it was over already */
        if (code != EMQX_TLS_OK && call->error.code == EMQX_TLS_E_CANCELLED)
            emqxi_fail(&call->error, code, "%s", error.message);
    }
}

static emqx_tls_code run_blocking(emqx_tls_client *client, uint32_t op, const char *deployment_id,
                                  const emqx_tls_request *request, emqx_tls_status *status,
                                  emqx_tls_error *error)
{
    emqxi_entry entry;
    const emqxi_order order = {.op = op,
                               .deployment_id = deployment_id,
                               .request = request,
                               .done = emqxi_blocking_done,
                               .user = &entry};
    if (emqxi_blocking_begin(&entry, client, status) &&
        emqxi_operation_start(client, &order, &entry.call, &entry.error) == EMQX_TLS_OK)
        emqxi_blocking_drive(&entry, client);
    return emqxi_entry_end(&entry, client, error);
}

emqx_tls_code emqx_tls_get(emqx_tls_client *client, const char *deployment_id,
                           emqx_tls_status *status, emqx_tls_error *error)
{
    return run_blocking(client, EMQX_TLS_OP_GET, deployment_id, NULL, status, error);
}

emqx_tls_code emqx_tls_create(emqx_tls_client *client, const char *deployment_id,
                              const emqx_tls_request *request, emqx_tls_status *status,
                              emqx_tls_error *error)
{
    return run_blocking(client, EMQX_TLS_OP_CREATE, deployment_id, request, status, error);
}

emqx_tls_code emqx_tls_update(emqx_tls_client *client, const char *deployment_id,
                              const emqx_tls_request *request, emqx_tls_status *status,
                              emqx_tls_error *error)
{
    return run_blocking(client, EMQX_TLS_OP_UPDATE, deployment_id, request, status, error);
}

emqx_tls_code emqx_tls_delete(emqx_tls_client *client, const char *deployment_id,
                              emqx_tls_error *error)
{
    return run_blocking(client, EMQX_TLS_OP_DELETE, deployment_id, NULL, NULL, error);
}
