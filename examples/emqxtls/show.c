/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the user reads: results on stdout (text, or one JSON object a line), trouble and progress on
 * stderr.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int exit_of(const emqx_tls_error *e)
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
    case EMQX_TLS_E_PROTOCOL:
    case EMQX_TLS_E_FAILED:
        return EXIT_PLATFORM;
    case EMQX_TLS_E_HTTP:
        return e->http_status >= 500 ? EXIT_LATER : EXIT_PLATFORM;
    case EMQX_TLS_E_RATE_LIMITED:
    case EMQX_TLS_E_TRANSPORT:
    case EMQX_TLS_E_TIMEOUT:
    case EMQX_TLS_E_CANCELLED:
        return EXIT_LATER;
    default:
        return EXIT_OTHER;
    }
}

/* Whether a write was sent of which it is not known if it was carried out, if its answer, or none,
 * is what `error` tells. */
static bool in_doubt(const struct options *o, const struct job *job)
{
    const emqx_tls_error *e = &job->error;
    bool lost = e->code == EMQX_TLS_E_TRANSPORT || e->code == EMQX_TLS_E_TIMEOUT ||
                e->code == EMQX_TLS_E_CANCELLED;
    bool odd = e->code == EMQX_TLS_E_PROTOCOL ||
               (e->code == EMQX_TLS_E_HTTP && (e->http_status >= 500 || e->http_status < 300));
    if (!lost && !odd)
        return false;
    switch (o->info->command) {
    case CREATE:
    case UPDATE:
    case DELETE:
        return odd || e->delivery != EMQX_TLS_DELIVERY_NOT_SENT;
    case ENSURE:
        return job->result.writes > 0 && job->result.action == EMQX_TLS_ACTION_NONE;
    case REMOVE: /* reads first: no status, no write */
        return job->status.state != EMQX_TLS_STATE_UNKNOWN &&
               (odd || e->delivery != EMQX_TLS_DELIVERY_NOT_SENT);
    default:
        return false;
    }
}

int exit_of_job(const struct options *o, const struct job *job)
{
    return in_doubt(o, job) ? EXIT_UNKNOWN : exit_of(&job->error);
}

/* Of many deployments the exit code tells the most pressing: unknown outcome, refusals, try
 * later. */
int worse(int a, int b)
{
    static const int rank[] = {
        [EXIT_DONE] = 0,  [EXIT_LATER] = 1, [EXIT_CHECK] = 2,  [EXIT_PLATFORM] = 3,
        [EXIT_OTHER] = 4, [EXIT_USAGE] = 5, [EXIT_UNKNOWN] = 6};
    return rank[b] > rank[a] ? b : a;
}

static const char *action_name(uint32_t action, bool dry_run)
{
    if (dry_run && action == EMQX_TLS_ACTION_CREATED)
        return "would create";
    if (dry_run && action == EMQX_TLS_ACTION_UPDATED)
        return "would update";
    return emqx_tls_action_name(action);
}

const char *state_name(const emqx_tls_status *s)
{
    return s->state == EMQX_TLS_STATE_OTHER ? s->state_text : emqx_tls_state_name(s->state);
}

/* A text of somebody else's as JSON: jansson takes UTF-8 alone, and an ID or a path may be
 * anything. */
json_t *json_of(const char *text)
{
    json_t *j = json_string(text);
    char *copy = j ? NULL : strdup(text);
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    if (copy)
        j = json_string(copy);
    free(copy);
    return j ? j : json_null();
}

/* The same for people: what a terminal would obey, and line ends, become "?". */
void put_text(FILE *to, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        fputc(*p < 0x20 || *p == 0x7f || c1 ? '?' : *p, to);
        p += c1;
    }
}

void show_object(json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    puts(text ? text : "{}");
    free(text);
    json_decref(j);
    fflush(stdout);
}

