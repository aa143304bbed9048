/* SPDX-License-Identifier: MIT
 *
 * The steps of ensure: receipt, look, decide, write, look until it runs, probe.
 */
#include "provision/ensure.h"

#include <string.h>

#define LOCK_AGAIN_MS 100
#define PROBE_STEP_MS 20
#define TRIES_MAX     2

static void try_lock(emqxi_job *job);
static void look(emqxi_job *job);
static void judge(emqxi_job *job);
static void start_probe(emqxi_job *job);

static bool dry(const emqxi_ensure *e)
{
    return e->flags & EMQX_TLS_DRY_RUN;
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

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
    if (proven && !dry(e) && emqxi_ensure_record(e) != EMQXI_RECORD_OURS)
        emqxi_ensure_done(e);
    if (e->result.action == EMQX_TLS_ACTION_NONE)
        e->result.action = EMQX_TLS_ACTION_UNCHANGED;
    e->result.certain = proven || (certain && e->receipt_dir && !e->unsaved);
    emqxi_job_end(&e->job, EMQX_TLS_OK, "%s", "");
}

/* How the last write ended, as far as it is known. */
static void end_in_doubt(emqxi_ensure *e)
{
    emqxi_job_end_as(&e->job, &e->trial);
}

static void end_locked(emqxi_job *job)
{
    const emqxi_ensure *e = (const emqxi_ensure *)job;
    emqxi_job_end(
        job, EMQX_TLS_E_STORE,
        "another ensure of deployment %s holds the lock in receipt_dir %s: wait for it, or see whether it was stopped",
        job->deployment_id, e->receipt_dir);
}

static void late(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    bool writing = job->sub_op != EMQX_TLS_OP_GET && job->answer.code == EMQX_TLS_E_CANCELLED;
    if (writing && job->answer.delivery == EMQX_TLS_DELIVERY_NOT_SENT)
        emqxi_ensure_undo(e);
    if (e->lost)
        job->answer.delivery = e->trial.delivery;
    if (e->receipt_dir && !e->locked && !dry(e))
        end_locked(job);
    else if (!job->seen)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT, "wait_ms is over, and the status of deployment %s could not be read",
                      job->deployment_id);
    else if (writing || e->lost)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over before a write to deployment %s was answered: call again, it reads first",
                      job->deployment_id);
    else if (e->probe_error.code != EMQX_TLS_OK)
        emqxi_job_end(job, e->probe_error.code, "deployment %s runs by its status, but %s", job->deployment_id,
                      e->probe_error.message);
    else if (e->accepted)
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT, "wait_ms is over: deployment %s took the write, but is still %s%s",
                      job->deployment_id, emqxi_job_state(job),
                      job->call.status.state == EMQX_TLS_STATE_RUNNING ? " with the certificate before it" : "");
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "wait_ms is over: deployment %s is still %s, nothing was written; call again", job->deployment_id,
                      emqxi_job_state(job));
}

/* -- writing ------------------------------------------------------------------------------------------------------------ */

static bool departing(void *user, int64_t lease_ms, emqx_tls_error *error)
{
    return emqxi_ensure_intend(user, lease_ms, error) == EMQX_TLS_OK;
}

/* The write is known to have been carried out: no other follows. */
static void carried_out(emqxi_ensure *e)
{
    e->accepted = true;
    e->lost = false;
    e->result.action = e->write_op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
    emqxi_wipe_free(&e->job.call.client->allocator, e->body, e->body_len);
    e->body = NULL;
}

static void on_accepted(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    job->call.status = job->reply;
    if (job->reply.state == EMQX_TLS_STATE_ABSENT) /* {}: nothing was told */
        job->call.status.state = EMQX_TLS_STATE_UNKNOWN;
    carried_out(e);
    e->settled = job->reply.state == EMQX_TLS_STATE_RUNNING || e->before_failed;
    emqxi_ensure_learn_zone(e, &job->reply, true);
    emqxi_ensure_done(e);
    emqxi_job_poll_anew(job);
    judge(job);
}

