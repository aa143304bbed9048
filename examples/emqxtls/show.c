/* SPDX-License-Identifier: MIT
 *
 * What the user reads: results on stdout (text, or one JSON object a line), trouble and progress on stderr.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_write(const struct options *o)
{
    enum command c = o->info->command;
    return c == CREATE || c == UPDATE || c == DELETE || c == ENSURE || c == REMOVE;
}

int exit_of(const struct options *o, const emqx_tls_error *e)
{
    switch (e->code) {
    case EMQX_TLS_OK:
        return EXIT_DONE;
    case EMQX_TLS_E_INVALID:
        return EXIT_USAGE;
    case EMQX_TLS_E_CHECK:
        return EXIT_CHECK;
    case EMQX_TLS_E_UNAUTHORIZED:
    case EMQX_TLS_E_FORBIDDEN:
    case EMQX_TLS_E_NOT_FOUND:
    case EMQX_TLS_E_UNPROCESSABLE:
    case EMQX_TLS_E_FAILED:
        return EXIT_PLATFORM;
    case EMQX_TLS_E_RATE_LIMITED:
        return EXIT_LATER;
    case EMQX_TLS_E_HTTP:
    case EMQX_TLS_E_PROTOCOL:
        return is_write(o) && (e->http_status >= 500 || e->http_status < 300) ? EXIT_UNKNOWN : EXIT_PLATFORM;
    case EMQX_TLS_E_TRANSPORT:
    case EMQX_TLS_E_TIMEOUT:
    case EMQX_TLS_E_CANCELLED:
        return is_write(o) && e->delivery == EMQX_TLS_DELIVERY_MAYBE ? EXIT_UNKNOWN : EXIT_LATER;
    default:
        return EXIT_OTHER;
    }
}

/* Of many deployments the exit code tells the most pressing: unknown outcome, refusals, try later. */
int worse(int a, int b)
{
    static const int rank[] = {[EXIT_DONE] = 0,  [EXIT_LATER] = 1, [EXIT_CHECK] = 2,  [EXIT_PLATFORM] = 3,
                               [EXIT_OTHER] = 4, [EXIT_USAGE] = 5, [EXIT_UNKNOWN] = 6};
    return rank[b] > rank[a] ? b : a;
}

static const char *action_name(uint32_t action, bool dry_run)
{
    switch (action) {
    case EMQX_TLS_ACTION_UNCHANGED:
        return "unchanged";
    case EMQX_TLS_ACTION_CREATED:
        return dry_run ? "would create" : "created";
    case EMQX_TLS_ACTION_UPDATED:
        return dry_run ? "would update" : "updated";
    default:
        return "none";
    }
}

static const char *state_name(const emqx_tls_status *s)
{
    static const char *const names[] = {"unknown", "absent", "pending", "running", "failed", "terminated"};
    return s->state < EMQX_TLS_STATE_OTHER ? names[s->state] : s->state_text;
}

static void show_json(const struct options *o, const struct job *job)
{
    static const char *const deliveries[] = {"maybe", "not-sent", "answered"};
    const emqx_tls_status *s = &job->status;
    const emqx_tls_error *e = &job->error;
    json_t *j = json_pack("{ss ss ss si}", "deployment", job->deployment, "command", o->info->name, "code",
                          emqx_tls_code_name(e->code), "exit", exit_of(o, e));
    if (s->state != EMQX_TLS_STATE_UNKNOWN)
        json_object_set_new(j, "state", json_string(state_name(s)));
    if (s->type_text[0])
        json_object_set_new(j, "type", json_string(s->type_text));
    if (s->expire_text[0])
        json_object_set_new(j, "expire", json_string(s->expire_text));
    if (s->common_name[0])
        json_object_set_new(j, "cn", json_string(s->common_name));
    if (o->info->command == ENSURE && e->code != EMQX_TLS_E_INVALID) {
        json_object_set_new(j, "action", json_string(action_name(job->result.action, false)));
        json_object_set_new(j, "dry_run", json_boolean(o->dry_run));
        json_object_set_new(j, "certain", json_boolean(job->result.certain));
        json_object_set_new(j, "reads", json_integer(job->result.reads));
        json_object_set_new(j, "writes", json_integer(job->result.writes));
    }
    if (e->code != EMQX_TLS_OK) {
        json_object_set_new(j, "message", json_string(e->message));
        json_object_set_new(j, "http_status", json_integer(e->http_status));
        json_object_set_new(j, "delivery", json_string(deliveries[e->delivery % 3]));
    }
    if (e->api_code[0])
        json_object_set_new(j, "api_code", json_string(e->api_code));
    if (e->code == EMQX_TLS_E_RATE_LIMITED)
        json_object_set_new(j, "retry_after_s", json_integer((e->retry_after_ms + 999) / 1000));
    char *text = json_dumps(j, JSON_COMPACT);
    puts(text ? text : "{}");
    free(text);
    json_decref(j);
    fflush(stdout);
}

