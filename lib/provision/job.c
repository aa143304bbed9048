/* SPDX-License-Identifier: MIT */
#include "provision/job.h"

#define EVERY_MS 60000

static const int64_t first_gaps[] = {5000, 5000, 10000, 20000};
#define FIRST_GAPS (sizeof first_gaps / sizeof first_gaps[0])

/* -- the operation under way ------------------------------------------------------------------- */

static void take_answer(emqxi_job *job, const emqx_tls_call *sub)
{
    uint32_t attempts = job->answer.attempts;
    bool read = job->sub_op == EMQX_TLS_OP_GET;
    job->answer = sub->error;
    job->answer.attempts += attempts;
    job->reply = sub->status;
    *(read ? &job->reads : &job->writes) += sub->spent;
    if (read && sub->error.code == EMQX_TLS_E_NOT_FOUND)
        job->reply.state = EMQX_TLS_STATE_ABSENT;
    if (emqxi_job_has_read(job)) {
        job->call.status = job->reply;
        job->seen = true;
    }
    job->sub = NULL;
}

static void sub_done(void *user, emqx_tls_call *sub, emqx_tls_code code)
{
    emqxi_job *job = user;
    (void)code;
    take_answer(job, sub);
    job->next(job);
}

/* Ends the operation under way, if it is not over already. False: it is, and its end will be told
 * in this turn. */
static bool stop_sub(emqxi_job *job)
{
    emqx_tls_call *sub = job->sub;
    if (!sub)
        return true;
    if (sub->queue == &job->call.client->finished)
        return false;
    sub->done = NULL;
    emqxi_call_cancel(sub);
    take_answer(job, sub);
    return true;
}

static uint32_t time_left(const emqxi_job *job, uint32_t at_most)
{
    int64_t left = job->deadline - emqxi_job_now(job);
    return left < at_most ? (uint32_t)EMQXI_MAX(left, 0) : at_most;
}

void emqxi_job_write(emqxi_job *job, const emqxi_order *given, emqxi_step next)
{
    emqx_tls_client *client = job->call.client;
    emqxi_order order = *given;
    emqxi_error error;
    order.deployment_id = job->deployment_id;
    order.timeout_ms = time_left(job, client->timeout_ms);
    order.quota_wait_ms =
        emqxi_job_waits(job) ? time_left(job, job->wait_ms) : client->quota_wait_ms;
    order.internal = true;
    order.done = sub_done;
    order.user = job;
    emqxi_error_clear(&error);
    if (order.timeout_ms == 0) {
        job->kind->late(job);
        return;
    }
    job->next = next;
    job->sub_op = order.op;
    if (emqxi_operation_start(client, &order, &job->sub, &error) != EMQX_TLS_OK)
        emqxi_job_end_as(job, &error);
    else if (emqxi_job_waits(job))
        emqxi_call_at(&job->call, job->deadline);
}

void emqxi_job_read(emqxi_job *job, emqxi_step next)
{
    static const emqxi_order get = {.op = EMQX_TLS_OP_GET};
    emqxi_job_write(job, &get, next);
}

bool emqxi_job_has_read(const emqxi_job *job)
{
    emqx_tls_code code = job->answer.code;
    return job->sub_op == EMQX_TLS_OP_GET && (code == EMQX_TLS_OK || code == EMQX_TLS_E_NOT_FOUND);
}

bool emqxi_job_reads_again(const emqxi_job *job)
{
    if (!emqxi_job_waits(job))
        return false;
    switch (job->answer.code) {
    case EMQX_TLS_E_TRANSPORT:
    case EMQX_TLS_E_TIMEOUT:
    case EMQX_TLS_E_PROTOCOL:
        return job->seen;
    case EMQX_TLS_E_HTTP:
        return job->seen && job->answer.http_status >= 500;
    /* by the platform: the limiter knows now, and says when there is room */
    case EMQX_TLS_E_RATE_LIMITED:
        return job->answer.http_status == 429;
    default:
        return false;
    }
}

bool emqxi_job_refused(const emqxi_job *job)
{
    const emqxi_error *a = &job->answer;
    if (a->delivery != EMQX_TLS_DELIVERY_ANSWERED)
        return a->delivery == EMQX_TLS_DELIVERY_NOT_SENT;
    return a->code != EMQX_TLS_OK && a->http_status >= 300 && a->http_status < 500;
}

const char *emqxi_job_state(const emqxi_job *job)
{
    const emqx_tls_status *s = &job->call.status;
    if (s->state == EMQX_TLS_STATE_ABSENT)
        return "without a certificate";
    return s->state_text[0] ? s->state_text : "in a state that the platform does not tell";
}

/* -- pauses ------------------------------------------------------------------------------------ */

void emqxi_job_pause(emqxi_job *job, int64_t ms, emqxi_step next)
{
    job->next = next;
    emqxi_call_at(&job->call, EMQXI_MIN(emqxi_add(emqxi_job_now(job), ms), job->deadline));
}

static int64_t gap(unsigned poll)
{
    return poll < FIRST_GAPS ? first_gaps[poll] : EVERY_MS;
}

