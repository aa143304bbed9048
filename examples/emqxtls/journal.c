/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Which deployments of a long run are done, in a file of --resume: its first line says what the run
 * is about, each further one names a deployment. A run about the same leaves those out; when none
 * is left, the file goes. Nothing is lost with it but time: a deployment that is done twice costs a
 * read.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGINNING "# emqxtls "

struct journal {
    const char *path;
    FILE *file;
    void *done; /* a tree of names */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static uint64_t hash(uint64_t h, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        /* FNV-1a: told from another by mistake, not by attack */
        h = (h ^ (unsigned char)data[i]) * 1099511628211u;
    return h;
}

/* What the run is about: the command, and what is to be in place afterwards. */
static void subject(char to[64], const struct options *o, const struct material *m)
{
    const emqx_tls_request *r = &m->request;
    uint64_t h = hash(14695981039346656037u, (const char *)&r->type, sizeof r->type);
    h = hash(h, r->cert, r->cert_len);
    h = hash(h, r->cacert, r->cacert_len);
    snprintf(to, 64, BEGINNING "%s%s %016" PRIx64, o->info->name, o->dry_run ? " --dry-run" : "",
             h);
}

static bool add(struct journal *j, const char *line)
{
    char *name = strdup(line);
    char *const *first = name ? tsearch(name, &j->done, by_name) : NULL;
    if (!first || *first != name) /* a second time */
        free(name);
    return first != NULL;
}

/* Reads it, or begins it anew if it is about something else. NULL, or what is wrong. */
static const char *load(struct journal *j, const char *about)
{
    char *line = NULL;
    size_t room = 0;
    bool memory = true, same = false;
    ssize_t n = getline(&line, &room, j->file);
    bool own = n < 0 || strncmp(line, BEGINNING, strlen(BEGINNING)) == 0;
    if (n > 0 && line[n - 1] == '\n') {
        line[n - 1] = '\0';
        same = strcmp(line, about) == 0;
    }
    while (memory && same && (n = getline(&line, &room, j->file)) > 0 && line[n - 1] == '\n') {
        line[n - 1] = '\0';
        memory = add(j, line);
    }
    free(line);
    if (!own)
        return "is something else: give a file of its own";
    if (!memory)
        return "out of memory";
    if (!same && (ftruncate(fileno(j->file), 0) != 0 || fprintf(j->file, "%s\n", about) < 0 ||
                  fflush(j->file) != 0))
        return strerror(errno);
    return NULL;
}

/* NULL, or what is wrong. Whatever was opened is in *j. */
static const char *open_file(struct journal *j, const char *about)
{
    struct stat info;
    int fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return strerror(errno);
    j->file = fdopen(fd, "a+");
    if (!j->file) {
        close(fd);
        return "out of memory";
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return "not a file";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return "another run is at it";
    rewind(j->file);
    return load(j, about);
}

int journal_open(struct journal **out, const struct options *o, const struct material *m)
{
    char about[64];
    struct journal *j = calloc(1, sizeof *j);
    const char *problem = "out of memory";
    if (j) {
        j->path = o->resume_file;
        subject(about, o, m);
        problem = open_file(j, about);
    }
    *out = j;
    if (!problem)
        return EXIT_DONE;
    say("--resume %s: %s", o->resume_file, problem);
    return EXIT_USAGE;
}

bool journal_has(const struct journal *j, const char *deployment)
{
    return j && tfind(deployment, &j->done, by_name);
}

void journal_note(struct journal *j, const char *deployment)
{
    if (j && (fprintf(j->file, "%s\n", deployment) < 0 || fflush(j->file) != 0))
        fprintf(stderr, "emqxtls: %s: %s\n", j->path, strerror(errno));
}

void journal_close(struct journal *j, bool all_done)
{
    if (!j)
        return;
    if (all_done)
        unlink(j->path);
    if (j->file)
        fclose(j->file);
    tdestroy(j->done, free);
    free(j);
}
