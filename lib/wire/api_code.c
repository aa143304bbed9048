/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Own scanner and not jansson: an error body may echo the request, and jansson would leave the
 * private key in freed memory. It reads no more than it needs: a truncated body gives either the
 * whole code or none.
 */
#include "wire/wire.h"

#include <string.h>

#define CODE_MAX 63

typedef struct text {
    const char *at, *end;
} text;

static bool next_is(text *t, char c)
{
    while (t->at < t->end && memchr(" \t\n\r", *t->at, 4))
        t->at++;
    return t->at < t->end && *t->at == c;
}

static bool take_char(text *t, char c)
{
    bool there = next_is(t, c);
    t->at += there;
    return there;
}

/* What stands between two quotes, escapes left as they are. */
static bool take_string(text *t, text *inside)
{
    if (!take_char(t, '"'))
        return false;
    inside->at = t->at;
    while (t->at < t->end && *t->at != '"')
        t->at += *t->at == '\\' && t->end - t->at > 1 ? 2 : 1;
    if (t->at >= t->end)
        return false;
    inside->end = t->at++;
    return true;
}

/* Leaves the member's value behind, whatever it is, up to the comma or bracket that ends it. */
static bool skip_value(text *t)
{
    size_t depth = 0;
    text ignored;
    while (t->at < t->end) {
        char c = *t->at;
        if (c == '"') {
            if (!take_string(t, &ignored))
                return false;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return true;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        t->at++;
    }
    return false;
}

static bool take_number(text *t, text *number)
{
    static const char allowed[] = "0123456789-+.eE"; /* the first 11 also to begin with */
    number->at = t->at;
    while (t->at < t->end && memchr(allowed, *t->at, number->at == t->at ? 11 : 15))
        t->at++;
    number->end = t->at;
    return number->end > number->at && memchr(allowed, number->end[-1], 10) && t->at < t->end &&
           memchr(",} \t\n\r", *t->at, 6);
}

static bool harmless(const text *code)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    if (code->end - code->at > CODE_MAX)
        return false;
    for (const char *p = code->at; p < code->end; p++)
        if (!memchr(allowed, *p, sizeof allowed - 1))
            return false;
    return true;
}

/* The value of the first top-level "code". */
static bool find_code(text *t, text *code)
{
    text key;
    if (!take_char(t, '{'))
        return false;
    do {
        if (!take_string(t, &key) || !take_char(t, ':'))
            return false;
        bool quoted = next_is(t, '"');
        if (key.end - key.at == 4 && memcmp(key.at, "code", 4) == 0)
            return quoted ? take_string(t, code) : take_number(t, code);
        if (!skip_value(t))
            return false;
    } while (take_char(t, ','));
    return false;
}

void emqxi_api_code(const char *body, size_t len, char to[64])
{
    text t, code = {NULL, NULL};
    to[0] = '\0';
    if (len == 0) /* to the NULL of an empty body not even 0 can be added */
        return;
    t = (text){body, body + len};
    if (!find_code(&t, &code) || !harmless(&code))
        return;
    size_t n = (size_t)(code.end - code.at);
    memcpy(to, code.at, n);
    to[n] = '\0';
}
