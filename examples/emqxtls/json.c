/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The objects of --json, one for every outcome. docs/emqxtls-json.5.scd is their contract, and
 * tests/command/objects.py holds every one to it.
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool shown; /* an object */

/* jansson takes UTF-8 alone, and an ID or a path may be anything. */
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

json_t *json_of_message(const char *text)
{
    char *own = in_own_words(text);
    json_t *j = json_of(own ? own : text);
    free(own);
    return j;
}

static void put(json_t *j, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(j, name, json_of(text));
}

void json_end(json_t *j, const char *text, int64_t epoch)
{
    put(j, "expire", text);
    if (epoch == INT64_MIN)
        return;
    int64_t left = epoch - time(NULL);
    json_object_set_new(j, "expire_epoch", json_integer(epoch));
    json_object_set_new(j, "days_left", json_integer(left / 86400 - (left % 86400 < 0)));
}

json_t *json_outcome(const struct options *o, const char *deployment, const char *code,
                     int exit_code)
{
    json_t *j = json_object();
    json_object_set_new(j, "command", json_string(o->info ? o->info->name : ""));
    put(j, "deployment", deployment);
    put(j, "code", code);
    json_object_set_new(j, "exit", json_integer(exit_code));
    return j;
}

json_t *json_failure(const struct options *o, const char *deployment, const emqx_tls_error *e,
                     int exit_code)
{
    json_t *j = json_outcome(o, deployment, emqx_tls_code_name(e->code), exit_code);
    if (e->code == EMQX_TLS_OK)
        return j;
    json_object_set_new(j, "message", json_of_message(e->message));
    json_object_set_new(j, "http_status", json_integer(e->http_status));
    put(j, "delivery", emqx_tls_delivery_name(e->delivery));
    json_object_set_new(j, "permanent", json_boolean(e->permanent));
    put(j, "api_code", e->api_code);
    if (e->code == EMQX_TLS_E_RATE_LIMITED)
        json_object_set_new(j, "retry_after_s", json_integer((e->retry_after_ms + 999) / 1000));
    return j;
}

static void put_ensured(json_t *j, const struct options *o, const struct job *job)
{
    const emqx_tls_ensure_result *r = &job->result;
    put(j, "action", action_name(o, r));
    json_object_set_new(j, "dry_run", json_boolean(o->dry_run));
    json_object_set_new(j, "certain", json_boolean(r->certain));
    json_object_set_new(j, "type_changes", json_boolean(r->type_changes));
}

void show_job_object(const struct options *o, const struct job *job, FILE *to)
{
    const emqx_tls_status *s = &job->status;
    json_t *j = json_failure(o, job->deployment, &job->error, exit_of_job(o, job));
    if (s->state != EMQX_TLS_STATE_UNKNOWN)
        put(j, "state", state_name(s));
    put(j, "type", s->type_text);
    json_end(j, s->expire_text, s->expire);
    put(j, "cn", s->common_name);
    if (o->info->command == ENSURE && job->error.code != EMQX_TLS_E_INVALID)
        put_ensured(j, o, job);
    if (o->info->command == ENSURE || o->info->command == REMOVE) {
        json_object_set_new(j, "reads", json_integer(job->result.reads));
        json_object_set_new(j, "writes", json_integer(job->result.writes));
    }
    json_t *warnings = json_copy(job->fleet->warnings);
    if (in_place(o, job))
        json_array_extend(warnings, job->fleet->refusals);
    if (json_array_size(warnings) > 0)
        json_object_set(j, "warnings", warnings);
    json_decref(warnings);
    show_object(j, to);
}

void show_object(json_t *j, FILE *to)
{
    char *text = json_dumps(j, JSON_COMPACT);
    fprintf(to, "%s\n", text ? text : "{}");
    free(text);
    json_decref(j);
    fflush(to);
    shown = true;
}

void show_missing_object(const struct options *o, int code)
{
    if (!o->json || shown)
        return;
    json_t *j = json_outcome(o, NULL,
                             code == EXIT_DONE    ? "OK"
                             : code == EXIT_OTHER ? "NO_MEMORY"
                                                  : "INVALID",
                             code);
    if (code != EXIT_DONE)
        put(j, "message", *what_was_said() ? what_was_said() : "out of memory");
    show_object(j, stdout);
}
