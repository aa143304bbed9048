/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The platform: login, quota, the four calls, and what time makes of a deployment's certificate.
 */
#include "emulator.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "deployment.h"

struct platform {
    const struct settings *settings;
    struct quota *quota;
    void *deployments; /* a tree of struct deployment: those that ever had a certificate */
    int64_t started, added;
    struct platform_counts counts;
};

struct platform *platform_new(const struct settings *s)
{
    struct platform *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->settings = s;
    p->started = real_ms();
    p->quota = quota_new(s);
    if (p->quota)
        return p;
    free(p);
    return NULL;
}

void platform_free(struct platform *p)
{
    if (!p)
        return;
    tdestroy(p->deployments, deployment_free);
    quota_free(p->quota);
    free(p);
}

int64_t platform_ms(const struct platform *p)
{
    return real_ms() - p->started + p->added;
}

time_t platform_wall(const struct platform *p)
{
    return time(NULL) + (time_t)(p->added / 1000);
}

void platform_advance(struct platform *p, int64_t ms)
{
    p->added += ms;
}

struct platform_counts platform_counts(const struct platform *p)
{
    return p->counts;
}

static struct deployment *find(struct platform *p, const char *id, bool make)
{
    struct deployment wanted = {.id = (char *)(uintptr_t)id};
    struct deployment **found = tfind(&wanted, &p->deployments, deployment_compare);
    struct deployment *d = found ? *found : make ? deployment_new(id) : NULL;
    if (!found && d)
        tsearch(d, &p->deployments, deployment_compare);
    if (d)
        deployment_move_on(d, p->settings, platform_ms(p));
    return d;
}

bool platform_set_status(struct platform *p, const char *id, const char *status)
{
    struct deployment *d = find(p, id, false);
    return d && deployment_set_status(d, status);
}

char *platform_deployment(const struct platform *p, const char *path)
{
    static const char before[] = "/deployments/", after[] = "/tls";
    size_t base = strlen(p->settings->base_path);
    if (strncmp(path, p->settings->base_path, base) ||
        strncmp(path + base, before, sizeof before - 1))
        return NULL;
    const char *id = path + base + sizeof before - 1;
    size_t len = strcspn(id, "/?#");
    return len && !strcmp(id + len, after) ? strndup(id, len) : NULL;
}

/* The API key of the login that the request brings; NULL: it is none of ours. To be freed. */
static char *login(const struct platform *p, const struct request *r)
{
    static const char scheme[] = "Basic ";
    unsigned char given[1024] = {0};
    char *key = NULL;
    const char *text = r->authorization;
    if (!text || strncasecmp(text, scheme, sizeof scheme - 1))
        return NULL;
    text += sizeof scheme - 1;
    size_t len = strlen(text);
    int n = len % 4 || len > sizeof given
                ? -1
                : EVP_DecodeBlock(given, (const unsigned char *)text, (int)len);
    for (char **one = p->settings->credentials; n > 0 && *one; one++)
        if (!strcmp((char *)given, *one)) /* the padding was decoded to NULs */
            key = strndup(*one, strcspn(*one, ":"));
    OPENSSL_cleanse(given, sizeof given);
    return key;
}

static void tell(struct answer *a, int status, const char *code, const char *message)
{
    answer_text(a, status, "{\"code\":\"%s\",\"message\":\"%s\"}", code, message);
}

static void over_quota(const struct platform *p, int64_t wait, struct answer *a)
{
    int64_t seconds = (wait + 999) / 1000;
    char date[40];
    tell(a, 429, "TOO_MANY_REQUESTS", "over the limit");
    if (p->settings->retry_after == RETRY_AFTER_SECONDS)
        answer_header(a, "Retry-After: %lld\r\n", (long long)seconds);
    if (p->settings->retry_after == RETRY_AFTER_DATE) {
        http_date(date, platform_wall(p) + (time_t)seconds);
        answer_header(a, "Retry-After: %s\r\n", date);
    }
}

