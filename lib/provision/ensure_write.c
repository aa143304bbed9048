/* SPDX-License-Identifier: MIT
 *
 * The writes of ensure: when one may leave, and what its end means.
 */
#include "provision/ensure.h"

#define TRIES_MAX 2

/* How the last write ended, as far as it is known. */
void emqxi_ensure_end_in_doubt(emqxi_ensure *e)
{
    emqxi_job_end_as(&e->job, &e->trial);
}

static bool before_send(void *user, int64_t lease_ms, emqxi_error *error)
{
    return emqxi_ensure_intend(user, lease_ms, error) == EMQX_TLS_OK;
}

/* The write is known to have been carried out: no other follows. */
void emqxi_ensure_carried_out(emqxi_ensure *e)
{
    e->accepted = true;
    e->lost = false;
    e->result.action =
        e->write_op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
    emqxi_wipe_free(&e->job.call.client->allocator, e->body, e->body_len);
    e->body = NULL;
}

static void on_accepted(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    job->call.status = job->reply;
    if (job->reply.state == EMQX_TLS_STATE_ABSENT) /* {}: nothing was told */
        job->call.status.state = EMQX_TLS_STATE_UNKNOWN;
    emqxi_ensure_carried_out(e);
    e->settled = job->reply.state == EMQX_TLS_STATE_RUNNING || e->before_failed;
    emqxi_ensure_learn_zone(e, &job->reply, true);
    emqxi_ensure_done(e);
    emqxi_job_poll_anew(job);
    emqxi_ensure_judge(job);
}

static void on_lost(emqxi_ensure *e)
{
    e->lost = true;
    e->doubt_until = emqxi_job_now(&e->job) + EMQXI_STRAY_MS;
    emqxi_job_poll_anew(&e->job);
    if (emqxi_job_waits(&e->job))
        emqxi_job_poll(&e->job, EMQXI_STRAY_MS, emqxi_ensure_look);
    else
        emqxi_ensure_look(&e->job);
}

static void on_written(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqxi_error *a = &job->answer;
    e->trial = *a;
    e->written_at = emqxi_job_now(job);
    e->tries += a->delivery != EMQX_TLS_DELIVERY_NOT_SENT;
    if (a->code == EMQX_TLS_OK) {
        on_accepted(e);
        return;
    }
    if (!emqxi_job_refused(job)) {
        on_lost(e);
        return;
    }
    emqxi_ensure_undo(e);
    e->lost = false;
    e->misjudged = (a->http_status == 422 && e->write_op == EMQX_TLS_OP_CREATE) ||
                   (a->http_status == 404 && e->write_op == EMQX_TLS_OP_UPDATE);
    if (e->misjudged && e->tries < TRIES_MAX)
        emqxi_ensure_look(job);
    else
        emqxi_job_end_as(job, a);
}

/* May this write follow those of this call? After a lost one it has been decided on because it is
 * not there. */
static bool may_follow(const emqxi_ensure *e, uint32_t op)
{
    if (e->tries == 0)
        return true;
    return e->tries < TRIES_MAX && (e->lost || (e->misjudged && op != e->write_op));
}

void emqxi_ensure_in_doubt(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    int64_t left = e->doubt_until - emqxi_job_now(job);
    if (emqxi_job_waits(job))
        emqxi_job_poll(job, left, emqxi_ensure_look);
    else if (e->lost)
        emqxi_ensure_end_in_doubt(e);
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "a write of an earlier ensure of deployment %s may still arrive: call again "
                      "in %lld s, or with wait_ms",
                      job->deployment_id, (long long)((left + 999) / 1000));
}

void emqxi_ensure_write(emqxi_ensure *e, const emqxi_facts *f, const emqxi_decision *d)
{
    emqxi_job *job = &e->job;
    uint32_t op = d->verdict == EMQXI_CREATE ? EMQX_TLS_OP_CREATE : EMQX_TLS_OP_UPDATE;
    if (emqxi_ensure_dry(e)) {
        e->result.action =
            op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
        return;
    }
    if (!may_follow(e, op)) {
        emqxi_ensure_end_in_doubt(e);
        return;
    }
    if (emqxi_job_now(job) < e->doubt_until) {
        emqxi_ensure_in_doubt(e);
        return;
    }
    bool alike = f->state != EMQX_TLS_STATE_ABSENT && f->likeness != EMQXI_DIFFERENT;
    bool finished = f->state == EMQX_TLS_STATE_RUNNING || f->state == EMQX_TLS_STATE_FAILED;
    e->before = !alike     ? EMQXI_BEFORE_DIFFERENT
                : finished ? EMQXI_BEFORE_ALIKE
                           : EMQXI_BEFORE_ALIKE_UNFINISHED;
    e->before_failed = f->state == EMQX_TLS_STATE_FAILED;
    e->write_op = op;
    emqxi_ensure_forget_probe(e); /* it told of what was before */
    emqxi_order order = {
        .op = op, .body = e->body, .body_len = e->body_len, .before_send = before_send};
    emqxi_job_write(job, &order, on_written);
}
