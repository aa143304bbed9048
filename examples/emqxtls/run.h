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
    struct reading *reading;
    emqx_tls_call *call; /* while it is under way */
    int64_t since_ms;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
};

/* What --openmetrics tells of a deployment. */
struct reading {
    bool good;
    uint32_t state;
    int64_t expire;
};

struct fleet {
    const struct options *options;
    emqx_tls_client *client;
    const emqx_tls_request *request; /* NULL where the command needs none */
    struct journal *journal;         /* NULL: without --resume */
    json_t *warnings;                /* of the check */
    json_t *refusals;         /* the same; of what is in place already they are warnings, too */
    const char **deployments; /* each once, without those that are done */
    struct reading *readings; /* of each; NULL: without --openmetrics */
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

/* -- exit.c */
int exit_of(const emqx_tls_error *error); /* where no write was sent */
int exit_of_job(const struct options *o, const struct job *job);
int worse(int a, int b);
/* What --min-days-left of status asks for; no certificate at all counts, too. */
bool ends_soon(const struct options *o, const struct job *job);

/* -- show.c */
int64_t monotonic_ms(void);
const char *action_name(const struct options *o, const emqx_tls_ensure_result *r);
const char *state_name(const emqx_tls_status *s);
bool in_place(const struct options *o, const struct job *job); /* nothing had to be written */
void show_job(const struct options *o, const struct job *job);
void show_log(void *user, int32_t level, const char *line);
void show_failure(const struct options *o, const emqx_tls_error *error);
/* Makes sure that all has been written; returns what to end with. */
int show_last(const struct options *o, int code);

/* -- json.c: the objects of --json */
json_t *json_of(const char *text);
json_t *json_of_message(const char *text); /* of the library */
json_t *json_outcome(const struct options *o, const char *deployment, const char *code,
                     int exit_code);
json_t *json_failure(const struct options *o, const char *deployment, const emqx_tls_error *error,
                     int exit_code);
void json_end(json_t *j, const char *text, int64_t epoch); /* of validity */
void show_object(json_t *j, FILE *to);                     /* on a line; frees it */
void show_job_object(const struct options *o, const struct job *job, FILE *to);
void show_missing_object(const struct options *o, int code); /* if there was none so far */

/* -- metrics.c */
int write_metrics(const struct fleet *f);

/* -- quota.c */
int show_quota(const struct options *o, emqx_tls_limiter *limiter);

/* -- progress.c */
bool quota_of(const struct fleet *f, uint32_t op, const char *deployment, emqx_tls_quota *q);
size_t columns_of(int fd); /* of a terminal; 80 if it does not tell */
void show_progress(const struct fleet *fleet);
void show_end(const struct fleet *fleet);
void hide_progress(const struct fleet *fleet);

/* -- local.c: commands that need no platform */
int run_check(const struct options *o);
void show_warnings(struct fleet *fleet, const struct material *m); /* of the check */
int run_probe(const struct options *o);

#endif
