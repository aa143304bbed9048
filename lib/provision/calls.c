/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The calls of ensure, wait and remove: their arguments, their blocking and asynchronous forms.
 */
#include "provision/job.h"

#include <string.h>

#define PORT 8883 /* MQTT over TLS */

/* What was called, with which arguments. */
typedef struct task {
    const emqxi_machine *machine;
    const char *deployment_id;
    const emqx_tls_request *request; /* of ensure; of wait what is expected */
    const emqx_tls_ensure_options *options;
    uint32_t wait_ms; /* of wait and remove */
    emqx_tls_done_fn done;
    void *user;
    emqx_tls_ensure_result *result; /* of a blocking call */
} task;

/* -- arguments --------------------------------------------------------------------------------- */

static const char *options_problem(const emqx_tls_ensure_options *o)
{
    if (o->flags & ~(EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER | EMQX_TLS_DRY_RUN))
        return "flags has a bit that this version does not know";
    if (o->expire_offset_s < -EMQXI_ZONE_MAX || o->expire_offset_s > EMQXI_ZONE_MAX)
        return "expire_offset_s must be -50400 to 50400 (14 h)";
    if ((o->receipt_dir && !*o->receipt_dir) || (o->probe_host && !*o->probe_host))
        return "receipt_dir or .probe_host is empty: give NULL for none";
    if (o->probe_host && strlen(o->probe_host) > EMQXI_PROBE_NAME_MAX)
        return "probe_host has more than 255 bytes";
    return NULL;
}

static emqx_tls_code take_options(emqx_tls_ensure_options *o, const emqx_tls_ensure_options *given,
                                  emqxi_error *error)
{
    emqx_tls_ensure_options_init(o);
    if (given && !emqxi_input_take(o, given, sizeof *o, sizeof *o))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "options was not set up (call emqx_tls_ensure_options_init first), or "
                          "sets what this version lacks");
    const char *problem = options_problem(o);
    if (problem)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "options.%s", problem);
    if (o->probe_port > 65535)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "options.probe_port is %u: give 1 to 65535",
                          (unsigned)o->probe_port);
    if ((o->receipt_dir || o->probe_host) && !emqxi_probe_available)
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "receipts and probe need a build of libemqxtls with OpenSSL: this one has none");
    return EMQX_TLS_OK;
}

static emqx_tls_code set_up_ensure(emqxi_job *job, const task *t, emqx_tls_ensure_options *o,
                                   emqxi_error *error)
{
    const emqx_tls_allocator *a = &job->call.client->allocator;
    emqx_tls_code code = take_options(o, t->options, error);
    if (code == EMQX_TLS_OK)
        code = emqxi_request_body(job->call.client, t->request, o->policy, &job->body,
                                  &job->body_len, &job->wanted, error);
    if (code != EMQX_TLS_OK)
        return code;
    if (!job->wanted.identity.readable && (o->receipt_dir || o->probe_host))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "receipts and probe need a certificate that can be read");
    job->receipt_dir = o->receipt_dir ? emqxi_strdup(a, o->receipt_dir) : NULL;
    job->target.host = o->probe_host ? emqxi_strdup(a, o->probe_host) : NULL;
    job->target.port = o->probe_port ? o->probe_port : PORT;
    if ((o->receipt_dir && !job->receipt_dir) || (o->probe_host && !job->target.host))
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    job->state.ensure = (emqxi_ensure){
        .watch.then = o->receipt_dir ? EMQXI_ACT_LOAD : EMQXI_ACT_READ,
        .wanted = &job->wanted.identity,
        .barred = job->wanted.advice.barred,
        .flags = o->flags,
        .keeps_receipts = o->receipt_dir != NULL,
        .probes = o->probe_host != NULL,
        .zone_s = o->expire_offset_s,
    };
    return EMQX_TLS_OK;
}

static emqx_tls_code set_up_wait(emqxi_job *job, const task *t, emqxi_error *error)
{
    emqxi_identity *wanted = &job->wanted.identity;
    if (!t->request)
        return EMQX_TLS_OK;
    job->state.wait.wanted = wanted;
    emqx_tls_code code = emqxi_expected_leaf(t->request, wanted, error);
    if (code == EMQX_TLS_OK && wanted->type != EMQX_TLS_TYPE_ONE_WAY &&
        wanted->type != EMQX_TLS_TYPE_TWO_WAY)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected.type is %u: use EMQX_TLS_TYPE_ONE_WAY or _TWO_WAY",
                          (unsigned)wanted->type);
    return code;
}

