/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/job.h"

#include <string.h>

#define PROBE_STEP_MS 20

static int64_t job_now(const emqxi_job *job)
{
    return emqxi_now(&job->call.client->clock);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void drop_body(emqxi_job *job)
{
    emqxi_wipe_free(&job->call.client->allocator, job->body, job->body_len);
    job->body = NULL;
}

/* Lets go of all that is outside, and of secrets; may come twice. */
static void let_go(emqxi_job *job)
{
    drop_body(job);
    emqxi_probe_free(job->probe);
    job->probe = NULL;
    emqxi_receipt_close(&job->file);
    job->locked = false;
    if (job->result)
        emqxi_job_result(&job->call, job->result);
}

static void finish(emqxi_job *job, const emqxi_action *end)
{
    emqxi_error *e = &job->call.error;
    emqxi_job_tell(job, end, job_now(job), e);
    emqxi_log(job->call.client, e->code == EMQX_TLS_OK ? EMQX_TLS_LOG_INFO : EMQX_TLS_LOG_WARNING,
              "%s of %s ended with %s after %u reads and %u writes", job->machine->name,
              job->deployment_id, emqx_tls_code_name(e->code), (unsigned)job->reads,
              (unsigned)job->writes);
    let_go(job);
    emqxi_call_finish(&job->call);
}

/* -- the receipt ------------------------------------------------------------------------------- */

static void warn(const emqxi_job *job, const char *what, const char *why)
{
    emqxi_log(job->call.client, EMQX_TLS_LOG_WARNING, "ensure of %s: %s%s%s", job->deployment_id,
              what, why[0] ? ": " : "", why);
}

/* Brings the disk up to what the machine holds. */
static emqx_tls_code keep_receipt(emqxi_job *job, emqxi_error *error)
{
    const emqxi_receipt *r = &job->state.ensure.receipt;
    if (!job->locked || memcmp(r, &job->on_disk, sizeof *r) == 0)
        return EMQX_TLS_OK;
    emqx_tls_code code = emqxi_receipt_save(&job->file, r, error);
    job->unsaved = code != EMQX_TLS_OK;
    if (!job->unsaved)
        job->on_disk = *r;
    return code;
}

static emqxi_event unusable(emqxi_job *job, const emqxi_error *error)
{
    uint32_t attempts = job->answer.attempts;
    job->answer = *error;
    job->answer.attempts = attempts;
    return (emqxi_event){.type = EMQXI_EVENT_UNUSABLE, .error = &job->answer};
}

static emqxi_event load(emqxi_job *job)
{
    bool dry = job->state.ensure.flags & EMQX_TLS_DRY_RUN, busy = false, damaged = false;
    emqx_tls_code code = EMQX_TLS_OK;
    emqxi_error error;
    emqxi_error_clear(&error);
    if (job->file.folder < 0)
        code = emqxi_receipt_open(&job->file, &job->call.client->allocator, job->receipt_dir,
                                  job->deployment_id, &error);
    if (code == EMQX_TLS_OK && !dry)
        code = emqxi_receipt_lock(&job->file, &busy, &error);
    if (busy)
        return (emqxi_event){.type = EMQXI_EVENT_BUSY};
    if (code == EMQX_TLS_OK)
        code = emqxi_receipt_load(&job->file, &job->on_disk, &damaged, &error);
    if (code != EMQX_TLS_OK)
        return unusable(job, &error);
    if (damaged)
        warn(job, "the receipt is damaged and counts as none", "");
    job->locked = !dry;
    return (emqxi_event){.type = EMQXI_EVENT_LOADED, .receipt = &job->on_disk};
}

/* -- events ------------------------------------------------------------------------------------ */

static emqxi_action tell(emqxi_job *job, emqxi_event *event)
{
    event->now_ms = job_now(job);
    event->wall_s = emqxi_wall_s(job->call.client);
    emqxi_action action = emqxi_next(job->machine, &job->state.watch, event);
    job->call.status = job->state.watch.status;
    if (job->state.watch.fate >= EMQXI_FATE_ACCEPTED)
        drop_body(job);
    return action;
}

/* The operation is over: what that is to the machine. */
static emqxi_event take_answer(emqxi_job *job)
{
    const emqx_tls_call *o = job->operation;
    uint32_t attempts = job->answer.attempts;
    job->answer = o->error;
    job->answer.attempts += attempts;
    job->reply = o->status;
    job->operation = NULL;
    if (job->op != EMQX_TLS_OP_GET)
        job->written = job->answer;
    else if (job->answer.code == EMQX_TLS_E_NOT_FOUND)
        job->reply.state = EMQX_TLS_STATE_ABSENT;
    else if (job->answer.code != EMQX_TLS_OK && job->answer.code != EMQX_TLS_E_CANCELLED)
        job->unread = job->answer;
    *(job->op == EMQX_TLS_OP_GET ? &job->reads : &job->writes) += o->spent;
    bool unusable = job->op != EMQX_TLS_OP_GET && job->unsaved;
    return (emqxi_event){.type =
                             unusable ? EMQXI_EVENT_UNUSABLE : emqxi_outcome(job->op, &job->answer),
                         .status = &job->reply,
                         .error = &job->answer};
}

/* Ends the operation under way, if it is not over already. False: it is, and its end will be told
 * in this turn. */
static bool stop_operation(emqxi_job *job)
{
    if (job->operation->queue == &job->call.client->finished)
        return false;
    job->operation->done = NULL;
    emqxi_call_cancel(job->operation);
    return true;
}

static void run(emqxi_job *job, emqxi_event event);

static void operation_done(void *user, emqx_tls_call *operation, emqx_tls_code code)
{
    (void)operation;
    (void)code;
    run(user, take_answer(user));
}

/* The intent is on the disk before the write leaves. */
static bool before_send(void *user, int64_t lease_ms, emqxi_error *error)
{
    emqxi_event departing = {.type = EMQXI_EVENT_DEPARTING, .lease_ms = lease_ms};
    tell(user, &departing);
    return keep_receipt(user, error) == EMQX_TLS_OK;
}

/* -- actions: true where one has ended at once, with *event ------------------------------------ */

static uint32_t time_left(const emqxi_job *job, uint32_t at_most)
{
    int64_t left = job->state.watch.deadline_ms - job_now(job);
    return left < at_most ? (uint32_t)EMQXI_MAX(left, 0) : at_most;
}

static bool start_operation(emqxi_job *job, uint32_t op, emqxi_event *event)
{
    static const emqxi_error cut_off = {.code = EMQX_TLS_E_CANCELLED};
    emqxi_error error;
    emqx_tls_client *client = job->call.client;
    bool waits = emqxi_waits(&job->state.watch);
    bool puts = op == EMQX_TLS_OP_CREATE || op == EMQX_TLS_OP_UPDATE;
    emqxi_order order = {
        .op = op,
        .deployment_id = job->deployment_id,
        .body = puts ? job->body : NULL,
        .body_len = puts ? job->body_len : 0,
        .timeout_ms = time_left(job, client->timeout_ms),
        .quota_wait_ms = waits ? time_left(job, UINT32_MAX) : client->quota_wait_ms,
        .end_ms = job->state.watch.deadline_ms,
        .internal = true,
        .before_send = op == EMQX_TLS_OP_GET ? NULL : before_send,
        .done = operation_done,
        .user = job,
    };
    job->op = op;
    *event = (emqxi_event){.type = op == EMQX_TLS_OP_GET ? EMQXI_EVENT_UNREAD : EMQXI_EVENT_REFUSED,
                           .error = &cut_off};
    if (order.timeout_ms == 0)
        return true;
    emqxi_error_clear(&error);
    if (emqxi_operation_start(client, &order, &job->operation, &error) != EMQX_TLS_OK) {
        *event = unusable(job, &error);
        return true;
    }
    if (waits)
        emqxi_call_at(&job->call, job->state.watch.deadline_ms);
    return false;
}

static bool step_probe(emqxi_job *job, emqxi_event *event)
{
    const emqxi_probe_target *t = &job->target;
    if (!emqxi_probe_step(job->probe, job_now(job), &job->served, &job->probed)) {
        emqxi_call_at(&job->call, job_now(job) + PROBE_STEP_MS);
        return false;
    }
    emqxi_probe_free(job->probe);
    job->probe = NULL;
    *event = (emqxi_event){.type = EMQXI_EVENT_PROBED};
    if (job->probed.code != EMQX_TLS_OK)
        return true;
    event->served = &job->served;
    emqxi_fail(&job->probed, EMQX_TLS_E_TIMEOUT,
               "%s port %u serves another certificate (its name is \"%s\")", t->host,
               (unsigned)t->port, job->served.common_name);
    return true;
}

static bool start_probe(emqxi_job *job, emqxi_event *event)
{
    const emqx_tls_client *client = job->call.client;
    emqxi_error error;
    job->target.deadline_ms =
        EMQXI_MIN(job_now(job) + client->timeout_ms, job->state.watch.deadline_ms);
    emqxi_error_clear(&error);
    emqxi_error_clear(&job->probed);
    if (emqxi_probe_start(&client->allocator, &job->target, &job->probe, &error) == EMQX_TLS_OK)
        return step_probe(job, event);
    *event = unusable(job, &error);
    return true;
}

static void pause_job(emqxi_job *job, const emqxi_action *a)
{
    int64_t now = job_now(job), deadline = job->state.watch.deadline_ms, due = a->until_ms;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    if (a->poll) {
        bool known = !a->free && emqx_tls_limiter_query(job->call.client->limiter, EMQX_TLS_OP_GET,
                                                        job->deployment_id, &quota, NULL) == 0;
        due = EMQXI_MIN(
            due, now + emqxi_pace(a->poll, deadline - now, known ? &quota : NULL, emqxi_random()));
    }
    emqxi_call_at(&job->call, EMQXI_MIN(due, deadline));
}

static bool carry_out(emqxi_job *job, const emqxi_action *action, emqxi_event *event)
{
    switch (action->type) {
    case EMQXI_ACT_LOAD:
        *event = load(job);
        return true;
    case EMQXI_ACT_READ:
        return start_operation(job, EMQX_TLS_OP_GET, event);
    case EMQXI_ACT_WRITE:
        return start_operation(job, action->op, event);
    case EMQXI_ACT_PROBE:
        return start_probe(job, event);
    case EMQXI_ACT_PAUSE:
        pause_job(job, action);
        return false;
    case EMQXI_ACT_END:
        finish(job, action);
        return false;
    default:
        return false;
    }
}

static void run(emqxi_job *job, emqxi_event event)
{
    emqxi_action action;
    emqxi_error error;
    do {
        action = tell(job, &event);
        if (keep_receipt(job, &error) != EMQX_TLS_OK)
            warn(job,
                 job->state.ensure.receipt.state == EMQXI_RECEIPT_DONE
                     ? "the write was carried out, but the receipt could not be written"
                     : "nothing was written, but the receipt could not be put back",
                 error.message);
    } while (carry_out(job, &action, &event));
}

/* -- a type of call ---------------------------------------------------------------------------- */

static void advance(emqx_tls_call *call)
{
    emqxi_job *job = (emqxi_job *)call;
    bool begun = job->state.watch.doing != EMQXI_ACT_NOTHING;
    emqxi_event event = {.type = begun ? EMQXI_EVENT_TIME : EMQXI_EVENT_BEGUN};
    if (job->operation) {
        if (job_now(job) < job->state.watch.deadline_ms || !stop_operation(job))
            return;
        event = take_answer(job);
    } else if (job->probe && !step_probe(job, &event)) {
        return;
    }
    run(job, event);
}

static void stop(emqx_tls_call *call)
{
    emqxi_job *job = (emqxi_job *)call;
    if (job->operation) {
        if (!stop_operation(job)) /* over, but nobody was told yet */
            job->operation->done = NULL;
        take_answer(job);
    }
    let_go(job);
    call->error = job->answer;
    if (job->state.watch.fate == EMQXI_FATE_LOST)
        call->error.delivery = EMQX_TLS_DELIVERY_MAYBE;
}

static void release(emqx_tls_call *call)
{
    emqxi_job_free((emqxi_job *)call);
}

static const emqxi_call_type job_call = {.advance = advance, .stop = stop, .release = release};

void emqxi_job_result(const emqx_tls_call *call, emqx_tls_ensure_result *r)
{
    const emqxi_job *job = (const emqxi_job *)call;
    *r = (emqx_tls_ensure_result){.size = sizeof *r};
    if (!call || call->type != &job_call)
        return;
    r->reads = job->reads;
    r->writes = job->writes;
    if (job->machine != &emqxi_ensure_machine)
        return;
    const emqxi_ensure *m = &job->state.ensure;
    r->action = m->action;
    r->certain =
        m->proof == EMQXI_PROOF_PROBE || (m->proof == EMQXI_PROOF_RECEIPT && !job->unsaved);
    r->expire_offset_s = emqxi_ensure_zone(m);
    r->type_changes = m->changes_type;
    r->warnings = job->wanted.advice.count;
    memcpy(r->warning, job->wanted.advice.first, sizeof r->warning);
}

emqxi_job *emqxi_job_new(emqx_tls_client *client, const emqxi_machine *machine)
{
    emqxi_job *job = emqxi_zalloc(&client->allocator, sizeof *job);
    if (!job)
        return NULL;
    job->call.client = client;
    job->call.type = &job_call;
    job->machine = machine;
    job->state.watch.then = EMQXI_ACT_READ;
    job->file.folder = job->file.lock = -1;
    emqx_tls_status_init(&job->call.status);
    emqxi_error_clear(&job->call.error);
    emqxi_error_clear(&job->answer);
    return job;
}

void emqxi_job_free(emqxi_job *job)
{
    const emqx_tls_allocator *a = &job->call.client->allocator;
    let_go(job);
    emqxi_free(a, job->receipt_dir);
    emqxi_free(a, (char *)(uintptr_t)job->target.host);
    emqxi_free(a, job->deployment_id);
    emqxi_free(a, job);
}

emqx_tls_code emqxi_job_start(emqxi_job *job, const char *deployment_id, uint32_t wait_ms,
                              emqx_tls_done_fn done, void *user, emqxi_error *error)
{
    emqx_tls_client *client = job->call.client;
    const char *problem = emqxi_deployment_id_problem(deployment_id);
    int64_t now = job_now(job);
    job->state.watch.deadline_ms = wait_ms > 0 ? emqxi_add(now, wait_ms) : INT64_MAX;
    job->state.watch.status = job->call.status;
    if (job->machine == &emqxi_ensure_machine)
        job->state.ensure.patience_ms = now + client->timeout_ms;
    job->call.done = done;
    job->call.user = user;
    job->deployment_id = problem ? NULL : emqxi_strdup(&client->allocator, deployment_id);
    if (problem)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "deployment_id %s", problem);
    if (job->deployment_id && emqxi_call_enter(client, &job->call) == EMQX_TLS_OK)
        return EMQX_TLS_OK;
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
}
