/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "wire/json.h"

#include <string.h>

/* jansson parses and frees by recursion, up to 2,048 levels: more than the stack of a small thread
 * holds. */
#define DEPTH_MAX 32

static bool too_deep(const char *body, size_t len)
{
    size_t depth = 0, openings = 0;
    bool in_string = false;
    /* nearly always all that is needed, and many bytes at a time */
    for (size_t i = 0; i < len; i++)
        openings += (body[i] == '{') | (body[i] == '[');
    if (openings <= DEPTH_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = body[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > DEPTH_MAX)
            return true;
    }
    return false;
}

enum emqxi_json emqxi_json_read(const char *text, size_t len, bool integers,
                                emqxi_json_member *members, size_t n, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        members[i].kind = EMQXI_JSON_ABSENT;
        members[i].len = 0;
        members[i].integer = 0;
        if (members[i].text)
            members[i].text[0] = '\0';
    }
    if (memchr(text, '\0', len)) /* jansson 2.14 reads over one behind a number */
        return EMQXI_JSON_BROKEN;
    return too_deep(text, len) ? EMQXI_JSON_DEEP
                               : emqxi_json_parse(text, len, integers, members, n, count);
}