static void show_json(const struct options *o, const struct job *job)
{
    const emqx_tls_status *s = &job->status;
    const emqx_tls_error *e = &job->error;
    json_t *j =
        json_pack("{so ss ss si}", "deployment", json_of(job->deployment), "command", o->info->name,
                  "code", emqx_tls_code_name(e->code), "exit", exit_of_job(o, job));
    if (s->state != EMQX_TLS_STATE_UNKNOWN)
        json_object_set_new(j, "state", json_of(state_name(s)));
    if (s->type_text[0])
        json_object_set_new(j, "type", json_of(s->type_text));
    if (s->expire_text[0])
        json_object_set_new(j, "expire", json_of(s->expire_text));
    if (s->common_name[0])
        json_object_set_new(j, "cn", json_of(s->common_name));
    if (o->info->command == ENSURE && e->code != EMQX_TLS_E_INVALID) {
        json_object_set_new(j, "action", json_string(emqx_tls_action_name(job->result.action)));
        json_object_set_new(j, "dry_run", json_boolean(o->dry_run));
        json_object_set_new(j, "certain", json_boolean(job->result.certain));
        json_object_set_new(j, "type_changes", json_boolean(job->result.type_changes));
        json_object_set_new(j, "reads", json_integer(job->result.reads));
        json_object_set_new(j, "writes", json_integer(job->result.writes));
    }
    if (e->code != EMQX_TLS_OK) {
        json_object_set_new(j, "message", json_of(e->message));
        json_object_set_new(j, "http_status", json_integer(e->http_status));
        json_object_set_new(j, "delivery", json_string(emqx_tls_delivery_name(e->delivery)));
    }
    if (e->api_code[0])
        json_object_set_new(j, "api_code", json_string(e->api_code));
    if (e->code == EMQX_TLS_E_RATE_LIMITED)
        json_object_set_new(j, "retry_after_s", json_integer((e->retry_after_ms + 999) / 1000));
    if (json_array_size(job->fleet->warnings) > 0)
        json_object_set(j, "warnings", job->fleet->warnings);
    show_object(j);
}

static void show_status(const emqx_tls_status *s)
{
    const char *texts[][2] = {
        {", ", s->type_text}, {", until ", s->expire_text}, {", cn ", s->common_name}};
    put_text(stdout, state_name(s));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!texts[i][1][0])
            continue;
        fputs(texts[i][0], stdout);
        put_text(stdout, texts[i][1]);
    }
}

void show_job(const struct options *o, const struct job *job)
{
    const emqx_tls_error *e = &job->error;
    if (o->json) {
        show_json(o, job);
        return;
    }
    if (e->code != EMQX_TLS_OK) {
        put_text(stderr, job->deployment);
        fprintf(stderr, ": %s: ", emqx_tls_code_name(e->code));
        put_text(stderr, e->message);
        fputc('\n', stderr);
        return;
    }
    if (o->quiet)
        return;
    put_text(stdout, job->deployment);
    fputs(": ", stdout);
    if (o->info->command == ENSURE)
        printf("%s%s (%u read%s, %u write%s); ", action_name(job->result.action, o->dry_run),
               job->result.type_changes ? ", with another type" : "", (unsigned)job->result.reads,
               job->result.reads == 1 ? "" : "s", (unsigned)job->result.writes,
               job->result.writes == 1 ? "" : "s");
    if (o->info->command == DELETE)
        fputs("deleted", stdout);
    else if (o->info->command == REMOVE)
        fputs(job->status.state == EMQX_TLS_STATE_ABSENT ? "no certificate any more" : "deleted",
              stdout);
    else
        show_status(&job->status);
    putchar('\n');
    fflush(stdout);
}

void show_failure(const struct options *o, const emqx_tls_error *e)
{
    if (o->json) {
        json_t *j = json_pack("{ss ss si so}", "command", o->info->name, "code",
                              emqx_tls_code_name(e->code), "exit", exit_of(e), "message",
                              json_of(e->message));
        show_object(j);
        return;
    }
    fprintf(stderr, "emqxtls: %s: ", emqx_tls_code_name(e->code));
    put_text(stderr, e->message);
    fputc('\n', stderr);
}

int show_last(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fputs("emqxtls: standard output can't be written: is its disk full, or its reader gone?\n",
          stderr);
    return worse(code, EXIT_OTHER);
}

void show_log(void *user, int32_t level, const char *line)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    fprintf(stderr, "%s: %s\n", names[level >= 1 && level <= 4 ? level : 0], line);
}