static void show_status(const emqx_tls_status *s)
{
    fputs(state_name(s), stdout);
    if (s->type_text[0])
        printf(", %s", s->type_text);
    if (s->expire_text[0])
        printf(", until %s", s->expire_text);
    if (s->common_name[0])
        printf(", cn %s", s->common_name);
}

void show_job(const struct options *o, const struct job *job)
{
    const emqx_tls_error *e = &job->error;
    if (o->json) {
        show_json(o, job);
        return;
    }
    if (e->code != EMQX_TLS_OK) {
        fprintf(stderr, "%s: %s: %s\n", job->deployment, emqx_tls_code_name(e->code), e->message);
        return;
    }
    if (o->quiet)
        return;
    printf("%s: ", job->deployment);
    if (o->info->command == ENSURE)
        printf("%s (%u read%s, %u write%s); ", action_name(job->result.action, o->dry_run), (unsigned)job->result.reads,
               job->result.reads == 1 ? "" : "s", (unsigned)job->result.writes, job->result.writes == 1 ? "" : "s");
    if (o->info->command == DELETE)
        fputs("deleted", stdout);
    else if (o->info->command == REMOVE)
        fputs("no certificate any more", stdout);
    else
        show_status(&job->status);
    putchar('\n');
    fflush(stdout);
}

void show_failure(const struct options *o, const emqx_tls_error *e)
{
    if (o->json) {
        json_t *j = json_pack("{ss ss si ss}", "command", o->info->name, "code", emqx_tls_code_name(e->code), "exit",
                              exit_of(o, e), "message", e->message);
        char *text = json_dumps(j, JSON_COMPACT);
        puts(text ? text : "{}");
        free(text);
        json_decref(j);
        return;
    }
    fprintf(stderr, "emqxtls: %s: %s\n", emqx_tls_code_name(e->code), e->message);
}

void show_log(void *user, int32_t level, const char *line)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    fprintf(stderr, "%s: %s\n", names[level >= 1 && level <= 4 ? level : 0], line);
}

/* -- progress on a terminal ----------------------------------------------------------------------------------------- */

