/* SPDX-License-Identifier: MIT
 *
 * ensure: the arguments, and the blocking and asynchronous forms.
 */
#include "provision/ensure.h"

#include <string.h>

#include "call/request.h"

static emqx_tls_code take_options(emqx_tls_ensure_options *o, const emqx_tls_ensure_options *given,
                                  emqxi_error *error)
{
    const uint32_t known = EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER | EMQX_TLS_DRY_RUN;
    emqx_tls_ensure_options_init(o);
    if (given && !emqxi_input_ok(given, sizeof *o, sizeof *o))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "options was not set up (call emqx_tls_ensure_options_init first), or "
                          "sets what this version lacks");
    if (given)
        emqxi_input_copy(o, given, sizeof *o);
    if (o->flags & ~known)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "options.flags has a bit that this version does not know");
    if (o->expire_offset_s < -EMQXI_ZONE_MAX || o->expire_offset_s > EMQXI_ZONE_MAX)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "options.expire_offset_s must be -50400 to 50400 (14 h)");
    if (o->probe_port > 65535)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "options.probe_port is %u: give 1 to 65535",
                          (unsigned)o->probe_port);
    if ((o->receipt_dir && !*o->receipt_dir) || (o->probe_host && !*o->probe_host))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "options.receipt_dir or .probe_host is empty: give NULL for none");
    if (o->probe_host && strlen(o->probe_host) > EMQXI_PROBE_NAME_MAX)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "options.probe_host has more than %d bytes",
                          EMQXI_PROBE_NAME_MAX);
    if ((o->receipt_dir || o->probe_host) && !emqxi_probe_available)
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "receipts and probe need a build of libemqxtls with OpenSSL: this one has none");
    return EMQX_TLS_OK;
}

static bool take_strings(emqxi_ensure *e, const emqx_tls_ensure_options *o)
{
    const emqx_tls_allocator *a = &e->job.call.client->allocator;
    e->receipt_dir = o->receipt_dir ? emqxi_strdup(a, o->receipt_dir) : NULL;
    e->probe_host = o->probe_host ? emqxi_strdup(a, o->probe_host) : NULL;
    return (e->receipt_dir || !o->receipt_dir) && (e->probe_host || !o->probe_host);
}

static emqx_tls_code start(emqx_tls_client *client, const char *deployment_id,
                           const emqx_tls_request *request, const emqx_tls_ensure_options *given,
                           emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                           emqxi_error *error)
{
    emqx_tls_ensure_options o;
    emqx_tls_code code = take_options(&o, given, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqxi_ensure *e = emqxi_zalloc(&client->allocator, sizeof *e);
    if (!e)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    e->job.call.client = client;
    e->job.kind = &emqxi_ensure_kind;
    e->file.folder = e->file.lock = -1;
    e->flags = o.flags;
    e->option_offset_s = o.expire_offset_s;
    e->probe_port = o.probe_port ? o.probe_port : 8883;
    e->result.size = sizeof e->result;
    code = emqxi_request_body(client, request, o.policy, &e->body, &e->body_len, &e->wanted, error);
    if (code == EMQX_TLS_OK && !e->wanted.readable && (o.receipt_dir || o.probe_host))
        code = emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "receipts and probe need a certificate that can be read");
    if (code == EMQX_TLS_OK && !take_strings(e, &o))
        code = emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    if (code != EMQX_TLS_OK) {
        emqxi_job_free(&e->job);
        return code;
    }
    code = emqxi_job_start(client, &e->job, &emqxi_ensure_kind, deployment_id, o.wait_ms, done,
                           user, error);
    if (code == EMQX_TLS_OK)
        *call = &e->job.call;
    return code;
}

emqx_tls_code emqx_tls_submit_ensure(emqx_tls_client *client, const char *deployment_id,
                                     const emqx_tls_request *request,
                                     const emqx_tls_ensure_options *options, emqx_tls_done_fn done,
                                     void *user, emqx_tls_call **call, emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_submit_begin(&entry, client, done))
        start(client, deployment_id, request, options, done, user, &entry.call, &entry.error);
    return emqxi_submit_end(&entry, client, call, error);
}

void emqx_tls_call_ensure_result(const emqx_tls_call *call, emqx_tls_ensure_result *result)
{
    emqx_tls_ensure_result own = {.size = sizeof own};
    const emqxi_ensure *e = (const emqxi_ensure *)emqxi_job_of(call, &emqxi_ensure_kind);
    if (e)
        own = e->result;
    emqxi_output(result, &own, sizeof own);
}

typedef struct blocking {
    emqxi_entry entry; /* the first member: emqxi_blocking_done takes it */
    emqx_tls_ensure_result result;
} blocking;

static void blocking_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    blocking *b = user;
    b->result = ((const emqxi_ensure *)call)->result;
    emqxi_blocking_done(&b->entry, call, code);
}

emqx_tls_code emqx_tls_ensure(emqx_tls_client *client, const char *deployment_id,
                              const emqx_tls_request *request,
                              const emqx_tls_ensure_options *options,
                              emqx_tls_ensure_result *result, emqx_tls_status *status,
                              emqx_tls_error *error)
{
    blocking b = {.result = {.size = sizeof b.result}};
    bool ready = emqxi_blocking_begin(&b.entry, client, status);
    if (ready && !emqxi_output_ok(result)) {
        emqxi_fail(&b.entry.error, EMQX_TLS_E_INVALID,
                   "result was not set up: call emqx_tls_ensure_result_init first");
        ready = false;
    }
    if (ready && start(client, deployment_id, request, options, blocking_done, &b, &b.entry.call,
                       &b.entry.error) == EMQX_TLS_OK)
        emqxi_blocking_drive(&b.entry, client);
    emqxi_output(result, &b.result, sizeof b.result);
    return emqxi_entry_end(&b.entry, client, error);
}
