/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Own scanner and not jansson: an error body may echo the request, and jansson would leave the
 * private key in freed memory. It reads no more than it needs: a truncated body gives either the
 * whole code or none.
 */
#include "wire/wire.h"

#include <string.h>

#define CODE_MAX 63

#define BLANKS " \t\n\r"

/* Behind all that is of these characters. */
static const char *skip(const char *p, const char *end, const char *all)
{
    while (p < end && *p && strchr(all, *p))
        p++;
    return p;
}

/* The quote that ends a string; NULL: none. */
static const char *closing(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++)
        p += *p == '\\' && p + 1 < end;
    return p < end ? p : NULL;
}

/* Where a number ends; NULL: it is none, or may be cut. */
static const char *number_end(const char *p, const char *end)
{
    const char *stop = skip(p, end, "0123456789-.eE");
    bool whole = stop < end && *stop && strchr(",}" BLANKS, *stop);
    return whole && stop > p && strchr("0123456789-", *p) && strchr("0123456789", stop[-1]) ? stop
                                                                                            : NULL;
}

/* Takes what stands behind the name, if it is short and harmless. */
static void take_value(const char *p, const char *end, char to[64])
{
    p = skip(p, end, BLANKS);
    if (p == end || *p != ':')
        return;
    p = skip(p + 1, end, BLANKS);
    bool quoted = p < end && *p == '"';
    p += quoted;
    const char *stop = quoted ? closing(p, end) : number_end(p, end);
    if (!stop || stop - p > CODE_MAX ||
        skip(p, stop, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") != stop)
        return;
    *(char *)mempcpy(to, p, (size_t)(stop - p)) = '\0';
}

/* A string: its end. NULL: it has none, or was the name of the code. */
static const char *take_string(const char *text, const char *end, bool name, char to[64])
{
    const char *stop = closing(text, end);
    if (!stop || !name || stop - text != 4 || memcmp(text, "code", 4) != 0)
        return stop;
    take_value(stop + 1, end, to);
    return NULL;
}

/* The value of the first "code" of the outermost object. */
void emqxi_api_code(const char *body, size_t len, char to[64])
{
    to[0] = '\0';
    if (len == 0) /* to the NULL of an empty body not even 0 can be added */
        return;
    const char *end = body + len, *p = skip(body, end, BLANKS);
    bool name = true; /* the next string is that of a member of it */
    if (p == end || *p != '{')
        return;
    for (size_t depth = 1; depth > 0 && ++p < end;) {
        if (*p == '"') {
            p = take_string(p + 1, end, name, to);
            if (!p)
                return;
            name = false;
        } else if (*p == '{' || *p == '[') {
            depth++;
            name = false;
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (*p == ',' && depth == 1) {
            if (name)
                return;
            name = true;
        }
    }
}
