/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the user reads: results on stdout (text, or one JSON object a line), trouble and progress on
 * stderr.
 */
#include "run.h"

#include <string.h>
#include <time.h>

int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *action_name(const struct options *o, const emqx_tls_ensure_result *r)
{
    if (o->dry_run && r->action == EMQX_TLS_ACTION_CREATED)
        return "would create";
    if (o->dry_run && r->action == EMQX_TLS_ACTION_UPDATED)
        return "would update";
    return emqx_tls_action_name(r->action);
}

const char *state_name(const emqx_tls_status *s)
{
    return s->state == EMQX_TLS_STATE_OTHER ? s->state_text : emqx_tls_state_name(s->state);
}

static void put_status(FILE *to, const emqx_tls_status *s)
{
    const char *texts[][2] = {
        {", ", s->type_text}, {", until ", s->expire_text}, {", cn ", s->common_name}};
    put_text(to, state_name(s));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!texts[i][1][0])
            continue;
        fputs(texts[i][0], to);
        put_text(to, texts[i][1]);
    }
}

/* What an ensure did, or would do, and what it cost. */
static void put_action(FILE *to, const struct options *o, const struct job *job)
{
    const emqx_tls_ensure_result *r = &job->result;
    bool two_way = job->fleet->request->type == EMQX_TLS_TYPE_TWO_WAY;
    fputs(action_name(o, r), to);
    if (r->type_changes)
        fputs(two_way ? ", from one-way to two-way" : ", from two-way to one-way", to);
    fprintf(to, " (%u read%s, %u write%s)", (unsigned)r->reads, r->reads == 1 ? "" : "s",
            (unsigned)r->writes, r->writes == 1 ? "" : "s");
}

static void put_success(FILE *to, const struct options *o, const struct job *job)
{
    bool absent = job->status.state == EMQX_TLS_STATE_ABSENT;
    switch (o->info->command) {
    case ENSURE:
        put_action(to, o, job);
        fputs("; ", to);
        put_status(to, &job->status);
        break;
    case DELETE:
        fputs("deleted", to);
        break;
    case REMOVE:
        fputs(!absent              ? "deleted"
              : job->result.writes ? "no certificate any more"
                                   : "there was no certificate; is this the deployment's ID?",
              to);
        break;
    default:
        put_status(to, &job->status);
        if (ends_soon(o, job))
            fprintf(to, ": fewer than %d days are left", o->min_days_left);
    }
}

/* What was written before it failed, or was interrupted, is told too. */
static void put_failure(FILE *to, const struct options *o, const struct job *job)
{
    const emqx_tls_error *e = &job->error;
    fprintf(to, "%s: ", emqx_tls_code_name(e->code));
    put_message(to, e->message);
    if (job->result.writes == 0)
        return;
    fputs("; ", to);
    if (exit_of_job(o, job) == EXIT_UNKNOWN)
        fputs("a write was sent, and its outcome is not known", to);
    else if (o->info->command == ENSURE)
        put_action(to, o, job);
    else
        fputs("its certificate is being deleted", to);
}

static void show_line(const struct options *o, const struct job *job, FILE *to)
{
    put_text(to, job->deployment);
    fputs(": ", to);
    (job->error.code == EMQX_TLS_OK ? put_success : put_failure)(to, o, job);
    fputc('\n', to);
    fflush(to);
}

bool in_place(const struct options *o, const struct job *job)
{
    return o->info->command == ENSURE && job->error.code == EMQX_TLS_OK &&
           job->result.action == EMQX_TLS_ACTION_UNCHANGED;
}

/* What the check would refuse, had it to be written. */
static void show_refusals(const struct job *job)
{
    for (size_t i = 0; i < json_array_size(job->fleet->refusals); i++) {
        json_t *finding = json_array_get(job->fleet->refusals, i);
        put_text(stderr, job->deployment);
        fputs(": warning: ", stderr);
        put_text(stderr, json_string_value(json_object_get(finding, "text")));
        fputc('\n', stderr);
    }
}

void show_job(const struct options *o, const struct job *job)
{
    bool good = job->error.code == EMQX_TLS_OK && !ends_soon(o, job);
    if (o->json)
        show_job_object(o, job, stdout);
    else if (!good || !(o->quiet || o->openmetrics))
        show_line(o, job, good ? stdout : stderr);
    if (in_place(o, job) && !o->json && !o->quiet)
        show_refusals(job);
    /* standard output may be gone, and what was written must not be lost with it */
    if (ferror(stdout) && o->info->command != STATUS && (o->json || good))
        show_line(o, job, stderr);
}

void show_failure(const struct options *o, const emqx_tls_error *e)
{
    if (o->json) {
        show_object(json_failure(o, NULL, e, exit_of(e)), stdout);
        return;
    }
    fprintf(stderr, "emqxtls: %s: ", emqx_tls_code_name(e->code));
    put_message(stderr, e->message);
    fputc('\n', stderr);
}

int show_last(const struct options *o, int code)
{
    show_missing_object(o, code);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    say("standard output can't be written: is its disk full, or its reader gone?");
    return worse(code, EXIT_OTHER);
}

void show_log(void *user, int32_t level, const char *line)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    fprintf(stderr, "%s: ", names[level >= 1 && level <= 4 ? level : 0]);
    put_message(stderr, line);
    fputc('\n', stderr);
}
