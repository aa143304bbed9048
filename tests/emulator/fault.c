/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A queue of faults, each a JSON object. docs/emulator.md lists the members.
 */
#include "emulator.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct faults {
    struct fault *first;
};

struct faults *faults_new(void)
{
    return calloc(1, sizeof(struct faults));
}

void fault_free(struct fault *f)
{
    if (!f)
        return;
    free(f->name);
    free(f->method);
    free(f->deployment);
    free(f->headers);
    free(f->body);
    free(f->raw);
    free(f);
}

void faults_clear(struct faults *all)
{
    while (all->first) {
        struct fault *f = all->first;
        all->first = f->next;
        fault_free(f);
    }
}

void faults_free(struct faults *all)
{
    if (all)
        faults_clear(all);
    free(all);
}

size_t faults_left(const struct faults *all)
{
    size_t n = 0;
    for (const struct fault *f = all->first; f; f = f->next)
        n += f->times > 0;
    return n;
}

static char *copy(const char *text, size_t len)
{
    char *to = text ? malloc(len + 1) : NULL;
    if (to) {
        memcpy(to, text, len);
        to[len] = '\0';
    }
    return to;
}

/* ["Name: value", ...] as header lines. False: it is something else, or too long. */
static bool read_headers(struct fault *f, const json_t *list)
{
    struct answer lines = {0};
    size_t i;
    json_t *line;
    if (list && !json_is_array(list))
        return false;
    json_array_foreach(list, i, line)
    {
        if (!json_is_string(line) || !answer_header(&lines, "%s\r\n", json_string_value(line)))
            return false;
    }
    f->headers = strdup(lines.headers);
    return f->headers;
}

static bool read_end(struct fault *f, const char *end)
{
    static const char *const names[] = {"keep", "close", "drop", "reset", "stall"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!strcmp(end, names[i])) {
            f->end = (enum stream_end)i;
            return true;
        }
    }
    return false;
}

/* NULL, or what is wrong. */
static const char *read_fault(const json_t *json, struct fault *f)
{
    static char wrong[JSON_ERROR_TEXT_LENGTH];
    json_error_t error;
    const char *name = NULL, *method = NULL, *deployment = NULL, *body = NULL, *raw = NULL,
               *end = "keep", *at = "request";
    json_t *headers = NULL;
    int reused = 0, carry_out = -1, echo = 0, hold = 0;
    json_int_t skip = 0, times = 1, read = -1, latency = 0, stall = 3600000, status = 0, fill = 0,
               cut = -1, cut_body = -1, piece = 0, piece_ms = 0;
    if (json_unpack_ex((json_t *)(uintptr_t)json, &error, JSON_STRICT,
                       "{s?s, s?s, s?s, s?s, s?b, s?I, s?I, s?I, s?b, s?I, s?I, s?I, s?o, s?s%, "
                       "s?I, s?s%, s?b, s?I, s?I,"
                       " s?I, s?I, s?b, s?s}",
                       "name", &name, "at", &at, "method", &method, "deployment", &deployment,
                       "reused", &reused, "skip", &skip, "times", &times, "read", &read,
                       "carry_out", &carry_out, "latency_ms", &latency, "stall_ms", &stall,
                       "status", &status, "headers", &headers, "body", &body, &f->body_len, "fill",
                       &fill, "raw", &raw, &f->raw_len, "echo", &echo, "cut", &cut, "cut_body",
                       &cut_body, "piece", &piece, "piece_ms", &piece_ms, "hold", &hold, "end",
                       &end)) {
        snprintf(wrong, sizeof wrong, "%s", error.text);
        return wrong;
    }
    if (!read_end(f, end))
        return "end is keep, close, drop, reset or stall";
    if (!read_headers(f, headers))
        return "headers is a list of texts, 1000 bytes together at most";
    f->at_connect = !strcmp(at, "connect");
    if (!f->at_connect && strcmp(at, "request"))
        return "at is connect or request";
    if ((read >= 0 || f->at_connect) && (method || deployment))
        return "before the request was read, its method and deployment are not known";
    if ((read >= 0 || f->at_connect) && f->end == END_KEEP)
        return "without reading the request, end has to say what becomes of the connection";
    f->name = strdup(name ? name : "fault");
    f->method = copy(method, method ? strlen(method) : 0);
    f->deployment = copy(deployment, deployment ? strlen(deployment) : 0);
    f->reused_only = reused;
    f->skip = skip;
    f->times = times;
    f->read = read;
    f->carry_out = carry_out;
    f->latency = latency;
    f->stall = stall;
    f->hold = hold;
    f->status = (int)status;
    f->body = copy(body, f->body_len);
    f->raw = copy(raw, f->raw_len);
    if (fill > 0 && (f->body = malloc((size_t)fill + 1))) {
        memset(f->body, ' ', (size_t)fill + 1);
        f->body_len = (size_t)fill;
    }
    f->echo = echo;
    f->cut = cut;
    f->cut_body = cut_body;
    f->piece = piece;
    f->piece_ms = piece_ms;
    return NULL;
}

static const char *add_one(struct faults *all, const json_t *json)
{
    struct fault *f = calloc(1, sizeof *f), **end = &all->first;
    const char *wrong = f ? read_fault(json, f) : "no memory";
    if (wrong) {
        fault_free(f);
        return wrong;
    }
    while (*end)
        end = &(*end)->next;
    *end = f;
    return NULL;
}

char *faults_add(struct faults *all, const char *text, size_t len)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error), *one;
    const char *wrong = json ? NULL : error.text;
    size_t i;
    if (json_is_array(json)) {
        json_array_foreach(json, i, one)
        {
            if (!wrong)
                wrong = add_one(all, one);
        }
    } else if (json) {
        wrong = add_one(all, json);
    }
    char *told = wrong ? strdup(wrong) : NULL;
    json_decref(json);
    return told;
}

static bool applies(const struct fault *f, enum fault_place place, uint64_t nr, const char *method,
                    const char *deployment)
{
    enum fault_place own = f->at_connect  ? FAULT_AT_CONNECT
                           : f->read >= 0 ? FAULT_AT_FIRST_BYTE
                                          : FAULT_AT_REQUEST;
    return own == place && (!f->reused_only || nr > 1) &&
           (!f->method || !strcmp(f->method, method)) &&
           (!f->deployment || (deployment && !strcmp(f->deployment, deployment)));
}

static struct fault *duplicate(const struct fault *f)
{
    struct fault *own = malloc(sizeof *own);
    if (!own)
        return NULL;
    *own = *f;
    own->next = NULL;
    own->name = strdup(f->name);
    own->method = own->deployment = NULL;
    own->headers = strdup(f->headers);
    own->body = copy(f->body, f->body_len);
    own->raw = copy(f->raw, f->raw_len);
    return own;
}

struct fault *faults_take(struct faults *all, enum fault_place place, uint64_t nr,
                          const char *method, const char *deployment)
{
    for (struct fault **at = &all->first; *at; at = &(*at)->next) {
        struct fault *f = *at;
        if (!applies(f, place, nr, method, deployment))
            continue;
        if (f->skip > 0) {
            f->skip--;
            return NULL; /* faults behind it wait for their turn */
        }
        if (f->times == 0)
            return duplicate(f);
        if (f->times > 1) {
            f->times--;
            return duplicate(f);
        }
        *at = f->next;
        f->next = NULL;
        return f;
    }
    return NULL;
}
