/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * emqxtls quota: a line for each class, or an object; on a terminal a drawing, too.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SQUARES = 30, LINE = 48, BESIDE_LINE = 20, HOUR_MS = 3600 * 1000, TIMES = 64 };

/* A class of requests, and whom to ask for its quota. */
struct asked {
    emqx_tls_limiter *limiter;
    const char *name;
    uint32_t op;
    const char *deployment;
};

static const char *why_none(const emqx_tls_quota *q)
{
    return q->reason == EMQX_TLS_QUOTA_SHUT        ? "shut after a 429"
           : q->reason == EMQX_TLS_QUOTA_IN_FLIGHT ? "calls in flight"
                                                   : "";
}

static void show_quota_object(const struct options *o, const char *name, const emqx_tls_quota *q)
{
    json_t *j = json_outcome(o, NULL, "OK", EXIT_DONE);
    json_object_set_new(j, "class", json_string(name));
    json_object_set_new(j, "limit", json_integer(q->limit));
    json_object_set_new(j, "used", json_integer(q->used));
    json_object_set_new(j, "remaining", json_integer(q->remaining));
    json_object_set_new(j, "next_s", json_integer((q->next_ms + 999) / 1000));
    json_object_set_new(j, "reason", json_string(why_none(q)));
    show_object(j, stdout);
}

static void print_line(const char *name, const emqx_tls_quota *q)
{
    const char *why = why_none(q);
    if (q->next_ms == 0)
        printf("%s: %u of %u left\n", name, (unsigned)q->remaining, (unsigned)q->limit);
    else
        printf("%s: none of %u left, the next in %" PRId64 " s%s%s\n", name, (unsigned)q->limit,
               (q->next_ms + 999) / 1000, *why ? ": " : "", why);
}

/* What is used, square by square, as many as fit. */
static void draw_squares(const emqx_tls_quota *q)
{
    uint32_t width = q->limit < SQUARES ? q->limit : SQUARES;
    uint64_t used = (uint64_t)(q->limit - q->remaining) * width;
    uint32_t filled = (uint32_t)((used + q->limit - 1) / q->limit);
    printf("    [");
    for (uint32_t i = 0; i < width; i++)
        putchar(i < filled ? '#' : '.');
    puts("]");
}

/* The time of day that so many milliseconds from now will be. */
static void put_time(const char *before, int64_t ms)
{
    time_t then = time(NULL) + (time_t)((ms + 999) / 1000);
    char text[16] = "";
    struct tm local;
    if (localtime_r(&then, &local))
        strftime(text, sizeof text, "%H:%M:%S", &local);
    printf("%s%s", before, text);
}

/* When the slots that are used come free again, one after the other; of a large quota every
 * `step`th. Returns how many; 0: none, or it could not be asked. */
static uint32_t ask_times(const struct asked *a, const emqx_tls_quota *now, uint32_t step,
                          int64_t times[TIMES], emqx_tls_error *error)
{
    emqx_tls_quota q = *now;
    uint32_t count = now->used / step, n = 0;
    for (q.ahead = now->limit - now->used + step - 1; n < count; q.ahead += step) {
        if (emqx_tls_limiter_query(a->limiter, a->op, a->deployment, &q, error) != EMQX_TLS_OK)
            return 0;
        times[n++] = q.next_ms;
    }
    return n;
}

/* An hour from now, or longer: how many slots come free in each part of it. */
static void draw_line(const struct asked *a, const emqx_tls_quota *now, emqx_tls_error *error)
{
    int64_t room = (int64_t)columns_of(STDOUT_FILENO) - BESIDE_LINE, times[TIMES];
    int64_t line = room < 10 ? 10 : room < LINE ? room : LINE;
    uint32_t step = now->used / TIMES + 1, freed[LINE] = {0};
    uint32_t n = ask_times(a, now, step, times, error);
    if (n == 0)
        return;
    int64_t span = times[n - 1] > HOUR_MS ? times[n - 1] : HOUR_MS;
    for (uint32_t i = 0; i < n; i++)
        freed[times[i] * (line - 1) / span] += step;
    printf("    now |");
    for (int64_t i = 0; i < line; i++)
        putchar(freed[i] > 9 ? '+' : freed[i] ? (int)('0' + freed[i]) : '-');
    put_time("| ", span);
    put_time("\n    first at ", times[0]);
    put_time(", all at ", times[n - 1]);
    putchar('\n');
}

static emqx_tls_code show_class(const struct options *o, const struct asked *a, bool drawn,
                                emqx_tls_error *error)
{
    emqx_tls_quota q;
    emqx_tls_quota_init(&q);
    if (emqx_tls_limiter_query(a->limiter, a->op, a->deployment, &q, error) != EMQX_TLS_OK)
        return error->code;
    if (o->json)
        show_quota_object(o, a->name, &q);
    else
        print_line(a->name, &q);
    if (drawn) {
        draw_squares(&q);
        draw_line(a, &q, error);
    }
    return error->code;
}

int show_quota(const struct options *o, emqx_tls_limiter *limiter)
{
    const char *deployment = o->deployment_count ? o->deployments[0] : NULL;
    const struct asked classes[] = {{limiter, "reads", EMQX_TLS_OP_GET, deployment},
                                    {limiter, "writes", EMQX_TLS_OP_UPDATE, deployment}};
    bool drawn = !o->json && !o->quiet && isatty(STDOUT_FILENO);
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    for (size_t i = 0; i < 2; i++)
        if (show_class(o, &classes[i], drawn, &error) != EMQX_TLS_OK) {
            show_failure(o, &error);
            return exit_of(&error);
        }
    return EXIT_DONE;
}