static bool start(emqx_tls_client *client, const task *t, emqxi_entry *entry)
{
    emqx_tls_ensure_options o = {.wait_ms = t->wait_ms};
    emqx_tls_code code = EMQX_TLS_OK;
    emqxi_job *job = emqxi_job_new(client, t->machine);
    if (!job) {
        emqxi_fail(&entry->error, EMQX_TLS_E_NO_MEMORY, "out of memory");
        return false;
    }
    if (t->machine == &emqxi_ensure_machine)
        code = set_up_ensure(job, t, &o, &entry->error);
    else if (t->machine == &emqxi_wait_machine)
        code = set_up_wait(job, t, &entry->error);
    if (code == EMQX_TLS_OK) {
        job->result = t->result;
        code = emqxi_job_start(job, t->deployment_id, o.wait_ms, t->done, t->user, &entry->error);
    }
    if (code == EMQX_TLS_OK)
        entry->call = &job->call;
    else
        emqxi_job_free(job);
    return code == EMQX_TLS_OK;
}

/* -- forms ------------------------------------------------------------------------------------- */

static emqx_tls_code submit(emqx_tls_client *client, const task *t, emqx_tls_call **call,
                            emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_submit_begin(&entry, client, t->done))
        start(client, t, &entry);
    return emqxi_submit_end(&entry, client, call, error);
}

static emqx_tls_code block(emqx_tls_client *client, task *t, emqx_tls_ensure_result *result,
                           emqx_tls_status *status, emqx_tls_error *error)
{
    emqx_tls_ensure_result own = {.size = sizeof own};
    emqxi_entry entry;
    t->done = emqxi_blocking_done;
    t->user = &entry;
    t->result = &own;
    if (emqxi_blocking_begin(&entry, client, status)) {
        if (!emqxi_output_ok(result))
            emqxi_fail(&entry.error, EMQX_TLS_E_INVALID,
                       "result was not set up: call emqx_tls_ensure_result_init first");
        else if (start(client, t, &entry))
            emqxi_blocking_drive(&entry, client);
    }
    emqxi_output(result, &own, sizeof own);
    return emqxi_entry_end(&entry, client, error);
}

emqx_tls_code emqx_tls_ensure(emqx_tls_client *client, const char *deployment_id,
                              const emqx_tls_request *request,
                              const emqx_tls_ensure_options *options,
                              emqx_tls_ensure_result *result, emqx_tls_status *status,
                              emqx_tls_error *error)
{
    task t = {&emqxi_ensure_machine, deployment_id, .request = request, .options = options};
    return block(client, &t, result, status, error);
}

emqx_tls_code emqx_tls_wait(emqx_tls_client *client, const char *deployment_id,
                            const emqx_tls_request *expected, uint32_t wait_ms,
                            emqx_tls_status *status, emqx_tls_error *error)
{
    task t = {&emqxi_wait_machine, deployment_id, .request = expected, .wait_ms = wait_ms};
    return block(client, &t, NULL, status, error);
}

emqx_tls_code emqx_tls_remove(emqx_tls_client *client, const char *deployment_id, uint32_t wait_ms,
                              emqx_tls_error *error)
{
    task t = {&emqxi_remove_machine, deployment_id, .wait_ms = wait_ms};
    return block(client, &t, NULL, NULL, error);
}

emqx_tls_code emqx_tls_submit_ensure(emqx_tls_client *client, const char *deployment_id,
                                     const emqx_tls_request *request,
                                     const emqx_tls_ensure_options *options, emqx_tls_done_fn done,
                                     void *user, emqx_tls_call **call, emqx_tls_error *error)
{
    task t = {&emqxi_ensure_machine, deployment_id, .request = request,
              .options = options,    .done = done,  .user = user};
    return submit(client, &t, call, error);
}

emqx_tls_code emqx_tls_submit_wait(emqx_tls_client *client, const char *deployment_id,
                                   const emqx_tls_request *expected, uint32_t wait_ms,
                                   emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                                   emqx_tls_error *error)
{
    task t = {&emqxi_wait_machine, deployment_id, .request = expected,
              .wait_ms = wait_ms,  .done = done,  .user = user};
    return submit(client, &t, call, error);
}

emqx_tls_code emqx_tls_submit_remove(emqx_tls_client *client, const char *deployment_id,
                                     uint32_t wait_ms, emqx_tls_done_fn done, void *user,
                                     emqx_tls_call **call, emqx_tls_error *error)
{
    task t = {&emqxi_remove_machine, deployment_id, .wait_ms = wait_ms, .done = done, .user = user};
    return submit(client, &t, call, error);
}

void emqx_tls_call_ensure_result(const emqx_tls_call *call, emqx_tls_ensure_result *result)
{
    emqx_tls_ensure_result own;
    emqxi_job_result(call, &own);
    emqxi_output(result, &own, sizeof own);
}
