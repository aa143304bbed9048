/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The control channel: plain HTTP on a second loopback port, without login. docs/emulator.md
 * says how to use it.
 */
#include "emulator.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define IDLE_MS 60000

static void bad(struct answer *a, const char *why)
{
    json_t *body = json_pack("{s:s}", "message", why);
    char *text = json_dumps(body, 0);
    answer_text(a, 400, "%s", text ? text : "");
    free(text);
    json_decref(body);
}

static void add_faults(struct emulator *e, const struct request *r, struct answer *a)
{
    char *wrong = faults_add(e->faults, r->body, r->body_len);
    if (wrong)
        bad(a, wrong);
    free(wrong);
}

static void advance(struct emulator *e, const json_t *body, struct answer *a)
{
    json_int_t ms = json_integer_value(json_object_get(body, "ms"));
    if (ms > 0)
        platform_advance(e->platform, ms);
    else
        bad(a, "{\"ms\": MILLISECONDS}");
}

static void set_status(struct emulator *e, const json_t *body, struct answer *a)
{
    const char *id = json_string_value(json_object_get(body, "deployment"));
    const char *status = json_string_value(json_object_get(body, "status"));
    if (!id || !status)
        bad(a, "{\"deployment\": ID, \"status\": TEXT}");
    else if (!platform_set_status(e->platform, id, status))
        answer_text(a, 404, "{\"message\":\"no certificate on this deployment\"}");
}

static void tell_counts(struct emulator *e, struct answer *a)
{
    struct platform_counts n = platform_counts(e->platform);
    answer_text(a, 200,
                "{\"requests\":%llu,\"reads\":%llu,\"writes\":%llu,\"unauthorized\":%llu,\"over_"
                "quota\":%llu,"
                "\"refused\":%llu,\"connections\":%llu,\"answered\":%llu,\"faults_left\":%zu}",
                (unsigned long long)n.requests, (unsigned long long)n.reads,
                (unsigned long long)n.writes, (unsigned long long)n.unauthorized,
                (unsigned long long)n.over_quota, (unsigned long long)n.refused,
                (unsigned long long)e->connections, (unsigned long long)e->answered,
                faults_left(e->faults));
}

static void answer(struct emulator *e, const struct request *r, struct answer *a)
{
    bool post = !strcmp(r->method, "POST");
    json_t *body = post ? json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    a->status = 204;
    pthread_mutex_lock(&e->lock);
    if (post && !strcmp(r->path, "/faults"))
        add_faults(e, r, a);
    else if (!strcmp(r->method, "DELETE") && !strcmp(r->path, "/faults"))
        faults_clear(e->faults);
    else if (post && !strcmp(r->path, "/advance"))
        advance(e, body, a);
    else if (post && !strcmp(r->path, "/status"))
        set_status(e, body, a);
    else if (post && !strcmp(r->path, "/release"))
        emulator_release(e);
    else if (!strcmp(r->method, "GET") && !strcmp(r->path, "/counts"))
        tell_counts(e, a);
    else
        answer_text(
            a, 404,
            "{\"message\":\"POST or DELETE /faults, POST /release, POST /advance, POST /status, "
            "GET /counts\"}");
    pthread_mutex_unlock(&e->lock);
    json_decref(body);
}

void control_serve(struct emulator *e, struct stream *s)
{
    bool keep = true;
    while (keep) {
        struct request r = {0};
        struct answer a = {0};
        size_t len, head_len;
        int got = http_read(s, &r, real_ms() + IDLE_MS);
        keep = got == HTTP_OK && r.keep_alive;
        if (got == HTTP_OK)
            answer(e, &r, &a);
        else if (got > 0)
            answer_text(&a, got, "{\"message\":\"not a request of the control channel\"}");
        char *text = got >= 0 ? http_format(&a, keep, time(NULL), &len, &head_len) : NULL;
        keep = text && stream_write(s, text, len, real_ms() + IDLE_MS) && keep;
        free(text);
        answer_free(&a);
        http_request_free(&r);
    }
}
