/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * As much of HTTP/1.1 as the platform's clients use. Own code: faults in the middle of a request or
 * an answer need each byte in hand, which no server library gives.
 */
#include "emulator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HEAD_MAX 16384
#define BODY_MAX (1024 * 1024)

/* The value of a header line, not NUL-terminated; NULL: there is no such line. */
static const char *header(const struct request *r, const char *name, size_t *len)
{
    size_t n = strlen(name);
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (!strncasecmp(line, name, n) && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " \t");
            *len = strcspn(line, "\r");
            return line;
        }
    }
    return NULL;
}

static bool header_is(const struct request *r, const char *name, const char *value)
{
    size_t len;
    const char *found = header(r, name, &len);
    return found && len == strlen(value) && !strncasecmp(found, value, len);
}

/* Takes method, path and what the rest needs from the head. 0, or the status with which to refuse
 * it. */
static int parse(struct request *r, size_t *body_len)
{
    size_t len;
    const char *space = strchr(r->head, ' ');
    if (!space || space == r->head || (size_t)(space - r->head) >= sizeof r->method)
        return 400;
    memcpy(r->method, r->head, (size_t)(space - r->head));
    const char *path = space + 1;
    len = strcspn(path, " \r");
    if (*path != '/' ||
        (strncmp(path + len, " HTTP/1.1\r\n", 11) && strncmp(path + len, " HTTP/1.0\r\n", 11)))
        return 400;
    r->path = strndup(path, len);
    r->keep_alive = path[len + 8] == '1' && !header_is(r, "Connection", "close");
    const char *value = header(r, "Authorization", &len);
    if (value)
        r->authorization = strndup(value, len);
    if (header(r, "Transfer-Encoding", &len))
        return 411;
    value = header(r, "Content-Length", &len);
    *body_len = 0;
    if (value) {
        char *end;
        *body_len = strtoul(value, &end, 10);
        if (!len || end != value + len || *value == '-')
            return 400;
    }
    return *body_len > BODY_MAX ? 413 : 0;
}

int http_read(struct stream *s, struct request *r, int64_t deadline)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t body_len;
    r->head = calloc(1, HEAD_MAX + 1);
    if (!r->head)
        return 500;
    while (r->head_len < 4 || memcmp(r->head + r->head_len - 4, "\r\n\r\n", 4)) {
        int c = stream_getc(s, deadline);
        if (c < 0)
            return r->head_len ? HTTP_CUT : HTTP_GONE;
        if (r->head_len == HEAD_MAX)
            return 431;
        if (!c)
            return 400;
        r->head[r->head_len++] = (char)c;
    }
    int status = parse(r, &body_len);
    if (status)
        return status;
    r->body = calloc(1, body_len + 1);
    if (!r->body)
        return 500;
    if (header_is(r, "Expect", "100-continue") &&
        !stream_write(s, go_on, sizeof go_on - 1, deadline))
        return HTTP_CUT;
    r->body_len = body_len;
    return stream_read(s, r->body, body_len, deadline) ? HTTP_OK : HTTP_CUT;
}

static void wipe_text(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void http_request_free(struct request *r)
{
    if (r->body)
        OPENSSL_cleanse(r->body, r->body_len);
    free(r->body);
    free(r->path);
    wipe_text(r->head);
    wipe_text(r->authorization);
    memset(r, 0, sizeof *r);
}

void answer_text(struct answer *a, int status, const char *format, ...)
{
    va_list arguments;
    answer_free(a);
    va_start(arguments, format);
    int n = vasprintf(&a->body, format, arguments);
    va_end(arguments);
    if (n < 0)
        a->body = NULL;
    a->body_len = n < 0 ? 0 : (size_t)n;
    a->status = status;
}

bool answer_header(struct answer *a, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(a->headers), room = sizeof a->headers - used;
    va_start(arguments, format);
    int n = vsnprintf(a->headers + used, room, format, arguments);
    va_end(arguments);
    return n >= 0 && (size_t)n < room;
}

void answer_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
    a->body_len = 0;
}

void http_date(char to[40], time_t t)
{
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(to, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {302, "Found"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

char *http_format(const struct answer *a, bool keep_alive, time_t now, size_t *len,
                  size_t *head_len)
{
    char date[64] = "", content[128] = "", day[40], *text;
    http_date(day, now);
    if (!strstr(a->headers, "Date: ")) /* else a fault brings its own */
        snprintf(date, sizeof date, "Date: %s\r\n", day);
    if (a->status != 204 && a->status != 304)
        snprintf(content, sizeof content,
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n", a->body_len);
    int n = asprintf(&text, "HTTP/1.1 %d %s\r\n%s%s%s%s\r\n", a->status, reason(a->status), date,
                     content, keep_alive ? "" : "Connection: close\r\n", a->headers);
    char *whole = n < 0 ? NULL : realloc(text, (size_t)n + a->body_len + 1);
    if (!whole) {
        if (n >= 0)
            free(text);
        return NULL;
    }
    if (a->body_len)
        memcpy(whole + n, a->body, a->body_len);
    *head_len = (size_t)n;
    *len = (size_t)n + a->body_len;
    return whole;
}