static void print_span(int64_t ms)
{
    int64_t s = (ms + 999) / 1000;
    if (s < 120)
        fprintf(stderr, "%" PRId64 " s", s);
    else if (s < 7200)
        fprintf(stderr, "%" PRId64 " min", s / 60);
    else
        fprintf(stderr, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
}

static bool quota_of(const struct fleet *f, uint32_t op, emqx_tls_quota *q)
{
    emqx_tls_quota_init(q);
    return emqx_tls_limiter_query(emqx_tls_client_limiter(f->client), op, f->options->deployments[0], q, NULL) ==
           EMQX_TLS_OK;
}

/* What is left takes at least so long: by the pace so far, and by what the quota lets through. */
static int64_t estimate(const struct fleet *f, const emqx_tls_quota *reads, const emqx_tls_quota *writes)
{
    int64_t left = (int64_t)(f->count - f->done), pace = 0, quota = 0;
    if (f->done)
        pace = (monotonic_ms() - f->began_ms) * left / (int64_t)f->done;
    if (!f->options->per_deployment) {
        const emqx_tls_quota *q = f->options->info->command == ENSURE ? writes : reads;
        int64_t beyond = left - (int64_t)f->active - q->remaining;
        if (beyond > 0 && q->limit)
            quota = q->next_ms + beyond / q->limit * 3602800;
    }
    return pace > quota ? pace : quota;
}

void show_progress(const struct fleet *f)
{
    emqx_tls_quota reads, writes;
    bool known = quota_of(f, EMQX_TLS_OP_GET, &reads) && quota_of(f, EMQX_TLS_OP_UPDATE, &writes);
    fputs("\r\033[K", stderr);
    if (f->count == 1) {
        emqx_tls_status status;
        emqx_tls_status_init(&status);
        emqx_tls_call_result(f->jobs[0].call, &status, NULL);
        fprintf(stderr, "%s: %s, ", f->jobs[0].deployment, state_name(&status));
        print_span(monotonic_ms() - f->jobs[0].since_ms);
        int64_t next = emqx_tls_client_next_ms(f->client);
        if (next >= 0) {
            fputs(", next look in ", stderr);
            print_span(next);
        }
    } else {
        fprintf(stderr, "%zu of %zu, %zu under way", f->done, f->count, f->active);
        if (known) {
            fputs(", about ", stderr);
            print_span(estimate(f, &reads, &writes));
            fputs(" to go", stderr);
        }
    }
    if (known && !f->options->per_deployment)
        fprintf(stderr, ", quota left: %u reads, %u writes", (unsigned)reads.remaining, (unsigned)writes.remaining);
    fflush(stderr);
}

/* Of many deployments what became of them, since their lines are long gone. */
void show_end(const struct fleet *f)
{
    if (f->options->deployment_count < 2 || f->options->json || f->options->quiet)
        return;
    fprintf(stderr, "emqxtls: %zu done, %zu failed", f->done - f->failed, f->failed);
    if (f->begun < f->count)
        fprintf(stderr, ", %zu not begun", f->count - f->begun);
    fputc('\n', stderr);
}

void hide_progress(const struct fleet *f)
{
    if (f->progress)
        fputs("\r\033[K", stderr);
}

/* -- quota ---------------------------------------------------------------------------------------------------------- */

int show_quota(const struct options *o, emqx_tls_limiter *limiter)
{
    static const struct {
        const char *name;
        uint32_t op;
    } classes[] = {{"reads", EMQX_TLS_OP_GET}, {"writes", EMQX_TLS_OP_UPDATE}};
    for (size_t i = 0; i < 2; i++) {
        emqx_tls_quota q;
        emqx_tls_error error;
        emqx_tls_quota_init(&q);
        emqx_tls_error_init(&error);
        const char *deployment = o->deployment_count ? o->deployments[0] : NULL;
        if (emqx_tls_limiter_query(limiter, classes[i].op, deployment, &q, &error) != EMQX_TLS_OK) {
            show_failure(o, &error);
            return exit_of(o, &error);
        }
        const char *why = q.reason == EMQX_TLS_QUOTA_SHUT        ? "shut after a 429"
                          : q.reason == EMQX_TLS_QUOTA_IN_FLIGHT ? "calls in flight"
                                                                 : "";
        if (o->json)
            printf("{\"class\":\"%s\",\"limit\":%u,\"used\":%u,\"remaining\":%u,\"next_ms\":%" PRId64
                   ",\"reason\":\"%s\"}\n",
                   classes[i].name, (unsigned)q.limit, (unsigned)q.used, (unsigned)q.remaining, q.next_ms, why);
        else if (q.next_ms == 0)
            printf("%s: %u of %u left\n", classes[i].name, (unsigned)q.remaining, (unsigned)q.limit);
        else
            printf("%s: none of %u left, the next in %" PRId64 " s%s%s\n", classes[i].name, (unsigned)q.limit,
                   (q.next_ms + 999) / 1000, *why ? ": " : "", why);
    }
    return EXIT_DONE;
}