static void on_lost(emqxi_ensure *e)
{
    e->lost = true;
    e->doubt_until = emqxi_job_now(&e->job) + EMQXI_ARRIVAL_MS;
    emqxi_job_poll_anew(&e->job);
    if (emqxi_job_waits(&e->job))
        emqxi_job_poll(&e->job, EMQXI_ARRIVAL_MS, look);
    else
        look(&e->job);
}

static void on_written(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqx_tls_error *a = &job->answer;
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
        look(job);
    else
        emqxi_job_end_as(job, a);
}

/* May this write follow those of this call? */
static bool may_follow(const emqxi_ensure *e, uint32_t op, bool shown)
{
    if (e->tries == 0)
        return true;
    return e->tries < TRIES_MAX && ((e->lost && shown) || (e->misjudged && op != e->write_op));
}

static void write_in_doubt(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    int64_t left = e->doubt_until - emqxi_job_now(job);
    if (emqxi_job_waits(job))
        emqxi_job_poll(job, left, look);
    else if (e->lost)
        end_in_doubt(e);
    else
        emqxi_job_end(
            job, EMQX_TLS_E_TIMEOUT,
            "a write of an earlier ensure of deployment %s may still arrive: call again in %lld s, or with wait_ms",
            job->deployment_id, (long long)((left + 999) / 1000));
}

static void write_now(emqxi_ensure *e, const emqxi_facts *f, const emqxi_decision *d)
{
    emqxi_job *job = &e->job;
    emqxi_sub sub = {.body = e->body, .body_len = e->body_len, .departing = departing};
    uint32_t op = d->verdict == EMQXI_CREATE ? EMQX_TLS_OP_CREATE : EMQX_TLS_OP_UPDATE;
    if (dry(e)) {
        e->result.action = op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
        return;
    }
    if (!may_follow(e, op, d->shown)) {
        end_in_doubt(e);
        return;
    }
    if (emqxi_job_now(job) < e->doubt_until) {
        write_in_doubt(e);
        return;
    }
    bool alike = f->state != EMQX_TLS_STATE_ABSENT && f->likeness != EMQXI_DIFFERENT;
    bool finished = f->state == EMQX_TLS_STATE_RUNNING || f->state == EMQX_TLS_STATE_FAILED;
    e->before = !alike ? EMQXI_BEFORE_DIFFERENT : finished ? EMQXI_BEFORE_ALIKE : EMQXI_BEFORE_ALIKE_UNFINISHED;
    e->before_failed = f->state == EMQX_TLS_STATE_FAILED;
    e->write_op = op;
    emqxi_job_write(job, op, &sub, on_written);
}

/* -- probing ------------------------------------------------------------------------------------------------------------ */

static void forget_probe(emqxi_ensure *e)
{
    e->probed = e->matched = false;
    e->evidence = EMQXI_PROBE_SILENT;
    emqxi_error_clear(&e->probe_error);
}

/* The probe was no proof, for the reason in probe_error. */
static void no_proof(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    if (!e->last_step)
        judge(job);
    else if (emqxi_job_waits(job))
        emqxi_job_poll(job, INT64_MAX, start_probe);
    else
        emqxi_job_end(job, e->probe_error.code, "deployment %s runs by its status, but %s", job->deployment_id,
                      e->probe_error.message);
}

static void on_served(emqxi_ensure *e, const emqxi_leaf *leaf)
{
    emqxi_job *job = &e->job;
    emqxi_wanted served = {.type = e->wanted.type, .readable = true, .not_after = leaf->not_after};
    bool first = !e->probed;
    e->probed = true;
    e->matched = memcmp(leaf->sha256, e->leaf_sha256, sizeof leaf->sha256) == 0;
    if (e->matched) {
        /* Of two-way the port does not show the client CA. */
        if (e->wanted.type == EMQX_TLS_TYPE_ONE_WAY)
            e->evidence = EMQXI_PROBE_PROVES;
        judge(job);
        return;
    }
    emqxi_fail(&e->probe_error, EMQX_TLS_E_TIMEOUT, "%s port %u serves another certificate (its name is \"%s\")",
               e->probe_host, (unsigned)e->probe_port, leaf->common_name);
    /* Only a leaf that looks like the status tells something of this deployment: another one may be another server's. */
    if (first && emqxi_compare(&job->call.status, &served, emqxi_ensure_zone(e)) == EMQXI_SAME) {
        e->evidence = EMQXI_PROBE_DISPROVES;
        judge(job);
        return;
    }
    no_proof(e);
}

