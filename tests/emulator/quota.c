/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The platform's count of requests: GETs, and POST+PUT+DELETE, in a sliding window or in fixed
 * ones. Written without a look at the library's limiter, which is tested against it.
 */
#include "emulator.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scope {
    char *name;
    int64_t window_number, used; /* fixed windows */
    int64_t *stamps;             /* sliding: the last `limit` that count, a ring */
    size_t stored, next;
};

struct quota {
    const struct settings *settings;
    void *scopes; /* a tree of struct scope */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct scope *)a)->name, ((const struct scope *)b)->name);
}

struct quota *quota_new(const struct settings *s)
{
    struct quota *q = calloc(1, sizeof *q);
    if (q)
        q->settings = s;
    return q;
}

static void scope_free(void *p)
{
    struct scope *scope = p;
    free(scope->name);
    free(scope->stamps);
    free(scope);
}

void quota_free(struct quota *q)
{
    if (q)
        tdestroy(q->scopes, scope_free);
    free(q);
}

/* Finds or makes the scope and takes over `name`. */
static struct scope *find(struct quota *q, char *name, size_t limit)
{
    struct scope wanted = {.name = name}, *made;
    struct scope **found = tfind(&wanted, &q->scopes, by_name);
    if (found) {
        free(name);
        return *found;
    }
    made = calloc(1, sizeof *made);
    if (made) {
        made->name = name;
        made->stamps = calloc(limit, sizeof *made->stamps);
    }
    if (!made || !made->stamps || !tsearch(made, &q->scopes, by_name)) {
        fprintf(stderr, "emqxtls-emulator: no memory for the quota\n");
        abort();
    }
    return made;
}

static int64_t take_fixed(struct quota *q, struct scope *scope, int64_t limit, int64_t now)
{
    const struct settings *s = q->settings;
    int64_t since = now - s->window_offset;
    int64_t number = since >= 0 ? since / s->window : (since + 1) / s->window - 1;
    if (scope->window_number != number)
        scope->used = 0;
    scope->window_number = number;
    bool passes = scope->used < limit;
    if (passes || s->count_rejected)
        scope->used++;
    return passes ? 0 : (number + 1) * s->window - since;
}

static int64_t take_sliding(struct quota *q, struct scope *scope, int64_t limit, int64_t now)
{
    const struct settings *s = q->settings;
    size_t size = (size_t)limit;
    int64_t wait = 0;
    if (scope->stored == size) /* `next` is then the oldest of the last `limit` */
        wait = scope->stamps[scope->next] + s->window - now;
    if (wait > 0 && !s->count_rejected)
        return wait;
    scope->stamps[scope->next] = now;
    scope->next = (scope->next + 1) % size;
    if (scope->stored < size)
        scope->stored++;
    if (wait <= 0)
        return 0;
    return scope->stamps[scope->next] + s->window - now;
}

int64_t quota_take(struct quota *q, const char *api_key, const char *method, const char *deployment,
                   int64_t now)
{
    const struct settings *s = q->settings;
    bool read = !strcmp(method, "GET");
    int64_t limit = read ? s->reads : s->writes;
    char *name;
    const char *kind = s->per_method ? method : read ? "read" : "write";
    if (asprintf(&name, "%s %s %s", api_key, kind, s->per_deployment ? deployment : "") < 0)
        return s->window;
    struct scope *scope = find(q, name, (size_t)limit);
    return s->window_kind == KIND_FIXED ? take_fixed(q, scope, limit, now)
                                        : take_sliding(q, scope, limit, now);
}
