/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What arrived, one JSON object a line, written before the answer is sent. Names and numbers only:
 * no header, no body.
 */
#include "emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

struct log {
    FILE *file;
    uint64_t sequence;
};

struct log *log_open(const char *path)
{
    struct log *log = calloc(1, sizeof *log);
    if (!log || !path)
        return log;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    log->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (log->file)
        return log;
    fprintf(stderr, "emqxtls-emulator: can't write the log %s: %s\n", path, strerror(errno));
    free(log);
    return NULL;
}

void log_write(struct log *log, int64_t ms, const struct arrival *a)
{
    const struct request *r = a->request;
    log->sequence++;
    if (!log->file)
        return;
    json_t *line = json_pack(
        "{s:I, s:I, s:I, s:I, s:b, s:i, s:b, s:s*}", "sequence", (json_int_t)log->sequence, "ms",
        (json_int_t)ms, "connection", (json_int_t)a->connection, "request", (json_int_t)a->nr,
        "read", a->read, "status", a->status, "carried_out", a->carried_out, "fault", a->fault);
    if (r && a->read && r->path) {
        json_object_set_new(line, "method", json_string(r->method));
        json_object_set_new(line, "path", json_string(r->path));
        json_object_set_new(line, "body_length", json_integer((json_int_t)r->body_len));
    }
    if (a->sha256[0])
        json_object_set_new(line, "sha256", json_string(a->sha256));
    json_dumpf(line, log->file, JSON_COMPACT);
    json_decref(line);
    fputc('\n', log->file);
    if (fflush(log->file))
        fprintf(stderr, "emqxtls-emulator: can't write the log: %s\n", strerror(errno));
}

void log_close(struct log *log)
{
    if (log && log->file)
        fclose(log->file);
    free(log);
}
