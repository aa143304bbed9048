/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Commands that talk to the platform, for one deployment or many at once.
 */
#ifndef RUN_H
#define RUN_H

#include <stdio.h>

#include <jansson.h>

#include "options.h"

/* One deployment's part of the work, and what became of it. Used again for the next one. */
struct job {
    struct fleet *fleet;
    struct job *next;       /* idle */
    const char *deployment; /* NULL: idle */
    emqx_tls_call *call;    /* while it is under way */
    int64_t since_ms;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
};

struct fleet {
    const struct options *options;
    emqx_tls_client *client;
    const emqx_tls_request *request; /* NULL where the command needs none */
    struct journal *journal;         /* NULL: without --resume */
    json_t *warnings;                /* of the check, for --json */
    const char **deployments;        /* each once, without those that are done */
    size_t count;
    struct job *jobs, *idle;
    size_t job_count;
    size_t begun, active, done, failed, written;
    int64_t began_ms;
    int exit_code;
    bool progress; /* a terminal: show what is going on */
    bool stopped;  /* what was not begun is left */
};

int run_platform_command(const struct options *o);

/* -- fleet.c: does it; returns the exit code */
int run_fleet(struct fleet *fleet);

/* Opens the limiter that the options name. `key` tells the default file of one key from that of
 * another. */
int open_limiter(const struct options *o, const struct credentials *c, emqx_tls_limiter **limiter);

/* -- show.c */
int64_t monotonic_ms(void);
int exit_of(const emqx_tls_error *error); /* where no write was sent */
int exit_of_job(const struct options *o, const struct job *job);
int worse(int a, int b);
void show_job(const struct options *o, const struct job *job);
void show_log(void *user, int32_t level, const char *line);
void show_failure(const struct options *o, const emqx_tls_error *error);
int show_last(int code); /* makes sure that all has been written; returns what to end with */
int show_quota(const struct options *o, emqx_tls_limiter *limiter);
const char *state_name(const emqx_tls_status *s);
json_t *json_of(const char *text);
void show_object(json_t *j); /* on a line; frees it */
void put_text(FILE *to, const char *text);

/* -- progress.c */
void show_progress(const struct fleet *fleet);
void show_end(const struct fleet *fleet);
void hide_progress(const struct fleet *fleet);

/* -- local.c: commands that need no platform */
int run_check(const struct options *o);
/* Shows what the check warns of, and returns it as `check` has it. */
json_t *show_warnings(const struct options *o, const struct material *m);
int run_probe(const struct options *o);

#endif
