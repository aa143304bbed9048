/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *bytes;
    const verdict *whole;
} answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"pending\"}", &taken},
    {"chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"status\":\"pending\"}\r\n"
     "0\r\n\r\n",
     &taken},
    {"nothing", "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", &taken_empty},
};

/* The row of an answer of which the server sends so much. */
static behaviour row_of(size_t answer, const char *what, size_t at)
{
    static char names[HTTP1_CUTS_MAX][64];
    static size_t count;
    if (count == HTTP1_CUTS_MAX)
        abort();
    char *name = names[count++];
    snprintf(name, sizeof names[0], "%s-%s-at-%zu", answers[answer].name, what, at);
    return (behaviour){.name = name,
                       .bytes = answers[answer].bytes,
                       .len = strlen(answers[answer].bytes),
                       .end = CLOSE,
                       .expected = answers[answer].whole};
}

size_t http1_cuts(behaviour to[HTTP1_CUTS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const char *bytes = answers[i].bytes;
        size_t status_end = (size_t)(strchr(bytes, '\n') + 1 - bytes);
        for (size_t at = 1; bytes[at]; at++) {
            to[n] = row_of(i, "cut", at);
            to[n].cut = at;
            to[n++].expected = at < status_end ? &cut_status : bytes[at + 1] ? &broken : &careless;
        }
    }
    for (size_t at = 1; answers[0].bytes[at]; at++) {
        to[n] = row_of(0, "split", at);
        to[n].end = KEEP;
        to[n++].split = at;
    }
    return n;
}
