/* SPDX-License-Identifier: MIT
 *
 * The steps of ensure: receipt, look, decide, write, look until it runs, probe.
 */
#include "provision/ensure.h"

#define LOCK_AGAIN_MS 100

/* -- the end ----------------------------------------------------------------------------------- */

static void fill_result(emqxi_ensure *e)
{
    e->result.reads = e->job.reads;
    e->result.writes = e->job.writes;
    e->result.expire_offset_s = emqxi_ensure_zone(e);
}

static void let_go(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    fill_result(e);
    emqxi_wipe_free(&job->call.client->allocator, e->body, e->body_len);
    e->body = NULL;
    emqxi_probe_free(e->probe);
    e->probe = NULL;
    emqxi_receipt_close(&e->file);
    e->locked = false;
}

static void release(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    emqxi_free(&job->call.client->allocator, e->receipt_dir);
    emqxi_free(&job->call.client->allocator, e->probe_host);
}

/* What is wanted is there, or on its way. */
static void succeed(emqxi_ensure *e, bool certain)
{
    bool proven = e->evidence == EMQXI_PROBE_PROVES;
    if (proven && !emqxi_ensure_dry(e) && emqxi_ensure_record(e) != EMQXI_RECORD_OURS)
        emqxi_ensure_done(e);
    if (e->result.action == EMQX_TLS_ACTION_NONE)
        e->result.action = EMQX_TLS_ACTION_UNCHANGED;
    e->result.certain = proven || (certain && e->receipt_dir && !e->unsaved);
    emqxi_job_end(&e->job, EMQX_TLS_OK, "%s", "");
}

static void end_locked(emqxi_job *job)
{
    const emqxi_ensure *e = (const emqxi_ensure *)job;
    emqxi_job_end(job, EMQX_TLS_E_STORE,
                  "another ensure of deployment %s holds the lock in receipt_dir %s: wait for it, "
                  "or see whether it was stopped",
                  job->deployment_id, e->receipt_dir);
}

/* Of a write that was accepted and does not show, for the message. */
static const char *which(const emqxi_ensure *e)
{
    const emqx_tls_status *s = &e->job.call.status;
    if (s->state != EMQX_TLS_STATE_RUNNING)
        return "";
    return emqxi_compare(s, &e->wanted, emqxi_ensure_zone(e)) == EMQXI_DIFFERENT
               ? " with the certificate before it"
               : ", and with which certificate can't be told yet";
}

static void late(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    bool stopped = job->sub_op != EMQX_TLS_OP_GET && job->answer.code == EMQX_TLS_E_CANCELLED;
    bool writing = stopped && job->answer.delivery != EMQX_TLS_DELIVERY_NOT_SENT;
    if (stopped && !writing)
        emqxi_ensure_undo(e);
    if (e->lost)
        job->answer.delivery = e->trial.delivery;
    if (e->receipt_dir && !e->locked && !emqxi_ensure_dry(e))
        end_locked(job);
    else if (!job->seen)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over, and the status of deployment %s could not be read",
                      job->deployment_id);
    else if (writing || e->lost)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over before a write to deployment %s was answered: call again, "
                      "it reads first",
                      job->deployment_id);
    else if (e->probe_error.code != EMQX_TLS_OK)
        emqxi_job_end(job, e->probe_error.code, "deployment %s runs by its status, but %s",
                      job->deployment_id, e->probe_error.message);
    else if (e->accepted)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over: deployment %s took the write, but is still %s%s",
                      job->deployment_id, emqxi_job_state(job), which(e));
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over: deployment %s is still %s, nothing was written; call again",
                      job->deployment_id, emqxi_job_state(job));
}

/* -- deciding ---------------------------------------------------------------------------------- */

static void refuse_earlier(emqxi_ensure *e)
{
    const emqx_tls_status *s = &e->job.call.status;
    int32_t zone;
    const char *hint = "";
    if (emqxi_zone_of(s, &e->wanted, emqxi_ensure_zone(e), &zone))
        hint = " (a time zone away: if it is the same one and the platform tells another zone than "
               "UTC, set "
               "expire_offset_s)";
    emqxi_job_end(&e->job, EMQX_TLS_E_CHECK,
                  "the certificate would end before the one in place, which ends at %s%s; set "
                  "ALLOW_EARLIER to replace it all "
                  "the same",
                  s->expire_text, hint);
}

/* Something is to be waited for that may take minutes. */
static void wait_for(emqxi_ensure *e, const char *why)
{
    emqxi_job *job = &e->job;
    if (emqxi_ensure_dry(e))
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
    else if (emqxi_job_waits(job))
        emqxi_job_poll(job, INT64_MAX, emqxi_ensure_look);
    else if (e->lost)
        emqxi_ensure_end_in_doubt(e);
    else
        emqxi_job_end(
            job, EMQX_TLS_E_TIMEOUT,
            "deployment %s is %s%s: nothing was written; call again later, or with wait_ms",
            job->deployment_id, emqxi_job_state(job), why);
}

