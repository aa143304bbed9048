/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One deployment or many: so many at once as --concurrency says, each on the asynchronous calls of
 * one client.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PROGRESS_MS 500

static emqx_tls_client *interrupted_client; /* what a signal interrupts */

static void on_signal(int number)
{
    (void)number;
    emqx_tls_client_interrupt(interrupted_client);
}

/* -- one job ----------------------------------------------------------------------------------- */

static void finish_job(struct job *job)
{
    struct fleet *f = job->fleet;
    int code = exit_of_job(f->options, job);
    hide_progress(f);
    show_job(f->options, job);
    if (f->readings)
        *job->reading =
            (struct reading){job->error.code == EMQX_TLS_OK, job->status.state, job->status.expire};
    if (code != EXIT_DONE)
        f->failed++;
    else if (!ferror(stdout)) /* what nobody could read is to be done again */
        journal_note(f->journal, job->deployment);
    f->exit_code = worse(f->exit_code, ferror(stdout) ? worse(code, EXIT_OTHER) : code);
    f->stopped |= ferror(stdout) && f->options->info->command == STATUS; /* reads for nothing */
    f->written += job->result.writes > 0;
    f->done++;
    job->deployment = NULL;
    job->next = f->idle;
    f->idle = job;
}

static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    struct job *job = user;
    (void)code;
    job->call = NULL;
    job->fleet->active--;
    emqx_tls_call_result(call, &job->status, &job->error);
    emqx_tls_call_ensure_result(call, &job->result); /* of remove, what it wrote */
    finish_job(job);
}

/* What is left of --wait, which bounds the whole of it; 0: it was not given. */
static uint32_t wait_left(const struct fleet *f)
{
    int64_t wait = f->options->wait_ms, left = f->began_ms + wait - monotonic_ms();
    if (wait == 0)
        return 0;
    return left > 0 ? (uint32_t)left : 1;
}

static emqx_tls_code submit_ensure(struct job *job)
{
    const struct options *o = job->fleet->options;
    emqx_tls_ensure_options options;
    emqx_tls_policy policy;
    emqx_tls_ensure_options_init(&options);
    emqx_tls_policy_init(&policy);
    if (o->min_days_left >= 0)
        policy.min_days_left = (uint32_t)o->min_days_left;
    policy.host = o->host;
    options.policy = &policy;
    options.flags = (o->force ? EMQX_TLS_FORCE : 0) |
                    (o->allow_earlier ? EMQX_TLS_ALLOW_EARLIER : 0) |
                    (o->dry_run ? EMQX_TLS_DRY_RUN : 0);
    options.wait_ms = wait_left(job->fleet);
    options.receipt_dir = o->receipt_dir;
    options.probe_host = o->probe_host;
    options.probe_port = (uint32_t)o->probe_port;
    return emqx_tls_submit_ensure(job->fleet->client, job->deployment, job->fleet->request,
                                  &options, on_done, job, &job->call, &job->error);
}

static emqx_tls_code submit(struct job *job)
{
    static const uint32_t ops[] = {[STATUS] = EMQX_TLS_OP_GET,
                                   [CREATE] = EMQX_TLS_OP_CREATE,
                                   [UPDATE] = EMQX_TLS_OP_UPDATE,
                                   [DELETE] = EMQX_TLS_OP_DELETE};
    struct fleet *f = job->fleet;
    const struct options *o = f->options;
    uint32_t wait_ms = wait_left(f);
    switch (o->info->command) {
    case ENSURE:
        return submit_ensure(job);
    case WAIT:
        return emqx_tls_submit_wait(f->client, job->deployment, f->request,
                                    o->wait_given ? wait_ms : 30 * 60 * 1000, on_done, job,
                                    &job->call, &job->error);
    case REMOVE:
        return emqx_tls_submit_remove(f->client, job->deployment,
                                      o->wait_given ? wait_ms : 10 * 60 * 1000, on_done, job,
                                      &job->call, &job->error);
    default:
        return emqx_tls_submit(f->client, ops[o->info->command], job->deployment, f->request,
                               on_done, job, &job->call, &job->error);
    }
}

