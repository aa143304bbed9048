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

enum { SQUARES = 30, LINE = 48, BESIDE_LINE = 15, WINDOW_MS = 3602800 };

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

/* From now to one window later: where the next slot comes free. */
static void draw_line(const emqx_tls_quota *q)
{
    char at[16] = "";
    time_t then = time(NULL) + (time_t)((q->next_ms + 999) / 1000);
    int64_t room = (int64_t)columns_of(STDOUT_FILENO) - BESIDE_LINE;
    int64_t line = room < 10 ? 10 : room < LINE ? room : LINE;
    int64_t place = q->next_ms * (line - 1) / WINDOW_MS;
    struct tm local;
    if (localtime_r(&then, &local))
        strftime(at, sizeof at, "%H:%M:%S", &local);
    printf("    now |");
    for (int64_t i = 0; i < line; i++)
        putchar(i == (place < line ? place : line - 1) ? 'o' : '-');
    printf("| 1 h\n    the next at %s\n", at);
}

int show_quota(const struct options *o, emqx_tls_limiter *limiter)
{
    static const struct {
        const char *name;
        uint32_t op;
    } classes[] = {{"reads", EMQX_TLS_OP_GET}, {"writes", EMQX_TLS_OP_UPDATE}};
    const char *deployment = o->deployment_count ? o->deployments[0] : NULL;
    bool drawn = !o->json && !o->quiet && isatty(STDOUT_FILENO);
    for (size_t i = 0; i < 2; i++) {
        emqx_tls_quota q;
        emqx_tls_error error;
        emqx_tls_quota_init(&q);
        emqx_tls_error_init(&error);
        if (emqx_tls_limiter_query(limiter, classes[i].op, deployment, &q, &error) != EMQX_TLS_OK) {
            show_failure(o, &error);
            return exit_of(&error);
        }
        if (o->json)
            show_quota_object(o, classes[i].name, &q);
        else
            print_line(classes[i].name, &q);
        if (drawn)
            draw_squares(&q);
        if (drawn && q.next_ms > 0)
            draw_line(&q);
    }
    return EXIT_DONE;
}
