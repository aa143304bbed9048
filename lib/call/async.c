/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The asynchronous calls, for event loops.
 */
#include "call/client.h"

bool emqxi_submit_begin(emqxi_entry *entry, emqx_tls_client *client, emqx_tls_done_fn done)
{
    return emqxi_entry_begin(entry, client, true,
                             done ? NULL : "done is NULL: nobody would hear of the call's end");
}

emqx_tls_code emqxi_submit_end(const emqxi_entry *entry, emqx_tls_client *client,
                               emqx_tls_call **call, emqx_tls_error *error)
{
    if (call)
        *call = entry->call;
    return emqxi_entry_end(entry, client, error);
}

emqx_tls_code emqx_tls_submit(emqx_tls_client *client, uint32_t op, const char *deployment_id,
                              const emqx_tls_request *request, emqx_tls_done_fn done, void *user,
                              emqx_tls_call **call, emqx_tls_error *error)
{
    emqxi_entry entry;
    const emqxi_order order = {
        .op = op, .deployment_id = deployment_id, .request = request, .done = done, .user = user};
    if (emqxi_submit_begin(&entry, client, done))
        emqxi_operation_start(client, &order, &entry.call, &entry.error);
    return emqxi_submit_end(&entry, client, call, error);
}

void emqx_tls_call_result(const emqx_tls_call *call, emqx_tls_status *status, emqx_tls_error *error)
{
    if (!call)
        return;
    emqxi_output(status, &call->status, sizeof call->status);
    emqxi_error_out(error, &call->error);
}

void emqx_tls_cancel(emqx_tls_client *client, emqx_tls_call *call)
{
    emqxi_entry entry;
    if (emqxi_entry_begin(&entry, client, true, NULL) && call)
        emqxi_call_cancel(call);
    emqxi_entry_end(&entry, client, NULL);
}

emqx_tls_code emqx_tls_client_run(emqx_tls_client *client, int timeout_ms, emqx_tls_error *error)
{
    emqxi_entry entry;
    if (!emqxi_entry_begin(&entry, client, false, NULL))
        return emqxi_entry_end(&entry, client, error);
    int64_t end = timeout_ms < 0 ? -1 : emqxi_now(&client->clock) + timeout_ms, left = timeout_ms;
    uint64_t delivered = client->delivered;
    do {
        if (emqxi_turn(client, client->call_count ? left : 0, &entry.error) != EMQX_TLS_OK)
            break;
        if (atomic_exchange(&client->interrupted, false))
            emqxi_fail(&entry.error, EMQX_TLS_E_CANCELLED, "interrupted");
        if (timeout_ms >= 0 && (left = end - emqxi_now(&client->clock)) <= 0)
            break;
    } while (entry.error.code == EMQX_TLS_OK && client->call_count &&
             client->delivered == delivered);
    return emqxi_entry_end(&entry, client, error);
}

int emqx_tls_client_fd(emqx_tls_client *client)
{
    emqxi_entry entry;
    int fd = -1;
    if (emqxi_entry_begin(&entry, client, true, NULL)) {
        if (client->fd < 0)
            emqxi_fd_open(client);
        fd = client->fd;
    }
    emqxi_entry_end(&entry, client, NULL);
    return fd;
}

int64_t emqx_tls_client_next_ms(emqx_tls_client *client)
{
    emqxi_entry entry;
    int64_t ms = -1;
    if (emqxi_entry_begin(&entry, client, true, NULL))
        ms = emqxi_next_ms(client);
    emqxi_entry_end(&entry, client, NULL);
    return ms;
}

size_t emqx_tls_client_pending(const emqx_tls_client *client)
{
    return client ? client->pending : 0;
}
