/* SPDX-License-Identifier: MIT
 *
 * wait: polls until the certificate runs.
 */
#include "provision/decide.h"
#include "provision/job.h"

#include <string.h>

#include "check/check.h"

typedef struct waiting {
    emqxi_job job;
    bool any; /* nothing is expected */
    emqxi_identity wanted;
} waiting;

static void look(emqxi_job *job);

/* What a status that is no success says, for the message. */
static const char *hint(const waiting *w)
{
    const emqx_tls_status *s = &w->job.call.status;
    int32_t zone;
    if (s->state != EMQX_TLS_STATE_RUNNING)
        return "";
    if (emqxi_zone_of(s, &w->wanted, 0, &zone) && zone != 0)
        return ", with an `expire` that is a time zone away: the platform may tell it in another "
               "one than UTC, so wait "
               "for "
               "any certificate, or use ensure with expire_offset_s";
    return " with another certificate than the expected one";
}

static void late(emqxi_job *job)
{
    const waiting *w = (const waiting *)job;
    if (!job->seen)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over, and the status of deployment %s could not be read",
                      job->deployment_id);
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT, "wait_ms is over: deployment %s is still %s%s",
                      job->deployment_id, emqxi_job_state(job), hint(w));
}

static void poll_again(emqxi_job *job)
{
    if (emqxi_job_waits(job))
        emqxi_job_poll(job, INT64_MAX, look);
    else
        late(job);
}

static void on_status(emqxi_job *job)
{
    const waiting *w = (const waiting *)job;
    const emqx_tls_status *s = &job->call.status;
    if (!emqxi_job_has_read(job)) {
        if (emqxi_job_reads_again(job))
            poll_again(job);
        else
            emqxi_job_end_as(job, &job->answer);
    } else if (s->state == EMQX_TLS_STATE_ABSENT) {
        emqxi_job_end(job, EMQX_TLS_E_NOT_FOUND,
                      "deployment %s has no certificate, or is not there: nothing to wait for",
                      job->deployment_id);
    } else if (s->state == EMQX_TLS_STATE_FAILED) {
        emqxi_job_end(job, EMQX_TLS_E_FAILED,
                      "the platform put the certificate of deployment %s into \"failed\": check it "
                      "and write it again",
                      job->deployment_id);
    } else if (s->state == EMQX_TLS_STATE_RUNNING &&
               (w->any || emqxi_compare(s, &w->wanted, 0) != EMQXI_DIFFERENT)) {
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
    } else {
        poll_again(job);
    }
}

static void look(emqxi_job *job)
{
    emqxi_job_read(job, on_status);
}

static void nothing(emqxi_job *job)
{
    (void)job;
}

static const emqxi_job_kind wait_kind = {
    .name = "wait", .first = look, .late = late, .let_go = nothing, .release = nothing};

static emqx_tls_code take_expected(emqxi_identity *wanted, const emqx_tls_request *given,
                                   emqxi_error *error)
{
    emqx_tls_request r;
    if (!emqxi_input_ok(given, sizeof r, sizeof r))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected was not set up: call emqx_tls_request_init first");
    emqxi_input_copy(&r, given, sizeof r);
    if (r.type != EMQX_TLS_TYPE_ONE_WAY && r.type != EMQX_TLS_TYPE_TWO_WAY)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected.type is %u: use EMQX_TLS_TYPE_ONE_WAY or _TWO_WAY",
                          (unsigned)r.type);
    emqxi_identity_of_leaf(r.cert, r.cert ? r.cert_len : 0, wanted);
    wanted->type = r.type;
    if (!wanted->readable)
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "expected.cert can't be read (PEM, leaf first; it needs a build with OpenSSL)");
    return EMQX_TLS_OK;
}

static emqx_tls_code start(emqx_tls_client *client, const char *deployment_id,
                           const emqx_tls_request *expected, uint32_t wait_ms,
                           emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                           emqxi_error *error)
{
    emqxi_identity wanted = {0};
    if (expected) {
        emqx_tls_code code = take_expected(&wanted, expected, error);
        if (code != EMQX_TLS_OK)
            return code;
    }
    waiting *w = emqxi_zalloc(&client->allocator, sizeof *w);
    if (!w)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    w->any = !expected;
    w->wanted = wanted;
    emqx_tls_code code =
        emqxi_job_start(client, &w->job, &wait_kind, deployment_id, wait_ms, done, user, error);
    *call = code == EMQX_TLS_OK ? &w->job.call : NULL;
    return code;
}

emqx_tls_code emqx_tls_submit_wait(emqx_tls_client *client, const char *deployment_id,
                                   const emqx_tls_request *expected, uint32_t wait_ms,
                                   emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                                   emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_submit_begin(&entry, client, done))
        start(client, deployment_id, expected, wait_ms, done, user, &entry.call, &entry.error);
    return emqxi_submit_end(&entry, client, call, error);
}

emqx_tls_code emqx_tls_wait(emqx_tls_client *client, const char *deployment_id,
                            const emqx_tls_request *expected, uint32_t wait_ms,
                            emqx_tls_status *status, emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_blocking_begin(&entry, client, status) &&
        start(client, deployment_id, expected, wait_ms, emqxi_blocking_done, &entry, &entry.call,
              &entry.error) == EMQX_TLS_OK)
        emqxi_blocking_drive(&entry, client);
    return emqxi_entry_end(&entry, client, error);
}