static void start_job(struct fleet *f)
{
    struct job *job = f->idle;
    f->idle = job->next;
    job->reading = f->readings ? &f->readings[f->begun] : NULL;
    job->deployment = f->deployments[f->begun++];
    job->since_ms = monotonic_ms();
    emqx_tls_status_init(&job->status);
    emqx_tls_error_init(&job->error);
    emqx_tls_ensure_result_init(&job->result);
    if (submit(job) == EMQX_TLS_OK)
        f->active++;
    else
        finish_job(job);
}

/* -- all of them ------------------------------------------------------------------------------- */

/* Ends what is under way, begins nothing more. */
static void stop(struct fleet *f)
{
    for (size_t i = 0; i < f->job_count; i++)
        if (f->jobs[i].call)
            emqx_tls_cancel(f->client, f->jobs[i].call);
    f->stopped = true;
    f->exit_code = worse(f->exit_code, EXIT_LATER);
}

/* A single ensure, wait or remove keeps --wait by itself, and tells more when it ends; all else is
 * ended here. */
static bool is_bounded(const struct fleet *f)
{
    enum command c = f->options->info->command;
    return f->options->wait_ms && !f->stopped &&
           (f->count > 1 || (c != ENSURE && c != WAIT && c != REMOVE));
}

static bool out_of_time(const struct fleet *f)
{
    return is_bounded(f) && monotonic_ms() - f->began_ms >= f->options->wait_ms;
}

static int turn_ms(const struct fleet *f)
{
    int64_t wait = is_bounded(f) ? wait_left(f) : INT64_MAX;
    if (f->progress && wait > PROGRESS_MS)
        wait = PROGRESS_MS;
    return wait > INT32_MAX ? -1 : (int)wait;
}

static void drive(struct fleet *f)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    for (;;) {
        while (!f->stopped && f->begun < f->count && f->idle)
            start_job(f);
        if (f->active == 0 && (f->stopped || f->begun == f->count))
            break;
        emqx_tls_code code = emqx_tls_client_run(f->client, turn_ms(f), &error);
        if (code == EMQX_TLS_E_CANCELLED || out_of_time(f)) {
            stop(f);
        } else if (code != EMQX_TLS_OK) {
            show_failure(f->options, &error);
            f->exit_code = worse(f->exit_code, EXIT_OTHER);
            break;
        }
        if (f->progress && f->active > 0)
            show_progress(f);
    }
    hide_progress(f);
}

#define FILES_OF_CALL 2 /* each may have a connection of its own */
#define FILES_BESIDE  64

/* How many of so many calls can be under way at once: as the system's limit of open files
 * allows. */
static size_t allow_connections(size_t calls)
{
    struct rlimit limit;
    rlim_t want = FILES_OF_CALL * (rlim_t)calls + FILES_BESIDE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return calls;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == want)
        return calls;
    return limit.rlim_cur > FILES_BESIDE + FILES_OF_CALL
               ? (limit.rlim_cur - FILES_BESIDE) / FILES_OF_CALL
               : 1;
}

/* A second one ends the program at once. nohup keeps its word. */
static void catch_signals(void (*handler)(int))
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND}, before;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, &before);
        if (numbers[i] == SIGHUP && before.sa_handler == SIG_IGN)
            signal(SIGHUP, SIG_IGN);
    }
}

int run_fleet(struct fleet *f)
{
    size_t most = (size_t)f->options->concurrency;
    f->job_count = allow_connections(f->count < most ? f->count : most);
    f->jobs = calloc(f->job_count ? f->job_count : 1, sizeof *f->jobs);
    if (!f->jobs)
        return EXIT_OTHER;
    for (size_t i = f->job_count; i-- > 0;) {
        f->jobs[i].fleet = f;
        f->jobs[i].next = f->idle;
        f->idle = &f->jobs[i];
    }
    f->began_ms = monotonic_ms();
    interrupted_client = f->client;
    catch_signals(on_signal);
    drive(f);
    catch_signals(SIG_DFL);
    show_end(f);
    if (f->readings)
        f->exit_code = worse(f->exit_code, write_metrics(f));
    return f->exit_code;
}