static void step_probe(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    emqx_tls_code code;
    emqxi_leaf leaf;
    if (!emqxi_probe_step(e->probe, emqxi_job_now(job), &code, &leaf, &e->probe_error)) {
        emqxi_job_pause(job, PROBE_STEP_MS, step_probe);
        return;
    }
    emqxi_probe_free(e->probe);
    e->probe = NULL;
    if (code == EMQX_TLS_OK) {
        on_served(e, &leaf);
        return;
    }
    e->probed = true;
    no_proof(e);
}

static void start_probe(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqx_tls_client *client = job->call.client;
    int64_t deadline = EMQXI_MIN(emqxi_add(emqxi_job_now(job), client->timeout_ms), job->deadline);
    emqx_tls_error error;
    emqxi_error_clear(&error);
    if (emqxi_probe_start(&client->allocator, e->probe_host, e->probe_port, NULL, deadline, &e->probe, &error) !=
        EMQX_TLS_OK)
        emqxi_job_end(job, error.code, "%s", error.message);
    else
        step_probe(job);
}

/* -- deciding ----------------------------------------------------------------------------------------------------------- */

static void refuse_earlier(emqxi_ensure *e)
{
    const emqx_tls_status *s = &e->job.call.status;
    int32_t zone;
    const char *hint = "";
    if (emqxi_zone_of(s, &e->wanted, &zone))
        hint = " (by whole quarter hours: if it is the same one and the platform tells another zone than UTC, set "
               "expire_offset_s)";
    emqxi_job_end(
        &e->job, EMQX_TLS_E_CHECK,
        "the certificate would end before the one in place, which ends at %s%s; set ALLOW_EARLIER to replace it all "
        "the same",
        s->expire_text, hint);
}

/* Something is to be waited for that may take minutes. */
static void wait_for(emqxi_ensure *e, const char *why)
{
    emqxi_job *job = &e->job;
    if (dry(e))
        emqxi_job_end(job, EMQX_TLS_OK, "%s", "");
    else if (emqxi_job_waits(job))
        emqxi_job_poll(job, INT64_MAX, look);
    else if (e->lost)
        end_in_doubt(e);
    else
        emqxi_job_end(job, EMQX_TLS_E_TIMEOUT,
                      "deployment %s is %s%s: nothing was written; call again later, or with wait_ms",
                      job->deployment_id, emqxi_job_state(job), why);
}

static void act(emqxi_ensure *e, const emqxi_facts *f, const emqxi_decision *d)
{
    emqxi_job *job = &e->job;
    switch (d->verdict) {
    case EMQXI_IN_PLACE:
        e->last_step = true;
        if (e->probe_host && !e->matched && !dry(e))
            start_probe(job);
        else
            succeed(e, d->certain);
        break;
    case EMQXI_COMING:
        if (dry(e) || (!emqxi_job_waits(job) && !e->lost))
            succeed(e, d->certain);
        else
            wait_for(e, "");
        break;
    case EMQXI_UNCLEAR:
        wait_for(e, ", and it can't be told with which certificate");
        break;
    case EMQXI_LEAVING:
        if (dry(e))
            e->result.action = EMQX_TLS_ACTION_CREATED;
        wait_for(e, ", that is, being deleted");
        break;
    case EMQXI_CREATE:
    case EMQXI_UPDATE:
        write_now(e, f, d);
        break;
    case EMQXI_UNSURE:
        if (emqxi_job_now(job) < e->doubt_until)
            write_in_doubt(e);
        else
            end_in_doubt(e);
        break;
    case EMQXI_EARLIER:
        refuse_earlier(e);
        break;
    case EMQXI_ILLEGIBLE:
        emqxi_job_end(
            job, EMQX_TLS_E_INVALID,
            "whether deployment %s has this certificate can't be told: its leaf can't be read (is the build without "
            "OpenSSL?); set FORCE to write it all the same",
            job->deployment_id);
        break;
    case EMQXI_BROKEN:
        emqxi_job_end(
            job, EMQX_TLS_E_FAILED,
            "the platform took the certificate for deployment %s and put it into \"failed\": check it, then call "
            "again",
            job->deployment_id);
        break;
    case EMQXI_VANISHED:
        emqxi_job_end(job, EMQX_TLS_E_NOT_FOUND,
                      "deployment %s took the certificate, and has none any more: somebody deleted it; call again",
                      job->deployment_id);
    }
}

