/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "deployment.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

struct deployment *deployment_new(const char *id)
{
    struct deployment *d = calloc(1, sizeof *d);
    if (d)
        d->id = strdup(id);
    return d;
}

static void shown_free(struct shown *s)
{
    free(s->common_name);
    memset(s, 0, sizeof *s);
}

static void forget_material(struct deployment *d)
{
    if (d->key)
        OPENSSL_cleanse(d->key, strlen(d->key));
    free(d->cert);
    free(d->key);
    free(d->cacert);
    d->cert = d->key = d->cacert = NULL;
}

void deployment_free(void *p)
{
    struct deployment *d = p;
    forget_material(d);
    shown_free(&d->now);
    shown_free(&d->old);
    free(d->before);
    free(d->status);
    free(d->id);
    free(d);
}

int deployment_compare(const void *a, const void *b)
{
    return strcmp(((const struct deployment *)a)->id, ((const struct deployment *)b)->id);
}

/* -- files for a broker ------------------------------------------------------------------------ */

/* False: the ID can't be part of a file's name. */
static bool file_name(char *to, size_t size, const struct settings *s, const char *id,
                      const char *what)
{
    if (*id == '.')
        return false;
    for (const char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._~-%", *c))
            return false;
    return (size_t)snprintf(to, size, "%s/%s.%s.pem", s->serve_dir, id, what) < size;
}

/* Puts a file in place whole, or takes it away where there is no text. */
static void serve_file(const struct deployment *d, const struct settings *s, const char *what,
                       const char *text)
{
    char path[4096], fresh[4096 + 8];
    if (!file_name(path, sizeof path, s, d->id, what))
        return;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    if (!text) {
        unlink(path);
        return;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);
    bool written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0)
        close(fd);
    if (!written || rename(fresh, path))
        fprintf(stderr, "emqxtls-emulator: can't write %s: %s\n", path, strerror(errno));
}

static void serve(struct deployment *d, const struct settings *s)
{
    if (!s->serve_dir)
        return;
    serve_file(d, s, "cert", d->cert);
    serve_file(d, s, "key", d->key);
    serve_file(d, s, "cacert", d->cacert);
    forget_material(d);
}

/* -- states ------------------------------------------------------------------------------------ */

void deployment_move_on(struct deployment *d, const struct settings *s, int64_t ms)
{
    if (d->before && ms - d->written >= s->lag) {
        free(d->before);
        d->before = NULL;
    }
    if (d->state == STATE_STALE && ms - d->since >= s->stale) {
        d->state = STATE_PENDING;
        d->since += s->stale;
        shown_free(&d->old);
    }
    if (d->state == STATE_PENDING && ms - d->since >= s->pending) {
        d->state = s->outcome == OUTCOME_FAILED ? STATE_FAILED : STATE_RUNNING;
        d->since += s->pending;
        if (d->state == STATE_RUNNING)
            serve(d, s);
    }
    if (d->state == STATE_TERMINATED && ms - d->since >= s->terminated) {
        d->state = STATE_NONE;
        shown_free(&d->now);
    }
}

bool deployment_set_status(struct deployment *d, const char *status)
{
    if (d->state == STATE_NONE)
        return false;
    free(d->status);
    d->status = strdup(status);
    d->state = STATE_SET;
    shown_free(&d->old);
    return true;
}

void deployment_put(struct deployment *d, struct material *m, const struct settings *s, int64_t ms)
{
    bool served = d->state == STATE_RUNNING;
    deployment_hold(d, s, ms);
    /* of two quick writes, what is served is still what was before both */
    if (d->state != STATE_STALE) {
        shown_free(&d->old);
        d->old = d->now;
    } else {
        shown_free(&d->now);
        served = true;
    }
    d->now = (struct shown){.type = m->type, .expire = m->expire, .common_name = m->common_name};
    m->common_name = NULL;
    d->state = served && s->stale > 0 ? STATE_STALE : STATE_PENDING;
    d->since = ms;
    forget_material(d);
    if (s->serve_dir) {
        d->cert = m->cert;
        d->key = m->key;
        d->cacert = m->cacert;
        m->cert = m->key = m->cacert = NULL;
    }
    deployment_move_on(d, s, ms);
}

void deployment_delete(struct deployment *d, const struct settings *s, int64_t ms)
{
    deployment_hold(d, s, ms);
    forget_material(d);
    serve(d, s);
    shown_free(&d->old);
    d->state = STATE_TERMINATED;
    d->since = ms;
    deployment_move_on(d, s, ms);
}

/* -- answers ----------------------------------------------------------------------------------- */

/* The name as the settings have it told; to be freed. */
static char *tell_name(const char *name, const struct settings *s)
{
    const char *form = s->cn ? s->cn : "{}", *place = strstr(form, "{}");
    char *told = NULL;
    if (name && place &&
        asprintf(&told, "%.*s%s%s", (int)(place - form), form, name, place + 2) < 0)
        told = NULL;
    return place ? told : name ? strdup(form) : NULL;
}

/* To be freed. */
static char *describe(const struct shown *shown, const char *status, const struct settings *s)
{
    static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};
    static const char *const members[] = {"tlsType", "status", "expire", "cn"};
    char expire[32], *cn = tell_name(shown->common_name, s);
    time_t t = (time_t)(shown->expire + s->expire_zone_s);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(expire, sizeof expire, forms[s->expire_format], &tm);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s*}", "tlsType", shown->type == 2 ? "two-way" : "one-way",
                  "status", status, "expire", expire, "cn", cn);
    for (size_t i = 0; s->omit && i < sizeof members / sizeof members[0]; i++)
        if (list_has(s->omit, members[i]))
            json_object_del(body, members[i]);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    free(cn);
    return text ? text : strdup("{}");
}

static void answer_with(struct answer *a, char *text)
{
    answer_text(a, 200, "%s", text);
    free(text);
}

static char *describe_now(const struct deployment *d, const struct settings *s)
{
    static const char *const texts[] = {"",        "running", "pending",
                                        "running", "failed",  "terminated"};
    const char *status = d->state == STATE_SET ? d->status : texts[d->state];
    return describe(d->state == STATE_STALE ? &d->old : &d->now, status, s);
}

void deployment_hold(struct deployment *d, const struct settings *s, int64_t ms)
{
    if (s->lag > 0 && !d->before)
        d->before = d->state == STATE_NONE ? strdup("") : describe_now(d, s);
    d->written = ms;
}

bool deployment_is_told(const struct deployment *d)
{
    return d->before ? *d->before : d->state != STATE_NONE;
}

void deployment_describe(const struct deployment *d, const struct settings *s, struct answer *a)
{
    answer_with(a, d->before ? strdup(d->before) : describe_now(d, s));
}

void deployment_describe_new(const struct deployment *d, const struct settings *s, struct answer *a)
{
    answer_with(a, describe(&d->now, "pending", s));
}
