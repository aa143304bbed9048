/* SPDX-License-Identifier: MIT
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

static bool next_is(const text *t, char c)
{
    return t->at < t->end && *t->at == c;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(text *t)
{
    while (t->at < t->end && blank(*t->at))
        t->at++;
}

/* What stands between two quotes, escapes left as they are. */
static bool take_string(text *t, text *inside)
{
    if (!next_is(t, '"'))
        return false;
    inside->at = ++t->at;
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

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_number(text *t, text *number)
{
    number->at = t->at;
    if (next_is(t, '-'))
        t->at++;
    if (t->at == t->end || !digit(*t->at))
        return false;
    while (t->at < t->end && (digit(*t->at) || memchr("+-.eE", *t->at, 5)))
        t->at++;
    number->end = t->at;
    return t->at < t->end && (*t->at == ',' || *t->at == '}' || blank(*t->at));
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
    skip_blanks(t);
    if (!next_is(t, '{'))
        return false;
    do {
        t->at++;
        skip_blanks(t);
        if (!take_string(t, &key))
            return false;
        skip_blanks(t);
        if (!next_is(t, ':'))
            return false;
        t->at++;
        skip_blanks(t);
        if (key.end - key.at == 4 && memcmp(key.at, "code", 4) == 0)
            return next_is(t, '"') ? take_string(t, code) : take_number(t, code);
        if (!skip_value(t))
            return false;
    } while (next_is(t, ','));
    return false;
}

void emqxi_api_code(const char *body, size_t len, char to[64])
{
    text t = {body, body + len}, code = {NULL, NULL};
    to[0] = '\0';
    if (len == 0 || !find_code(&t, &code) || !harmless(&code))
        return;
    size_t n = (size_t)(code.end - code.at);
    memcpy(to, code.at, n);
    to[n] = '\0';
}
