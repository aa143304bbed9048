/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is shown on a terminal while it runs, in one line that is written over, and what many
 * deployments end with.
 */
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void print_span(FILE *to, int64_t ms)
{
    int64_t s = (ms + 999) / 1000;
    if (s < 120)
        fprintf(to, "%" PRId64 " s", s);
    else if (s < 7200)
        fprintf(to, "%" PRId64 " min", s / 60);
    else
        fprintf(to, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
}

bool quota_of(const struct fleet *f, uint32_t op, const char *deployment, emqx_tls_quota *q)
{
    return emqx_tls_limiter_query(emqx_tls_client_limiter(f->client), op, deployment, q, NULL) ==
           EMQX_TLS_OK;
}

/* How long the quota takes at least to let so many requests through. */
static int64_t let_through(const struct fleet *f, uint32_t op, int64_t requests)
{
    emqx_tls_quota q;
    emqx_tls_quota_init(&q);
    q.ahead = (uint32_t)(requests - 1);
    return requests > 0 && quota_of(f, op, f->options->deployments[0], &q) ? q.next_ms : 0;
}

/* By the pace so far, and by what the quota lets through: at least a read each, and of the writes
 * as many as there were so far. Where it does not wait for quota, what is left ends without. */
static int64_t estimate(const struct fleet *f)
{
    const struct options *o = f->options;
    int64_t left = (int64_t)(f->count - f->done), passed = monotonic_ms() - f->began_ms,
            longest = 0;
    if (f->done)
        longest = passed * left / (int64_t)f->done;
    if (o->per_deployment || o->wait_ms == 0)
        return longest;
    int64_t to_write = o->info->command != ENSURE || o->dry_run ? 0 : left;
    if (f->done)
        to_write = left * (int64_t)f->written / (int64_t)f->done;
    int64_t quota[] = {let_through(f, EMQX_TLS_OP_GET, left - (int64_t)f->active),
                       let_through(f, EMQX_TLS_OP_UPDATE, to_write)};
    for (size_t i = 0; i < 2; i++)
        longest = quota[i] > longest ? quota[i] : longest;
    return longest < o->wait_ms - passed ? longest : o->wait_ms - passed;
}

static void print_progress(FILE *to, const struct fleet *f)
{
    emqx_tls_quota reads, writes;
    emqx_tls_quota_init(&reads);
    emqx_tls_quota_init(&writes);
    const char *any = f->options->deployments[0];
    bool known =
        quota_of(f, EMQX_TLS_OP_GET, any, &reads) && quota_of(f, EMQX_TLS_OP_UPDATE, any, &writes);
    if (f->count == 1) {
        emqx_tls_status status;
        emqx_tls_status_init(&status);
        emqx_tls_call_result(f->jobs[0].call, &status, NULL);
        put_text(to, f->jobs[0].deployment);
        fputs(": ", to);
        put_text(to, state_name(&status));
        fputs(", ", to);
        print_span(to, monotonic_ms() - f->jobs[0].since_ms);
        int64_t next = emqx_tls_client_next_ms(f->client);
        if (next >= 0) {
            fputs(", next look in ", to);
            print_span(to, next);
        }
    } else {
        fprintf(to, "%zu of %zu, %zu under way", f->done, f->count, f->active);
        int64_t left = estimate(f);
        if (left > 0) {
            fputs(", about ", to);
            print_span(to, left);
            fputs(" to go", to);
        }
    }
    if (known && !f->options->per_deployment)
        fprintf(to, ", quota left: %u reads, %u writes", (unsigned)reads.remaining,
                (unsigned)writes.remaining);
}

size_t columns_of(int fd)
{
    struct winsize window;
    return ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col : 80;
}

void show_progress(const struct fleet *f)
{
    char *line = NULL;
    size_t len = 0, room = columns_of(STDERR_FILENO) - 1;
    FILE *to = open_memstream(&line, &len);
    if (!to)
        return;
    print_progress(to, f);
    if (fclose(to) == 0) {
        /* a line that the terminal breaks could not be written over; what is whole is shown */
        size_t cut = len > room ? room : 0;
        while (cut > 0 && line[cut] != ',')
            cut--;
        fprintf(stderr, "\r\033[K%.*s", (int)(cut ? cut : room), line);
    }
    free(line);
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