static void act(emqxi_ensure *e, const emqxi_facts *f, const emqxi_decision *d)
{
    emqxi_job *job = &e->job;
    switch (d->verdict) {
    case EMQXI_IN_PLACE:
        e->last_step = true;
        if (e->probe_host && !e->matched && !emqxi_ensure_dry(e)) {
            emqxi_job_poll_anew(job);
            emqxi_ensure_probe(job);
        } else {
            succeed(e, d->certain);
        }
        break;
    case EMQXI_COMING:
        if (emqxi_ensure_dry(e) || (!emqxi_job_waits(job) && !e->lost))
            succeed(e, d->certain);
        else
            wait_for(e, "");
        break;
    case EMQXI_UNCLEAR:
        wait_for(e, ", and it can't be told with which certificate");
        break;
    case EMQXI_LEAVING:
        if (emqxi_ensure_dry(e))
            e->result.action = EMQX_TLS_ACTION_CREATED;
        wait_for(e, ", that is, being deleted");
        break;
    case EMQXI_CREATE:
    case EMQXI_UPDATE:
        emqxi_ensure_write(e, f, d);
        break;
    case EMQXI_UNSURE:
        if (emqxi_job_now(job) < e->doubt_until)
            emqxi_ensure_in_doubt(e);
        else
            emqxi_ensure_end_in_doubt(e);
        break;
    case EMQXI_EARLIER:
        refuse_earlier(e);
        break;
    case EMQXI_ILLEGIBLE:
        emqxi_job_end(job, EMQX_TLS_E_INVALID,
                      "whether deployment %s has this certificate can't be told: its leaf can't be "
                      "read (is the build without "
                      "OpenSSL?); set FORCE to write it all the same",
                      job->deployment_id);
        break;
    case EMQXI_BROKEN:
        emqxi_job_end(job, EMQX_TLS_E_FAILED,
                      "the platform took the certificate for deployment %s and put it into "
                      "\"failed\": check it, then call "
                      "again",
                      job->deployment_id);
        break;
    case EMQXI_VANISHED:
        emqxi_job_end(job, EMQX_TLS_E_NOT_FOUND,
                      "deployment %s took the certificate, and has none any more: somebody deleted "
                      "it; call again",
                      job->deployment_id);
    }
}

void emqxi_ensure_judge(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqx_tls_status *s = &job->call.status;
    int32_t zone = emqxi_ensure_zone(e);
    emqxi_facts facts = {
        .state = s->state,
        .flags = e->flags,
        .likeness = emqxi_compare(s, &e->wanted, zone),
        .record = emqxi_ensure_record(e),
        .fresh = emqxi_ensure_is_fresh(e),
        .before = e->accepted ? e->before : e->receipt.before,
        .probe = e->evidence,
        .readable = e->wanted.readable,
        .earlier = emqxi_earlier(s, &e->wanted, zone),
        .accepted = e->accepted,
        .settled = e->settled,
        .lost = e->lost,
        .before_failed = e->before_failed,
    };
    emqxi_decision d = emqxi_decide(&facts);
    if (d.carried_out) {
        if (e->lost) {
            emqxi_ensure_carried_out(e);
            e->settled = true;
        }
        if (!emqxi_ensure_dry(e))
            emqxi_ensure_done(e);
    }
    e->last_step = false;
    if (d.probe_helps && d.verdict != EMQXI_IN_PLACE && e->probe_host && !e->probed &&
        !emqxi_ensure_dry(e))
        emqxi_ensure_probe(job);
    else
        act(e, &facts, &d);
}

/* -- looking ----------------------------------------------------------------------------------- */

static void on_unread(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    if (emqxi_job_reads_again(job)) {
        emqxi_job_poll(job, INT64_MAX, emqxi_ensure_look);
        return;
    }
    emqxi_error error = job->answer;
    if (e->lost) {
        error.delivery = e->trial.delivery;
        emqxi_fail(
            &error, error.code,
            "a write to deployment %s may have been carried out, and its status can't be read: %s",
            job->deployment_id, job->answer.message);
    }
    emqxi_job_end_as(job, &error);
}

static void on_status(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    if (!emqxi_job_has_read(job)) {
        on_unread(e);
        return;
    }
    emqxi_ensure_forget_probe(e);
    bool over = emqxi_job_now(job) - e->written_at >= EMQXI_STRAY_MS;
    if (e->accepted && (job->call.status.state != EMQX_TLS_STATE_RUNNING || over))
        e->settled = true;
    emqxi_ensure_learn_zone(e, &job->call.status, false);
    emqxi_ensure_judge(job);
}

void emqxi_ensure_look(emqxi_job *job)
{
    emqxi_job_read(job, on_status);
}

/* -- the receipt ------------------------------------------------------------------------------- */

static void load(emqxi_ensure *e)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    if (emqxi_ensure_load(e, &error) != EMQX_TLS_OK)
        emqxi_job_end_as(&e->job, &error);
    else
        emqxi_ensure_look(&e->job);
}

static void try_lock(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    bool busy;
    emqxi_error error;
    emqxi_error_clear(&error);
    if (emqxi_receipt_lock(&e->file, &busy, &error) != EMQX_TLS_OK) {
        emqxi_job_end_as(job, &error);
    } else if (!busy) {
        e->locked = true;
        load(e);
    } else if (!emqxi_job_waits(job) &&
               emqxi_job_now(job) - job->begun >= job->call.client->timeout_ms) {
        end_locked(job);
    } else {
        emqxi_job_pause(job, LOCK_AGAIN_MS, try_lock);
    }
}

static void begin(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    emqxi_error error;
    emqxi_error_clear(&error);
    emqxi_ensure_forget_probe(e);
    if (!e->receipt_dir)
        emqxi_ensure_look(job);
    else if (emqxi_receipt_open(&e->file, e->receipt_dir, job->deployment_id, &error) !=
             EMQX_TLS_OK)
        emqxi_job_end_as(job, &error);
    else if (emqxi_ensure_dry(e))
        load(e);
    else
        try_lock(job);
}

const emqxi_job_kind emqxi_ensure_kind = {
    .name = "ensure", .first = begin, .late = late, .let_go = let_go, .release = release};
