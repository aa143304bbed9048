/* SPDX-License-Identifier: MIT
 *
 * The four blocking calls: start an operation and turn the client's loop until it is over.
 */
#include "call/client.h"

bool emqxi_blocking_begin(emqx_tls_client *client, const emqx_tls_status *status, emqxi_blocking *b)
{
    const char *problem = emqxi_client_enter(client, false);
    *b = (emqxi_blocking){.inside = !problem};
    emqx_tls_status_init(&b->status);
    emqxi_error_clear(&b->error);
    if (!problem && !emqxi_output_ok(status))
        problem = "status was not set up: call emqx_tls_status_init first";
    if (problem)
        emqxi_fail(&b->error, EMQX_TLS_E_INVALID, "%s", problem);
    return !problem;
}

void emqxi_blocking_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    emqxi_blocking *b = user;
    (void)code;
    b->over = true;
    b->status = call->status;
    b->error = call->error;
}

void emqxi_blocking_drive(emqx_tls_client *client, emqx_tls_call *call, emqxi_blocking *b)
{
    while (!b->over) {
        emqxi_error error;
        emqx_tls_code code = emqxi_turn(client, -1, &error);
        if (b->over)
            break;
        bool freed = atomic_load(&client->inside) & EMQXI_TO_BE_FREED;
        if (code != EMQX_TLS_OK || freed || atomic_exchange(&client->interrupted, false))
            emqxi_call_cancel(call);
        /* else it was over already */
        if (code != EMQX_TLS_OK && call->error.code == EMQX_TLS_E_CANCELLED)
            emqxi_fail(&call->error, code, "%s", error.message);
    }
    emqxi_arm(client); /* the turns have moved the asynchronous calls on too */
}

emqx_tls_code emqxi_blocking_end(const emqxi_blocking *b, emqx_tls_client *client,
                                 emqx_tls_status *status, emqx_tls_error *error)
{
    if (b->inside)
        emqxi_client_leave(client);
    emqxi_output(status, &b->status, sizeof b->status);
    return emqxi_error_out(error, &b->error);
}

static emqx_tls_code run_blocking(emqx_tls_client *client, uint32_t op, const char *deployment_id,
                                  const emqx_tls_request *request, emqx_tls_status *status,
                                  emqx_tls_error *error)
{
    emqxi_blocking b;
    emqx_tls_call *call;
    if (emqxi_blocking_begin(client, status, &b)) {
        emqxi_order order = {.op = op,
                             .deployment_id = deployment_id,
                             .request = request,
                             .done = emqxi_blocking_done,
                             .user = &b};
        if (emqxi_operation_start(client, &order, &call, &b.error) == EMQX_TLS_OK)
            emqxi_blocking_drive(client, call, &b);
    }
    return emqxi_blocking_end(&b, client, status, error);
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
