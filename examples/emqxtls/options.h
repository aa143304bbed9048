/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The command line of `emqxtls`, parsed and checked; and where endpoint and credentials come from.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emqxtls/emqxtls.h>

#include "words.h"

/* What the command ends with. docs/emqxtls.1.scd lists them. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,    /* no memory, a store that is damaged, ... */
    EXIT_USAGE = 2,    /* wrong options, unreadable files */
    EXIT_CHECK = 3,    /* refused locally: nothing was sent */
    EXIT_PLATFORM = 4, /* refused by the platform */
    EXIT_LATER = 5,    /* no quota, not reachable, not finished in time: run it again later */
    EXIT_UNKNOWN = 6,  /* a write whose outcome is not known: run `status` or `ensure` */
};

enum command { STATUS, CREATE, UPDATE, DELETE, ENSURE, WAIT, REMOVE, CHECK, PROBE, QUOTA };

struct command_info {
    const char *name;
    enum command command;
    bool needs_deployment, many_deployments, needs_certificate;
    const char *help;
};
extern const struct command_info commands[];
extern const size_t command_count;

struct options {
    const struct command_info *info;
    char **deployments;
    size_t deployment_count;
    const char *cert_file, *key_file, *cacert_file;
    uint32_t type; /* UNKNOWN: by whether there is a client CA */
    uint32_t wait_ms;
    bool wait_given; /* --wait 0 is not the same as none */
    bool dry_run, force, allow_earlier, per_deployment;
    const char *quota;        /* path, URL or "memory"; NULL: the default file */
    const char *quota_prefix; /* in Redis; NULL: one for each API key */
    const char *receipt_dir;
    const char *resume_file;
    char *probe_host;
    int probe_port;
    const char *ca_file;
    const char *secret_file;
    bool allow_http;
    int concurrency;
    bool json, quiet, verbose, openmetrics;
    const char *output; /* of openmetrics; NULL: standard output */
    const char *host;   /* check: a name that clients connect to */
    int min_days_left;  /* -1: the default */
};

/* Parses; on trouble prints it to stderr and returns EXIT_USAGE. --help and --version print and set
 * *stop. */
int options_parse(struct options *o, int argc, char **argv, bool *stop);
void options_free(struct options *o);

/* Endpoint, key and secret: from --secret-file, systemd's credential "emqxtls", or the
 * environment. All from one. */
struct credentials {
    char *endpoint, *api_key, *api_secret;
    char *quota; /* as --quota-file, which goes before it; NULL: not told */
};
int credentials_load(struct credentials *c, const struct options *o);
void credentials_free(struct credentials *c); /* wipes */

/* A whole file, with a NUL behind it; says on stderr what is wrong and returns NULL. Wiped by
 * file_free. */
char *file_read(const char *path, size_t *len, bool secret);
void file_free(char *data, size_t len);

/* What is on a line of a file: without blanks around, BOM and CR. NULL: nothing, or a comment. */
char *line_trim(char *line, unsigned number);

/* A request from the files of the options. */
struct material {
    emqx_tls_request request;
    char *parts[3]; /* chain, key, client CA */
};
int material_load(struct material *m, const struct options *o);
void material_free(struct material *m);

/* -- journal.c: what is done of a run, in --resume FILE. NULL is fine for all but `open`. */
struct journal;
int journal_open(struct journal **journal, const struct options *o,
                 const struct material *m); /* to be closed in any case */
bool journal_has(const struct journal *journal, const char *deployment);
void journal_note(struct journal *journal, const char *deployment);
/* all_done: the file is not needed any more */
void journal_close(struct journal *journal, bool all_done);

#endif
