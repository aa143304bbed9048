/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "http1.h"

#include <stdlib.h>
#include <string.h>

bool http1_read_head(loopback_connection *c, char to[HTTP1_HEAD_MAX])
{
    size_t n = 0;
    while (n < 4 || memcmp(to + n - 4, "\r\n\r\n", 4) != 0)
        if (n + 1 >= HTTP1_HEAD_MAX || !loopback_read(c, to + n++, 1))
            return false;
    to[n] = '\0';
    return true;
}

bool http1_read_body(loopback_connection *c, const char *head)
{
    char body[HTTP1_HEAD_MAX];
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t n = length ? strtoul(length + 17, NULL, 10) : 0;
    return n <= sizeof body && loopback_read(c, body, n);
}

void http1_note(loopback_connection *c, const char *head)
{
    char method[8] = "";
    size_t n = strcspn(head, " ");
    memcpy(method, head, n < sizeof method ? n : sizeof method - 1);
    loopback_note(c, method);
}