/* So many polls fit into `left` when nothing stretches them. */
static int64_t polls_in(int64_t left, unsigned poll)
{
    int64_t count = 0;
    for (; poll < FIRST_GAPS && left > first_gaps[poll]; poll++, count++)
        left -= first_gaps[poll];
    return poll < FIRST_GAPS ? count : count + left / EVERY_MS;
}

static void poll_in(emqxi_job *job, int64_t pause, int64_t at_most_ms, emqxi_step next)
{
    pause += (int64_t)(emqxi_random() % (uint64_t)(pause / 10 + 1));
    job->polls++;
    emqxi_job_pause(job, EMQXI_MIN(pause, at_most_ms), next);
}

void emqxi_job_poll_free(emqxi_job *job, emqxi_step next)
{
    poll_in(job, gap(job->polls), INT64_MAX, next);
}

void emqxi_job_poll(emqxi_job *job, int64_t at_most_ms, emqxi_step next)
{
    emqx_tls_client *client = job->call.client;
    int64_t left = job->deadline - emqxi_job_now(job), pause = gap(job->polls);
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    if (emqx_tls_limiter_query(client->limiter, EMQX_TLS_OP_GET, job->deployment_id, &quota,
                               NULL) == EMQX_TLS_OK) {
        if (quota.remaining > 0 && quota.remaining < polls_in(left, job->polls))
            pause = EMQXI_MAX(pause, left / ((int64_t)quota.remaining + 1));
        /* Where no more read fits in, the next one says so, and when, at once and not at the
         * end. */
        pause = quota.next_ms < left ? EMQXI_MAX(pause, quota.next_ms) : 0;
    }
    poll_in(job, pause, at_most_ms, next);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void finish(emqxi_job *job)
{
    emqxi_error *e = &job->call.error;
    e->attempts = job->answer.attempts;
    emqxi_log(job->call.client, e->code == EMQX_TLS_OK ? EMQX_TLS_LOG_INFO : EMQX_TLS_LOG_WARNING,
              "%s of %s ended with %s after %u reads and %u writes", job->kind->name,
              job->deployment_id, emqx_tls_code_name(e->code), (unsigned)job->reads,
              (unsigned)job->writes);
    job->kind->let_go(job);
    emqxi_call_finish(&job->call);
}

void emqxi_job_end(emqxi_job *job, emqx_tls_code code, const char *format, ...)
{
    emqxi_error *e = &job->call.error;
    va_list arguments;
    *e = job->answer;
    e->retry_after_ms = -1;
    if (code == EMQX_TLS_OK)
        e->api_code[0] = '\0';
    va_start(arguments, format);
    emqxi_vfail(e, code, format, arguments);
    va_end(arguments);
    finish(job);
}

void emqxi_job_end_as(emqxi_job *job, const emqxi_error *error)
{
    job->call.error = *error;
    finish(job);
}

/* -- a kind of call ---------------------------------------------------------------------------- */

static void advance(emqx_tls_call *call)
{
    emqxi_job *job = (emqxi_job *)call;
    bool late = emqxi_job_now(job) >= job->deadline;
    if (job->sub && !late)
        return;
    if (!late)
        job->next(job);
    else if (stop_sub(job))
        job->kind->late(job);
}

static void stop(emqx_tls_call *call)
{
    emqxi_job *job = (emqxi_job *)call;
    if (!stop_sub(job)) { /* over, but nobody was told yet */
        job->sub->done = NULL;
        take_answer(job, job->sub);
    }
    job->kind->let_go(job);
    call->error = job->answer;
}

static void release(emqx_tls_call *call)
{
    emqxi_job_free((emqxi_job *)call);
}

static const emqxi_call_type job_call = {.advance = advance, .stop = stop, .release = release};

const emqxi_job *emqxi_job_of(const emqx_tls_call *call, const emqxi_job_kind *kind)
{
    const emqxi_job *job = (const emqxi_job *)call;
    return call && call->type == &job_call && job->kind == kind ? job : NULL;
}

void emqxi_job_free(emqxi_job *job)
{
    const emqx_tls_allocator *a = &job->call.client->allocator;
    job->kind->let_go(job);
    job->kind->release(job);
    emqxi_free(a, job->deployment_id);
    emqxi_free(a, job);
}

emqx_tls_code emqxi_job_start(emqx_tls_client *client, emqxi_job *job, const emqxi_job_kind *kind,
                              const char *deployment_id, uint32_t wait_ms, emqx_tls_done_fn done,
                              void *user, emqxi_error *error)
{
    emqx_tls_call *call = &job->call;
    const char *problem = emqxi_deployment_id_problem(deployment_id);
    call->client = client;
    call->type = &job_call;
    call->done = done;
    call->user = user;
    emqx_tls_status_init(&call->status);
    emqxi_error_clear(&call->error);
    emqxi_error_clear(&job->answer);
    job->kind = kind;
    job->next = kind->first;
    job->wait_ms = wait_ms;
    job->begun = emqxi_now(&client->clock);
    job->deadline = wait_ms > 0 ? emqxi_add(job->begun, wait_ms) : INT64_MAX;
    job->deployment_id = problem ? NULL : emqxi_strdup(&client->allocator, deployment_id);
    if (job->deployment_id && emqxi_call_enter(client, call) == EMQX_TLS_OK)
        return EMQX_TLS_OK;
    emqxi_job_free(job);
    if (problem)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "deployment_id %s", problem);
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
}
