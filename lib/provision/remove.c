/* SPDX-License-Identifier: MIT
 *
 * remove: reads, deletes what is there, waits until it is gone.
 */
#include "provision/job.h"

typedef struct removal {
    emqxi_job job;
    bool deleted;     /* the platform took the DELETE, or was deleting already */
    bool lost;        /* whether the DELETE was carried out is not known */
    bool refused;     /* the DELETE was answered with 404: is there really nothing? */
    emqxi_error told; /* how it ended then */
} removal;

static void look(emqxi_job *job);

static void late(emqxi_job *job)
{
    const removal *r = (const removal *)job;
    if (r->lost)
        /* of the DELETE, not of the read that came last */
        job->answer.delivery = EMQX_TLS_DELIVERY_MAYBE;
    if (!job->seen)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over, and the status of deployment %s could not be read",
                      job->deployment_id);
    else if (r->deleted)
        emqxi_job_end(
            job, EMQX_TLS_E_TIMEOUT,
            "wait_ms is over: the certificate of deployment %s is being deleted, but is still %s",
            job->deployment_id, emqxi_job_state(job));
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over: deployment %s is still %s, and whether it will be deleted "
                      "is not known; call again",
                      job->deployment_id, emqxi_job_state(job));
}

static void wait_until_gone(emqxi_job *job)
{
    const removal *r = (const removal *)job;
    if (emqxi_job_waits(job))
        emqxi_job_poll(job, INT64_MAX, look);
    else if (r->lost)
        emqxi_job_end_as(job, &r->told);
    else
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
}

static void on_deleted(emqxi_job *job)
{
    removal *r = (removal *)job;
    r->told = job->answer;
    if (job->answer.code == EMQX_TLS_E_NOT_FOUND) {
        r->refused = true;
        look(job);
        return;
    }
    if (job->answer.code != EMQX_TLS_OK && emqxi_job_refused(job)) {
        emqxi_job_end_as(job, &job->answer);
        return;
    }
    r->deleted = job->answer.code == EMQX_TLS_OK;
    r->lost = !r->deleted;
    emqxi_job_poll_anew(job);
    wait_until_gone(job);
}

static void judge(emqxi_job *job)
{
    static const emqxi_order deletion = {.op = EMQX_TLS_OP_DELETE};
    removal *r = (removal *)job;
    uint32_t state = job->call.status.state;
    if (state == EMQX_TLS_STATE_ABSENT) {
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
    } else if (state == EMQX_TLS_STATE_TERMINATED) {
        r->deleted = true;
        r->lost = false;
        wait_until_gone(job);
    } else if (r->refused) {
        emqxi_job_end(job, EMQX_TLS_E_NOT_FOUND,
                      "deployment %s is %s, but its DELETE was answered with 404: call again",
                      job->deployment_id, emqxi_job_state(job));
    } else if (r->deleted || r->lost) {
        wait_until_gone(job);
    } else {
        emqxi_job_write(job, &deletion, on_deleted);
    }
}

static void on_status(emqxi_job *job)
{
    if (emqxi_job_has_read(job)) {
        judge(job);
        return;
    }
    if (emqxi_job_reads_again(job))
        emqxi_job_poll(job, INT64_MAX, look);
    else
        emqxi_job_end_as(job, &job->answer);
}

static void look(emqxi_job *job)
{
    emqxi_job_read(job, on_status);
}

static void nothing(emqxi_job *job)
{
    (void)job;
}

static const emqxi_job_kind remove_kind = {
    .name = "remove", .first = look, .late = late, .let_go = nothing, .release = nothing};

static emqx_tls_code start(emqx_tls_client *client, const char *deployment_id, uint32_t wait_ms,
                           emqx_tls_done_fn done, void *user, emqx_tls_call **call,
                           emqxi_error *error)
{
    removal *r = emqxi_zalloc(&client->allocator, sizeof *r);
    if (!r)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    emqx_tls_code code =
        emqxi_job_start(client, &r->job, &remove_kind, deployment_id, wait_ms, done, user, error);
    *call = code == EMQX_TLS_OK ? &r->job.call : NULL;
    return code;
}

emqx_tls_code emqx_tls_submit_remove(emqx_tls_client *client, const char *deployment_id,
                                     uint32_t wait_ms, emqx_tls_done_fn done, void *user,
                                     emqx_tls_call **call, emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_submit_begin(&entry, client, done))
        start(client, deployment_id, wait_ms, done, user, &entry.call, &entry.error);
    return emqxi_submit_end(&entry, client, call, error);
}

emqx_tls_code emqx_tls_remove(emqx_tls_client *client, const char *deployment_id, uint32_t wait_ms,
                              emqx_tls_error *error)
{
    emqxi_entry entry;
    if (emqxi_blocking_begin(&entry, client, NULL) &&
        start(client, deployment_id, wait_ms, emqxi_blocking_done, &entry, &entry.call,
              &entry.error) == EMQX_TLS_OK)
        emqxi_blocking_drive(&entry, client);
    return emqxi_entry_end(&entry, client, error);
}