static void get(struct platform *p, const char *id, struct answer *a)
{
    struct deployment *d = find(p, id, false);
    if (d && deployment_is_told(d))
        deployment_describe(d, p->settings, a);
    else if (p->settings->absent == ABSENT_404)
        tell(a, 404, "NOT_FOUND", "no certificate");
    else
        answer_text(a, 200, "{}");
}

static void put(struct platform *p, const struct request *r, const char *id, bool carry_out,
                struct answer *a, struct arrival *log)
{
    bool create = !strcmp(r->method, "POST");
    struct deployment *d = find(p, id, false);
    bool exists = d && d->state != STATE_NONE;
    struct material m;
    bool good = material_read(r, p->settings->min_days, platform_wall(p), &m, a);
    memcpy(log->sha256, m.sha256, sizeof log->sha256);
    if (exists && d->state == STATE_TERMINATED) {
        tell(a, 422, "TERMINATING", "the certificate is being deleted");
    } else if (create && exists) {
        tell(a, 422, "EXISTS", "the deployment has a certificate: use PUT");
    } else if (!create && !exists) {
        tell(a, 404, "NOT_FOUND", "no certificate: use POST");
    } else if (good) {
        a->status = 200;
        log->carried_out = carry_out;
        if (carry_out && (d = find(p, id, true))) {
            deployment_put(d, &m, p->settings, platform_ms(p));
            deployment_describe_new(d, p->settings, a);
        }
    }
    material_free(&m);
}

static void delete (struct platform *p, const char *id, bool carry_out, struct answer *a,
                    struct arrival *log)
{
    struct deployment *d = find(p, id, false);
    if (!d || d->state == STATE_NONE) {
        tell(a, 404, "NOT_FOUND", "no certificate");
    } else if (d->state == STATE_TERMINATED) {
        tell(a, 422, "TERMINATING", "the certificate is being deleted");
    } else {
        log->carried_out = carry_out;
        a->status = 204;
        if (carry_out)
            deployment_delete(d, p->settings, platform_ms(p));
    }
}

static void authorized(struct platform *p, const struct request *r, const char *api_key,
                       const char *id, bool carry_out, struct answer *a, struct arrival *log)
{
    bool read = !strcmp(r->method, "GET"),
         write = !strcmp(r->method, "POST") || !strcmp(r->method, "PUT"),
         gone = !strcmp(r->method, "DELETE");
    if (!id) {
        tell(a, 404, "NOT_FOUND", "no such path");
        return;
    }
    if (!read && !write && !gone) {
        tell(a, 405, "METHOD", "GET, POST, PUT or DELETE");
        return;
    }
    /* Counted before all else: a request that is refused costs as much as a good one. */
    int64_t wait = quota_take(p->quota, api_key, r->method, id, platform_ms(p));
    p->counts.reads += read;
    p->counts.writes += !read;
    p->counts.over_quota += wait > 0;
    if (wait > 0)
        over_quota(p, wait, a);
    else if (list_has(p->settings->forbidden, id))
        tell(a, 403, "FORBIDDEN", "the key has no access to this deployment");
    else if (p->settings->deployments && !list_has(p->settings->deployments, id))
        tell(a, 404, "NOT_FOUND", "no such deployment");
    else if (read)
        get(p, id, a);
    else if (write)
        put(p, r, id, carry_out, a, log);
    else
        delete (p, id, carry_out, a, log);
}

void platform_answer(struct platform *p, const struct request *r, bool carry_out, struct answer *a,
                     struct arrival *log)
{
    char *api_key = login(p, r), *id = platform_deployment(p, r->path);
    p->counts.requests++;
    if (api_key) {
        authorized(p, r, api_key, id, carry_out, a, log);
    } else {
        p->counts.unauthorized++;
        tell(a, 401, "UNAUTHORIZED", "key or secret wrong");
        answer_header(a, "WWW-Authenticate: Basic realm=\"emqxtls-emulator\"\r\n");
    }
    p->counts.refused += a->status == 422;
    free(api_key);
    free(id);
}