static void judge(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqx_tls_status *s = &job->call.status;
    int32_t zone = emqxi_ensure_zone(e);
    emqxi_facts facts = {
        .state = s->state,
        .flags = e->flags,
        .likeness = emqxi_compare(s, &e->wanted, zone),
        .record = emqxi_ensure_record(e),
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
            carried_out(e);
            e->settled = true;
        }
        if (!dry(e))
            emqxi_ensure_done(e);
    }
    e->last_step = false;
    if (d.probe_helps && d.verdict != EMQXI_IN_PLACE && e->probe_host && !e->probed && !dry(e))
        start_probe(job);
    else
        act(e, &facts, &d);
}

/* -- looking ------------------------------------------------------------------------------------------------------------ */

static void on_unread(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    bool again = emqxi_job_waits(job) && emqxi_job_worth_repeating(job) &&
                 (job->seen || job->answer.code == EMQX_TLS_E_RATE_LIMITED);
    if (again) {
        emqxi_job_poll(job, INT64_MAX, look);
        return;
    }
    emqx_tls_error error = job->answer;
    if (e->lost) {
        error.delivery = e->trial.delivery;
        emqxi_fail(&error, error.code,
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
    forget_probe(e);
    bool over = emqxi_job_now(job) - e->written_at >= EMQXI_ARRIVAL_MS;
    if (e->accepted && (job->call.status.state != EMQX_TLS_STATE_RUNNING || over))
        e->settled = true;
    emqxi_ensure_learn_zone(e, &job->call.status, false);
    judge(job);
}

static void look(emqxi_job *job)
{
    emqxi_job_read(job, on_status);
}

/* -- the receipt ---------------------------------------------------------------------------------------------------------- */

static void load(emqxi_ensure *e)
{
    emqx_tls_error error;
    emqxi_error_clear(&error);
    if (emqxi_ensure_load(e, &error) != EMQX_TLS_OK)
        emqxi_job_end_as(&e->job, &error);
    else
        look(&e->job);
}

static void try_lock(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    bool busy;
    emqx_tls_error error;
    emqxi_error_clear(&error);
    if (emqxi_receipt_lock(&e->file, &busy, &error) != EMQX_TLS_OK) {
        emqxi_job_end_as(job, &error);
    } else if (!busy) {
        e->locked = true;
        load(e);
    } else if (!emqxi_job_waits(job) && emqxi_job_now(job) - job->begun >= job->call.client->timeout_ms) {
        end_locked(job);
    } else {
        emqxi_job_pause(job, LOCK_AGAIN_MS, try_lock);
    }
}

static void begin(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    emqx_tls_error error;
    emqxi_error_clear(&error);
    forget_probe(e);
    if (!e->receipt_dir)
        look(job);
    else if (emqxi_receipt_open(&e->file, e->receipt_dir, job->deployment_id, &error) != EMQX_TLS_OK)
        emqxi_job_end_as(job, &error);
    else if (dry(e))
        load(e);
    else
        try_lock(job);
}

const emqxi_job_kind emqxi_ensure_kind = {
    .name = "ensure", .first = begin, .late = late, .let_go = let_go, .release = release};
