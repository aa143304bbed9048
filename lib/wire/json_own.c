/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * JSON by a reader of our own, for a build without jansson: on a small machine that library is more
 * code than all of ours that reads. It takes no memory: it goes over the text once, and of each
 * object once more for each member to see whether its name stood there before, so its time grows
 * with the square of an object's members (16 KiB of them cost some 0.1 s). It does not know how
 * deep a text may be nested: emqxi_json_read looks before.
 */
#include "wire/json.h"

#include <string.h>

typedef struct reader {
    const char *at, *end;
    bool integers;
    bool again; /* over what has been found good */
    enum emqxi_json verdict;
} reader;

/* Part of the text; of a string without the quotes. */
typedef struct span {
    const char *at, *end;
} span;

static bool fail(reader *r, enum emqxi_json verdict)
{
    r->verdict = verdict;
    return false;
}

/* The next character that is no blank; 0: the end, or a NUL, which nothing begins with. */
static char next(reader *r)
{
    while (r->at < r->end && memchr(" \t\n\r", *r->at, 4))
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

static bool take(reader *r, char c)
{
    if (next(r) != c)
        return fail(r, EMQXI_JSON_BROKEN);
    r->at++;
    return true;
}

/* -- strings ----------------------------------------------------------------------------------- */

/* The value of four hexadecimal digits; -1: they are not there. */
static int32_t take_hex4(span *s)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = s->at < s->end ? emqxi_hex_digit(*s->at++) : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Behind "\u": UTF-8 of the character; 0: there is none. */
static size_t take_unicode(span *s, char to[4])
{
    int32_t c = take_hex4(s), low;
    if (c >= 0xD800 && c < 0xDC00 && s->end - s->at > 1 && s->at[0] == '\\' && s->at[1] == 'u') {
        s->at += 2;
        low = take_hex4(s);
        c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : -1;
    }
    if (c < 0 || (c >= 0xD800 && c < 0xE000))
        return 0;
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const int first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(first[n] | c);
    return n;
}

/* A character of a string, decoded: its bytes; 0: it is none. */
static size_t take_char(span *s, char to[4])
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t left = (size_t)(s->end - s->at);
    if (left == 0 || (unsigned char)*s->at < 0x20)
        return 0;
    if (*s->at != '\\') {
        size_t n = emqxi_utf8_sequence(s->at, left);
        memcpy(to, s->at, n);
        s->at += n;
        return n;
    }
    if (left < 2)
        return 0;
    char c = s->at[1];
    s->at += 2;
    if (c == 'u')
        return take_unicode(s, to);
    const char *escape = memchr(escapes, c, sizeof escapes - 1);
    to[0] = escape ? meant[escape - escapes] : '\0';
    return escape != NULL;
}

static bool take_string(reader *r, span *inside)
{
    char c[4];
    if (!take(r, '"'))
        return false;
    span s = {r->at, r->end};
    while (s.at < s.end && *s.at != '"')
        if (take_char(&s, c) == 0)
            return fail(r, EMQXI_JSON_BROKEN);
    *inside = (span){r->at, s.at};
    r->at = s.at;
    return take(r, '"');
}

static bool same(span a, span b)
{
    char c[4], d[4];
    while (a.at < a.end && b.at < b.end) {
        size_t n = take_char(&a, c);
        if (take_char(&b, d) != n || memcmp(c, d, n) != 0)
            return false;
    }
    return a.at == a.end && b.at == b.end;
}

static bool has_nul(span s)
{
    char c[4];
    while (s.at < s.end)
        if (take_char(&s, c) == 1 && c[0] == '\0')
            return true;
    return false;
}

static void copy_text(span s, emqxi_json_member *m)
{
    char c[4];
    size_t n, cut = 0;
    m->kind = has_nul(s) ? EMQXI_JSON_OTHER : EMQXI_JSON_TEXT;
    for (m->len = 0; s.at < s.end; m->len += n) {
        n = take_char(&s, c);
        if (m->kind != EMQXI_JSON_TEXT || !m->text || cut != m->len || cut + n >= m->size)
            continue;
        memcpy(m->text + cut, c, n);
        cut += n;
        m->text[cut] = '\0';
    }
}

/* -- numbers ----------------------------------------------------------------------------------- */

static bool take_digits(reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from || fail(r, EMQXI_JSON_BROKEN);
}

/* What an exponent says, no more than a million. */
static int32_t exponent_of(const char *p, const char *end)
{
    int32_t value = 0;
    bool negative = p < end && *p == '-';
    for (p += p < end && (*p == '-' || *p == '+'); p < end; p++)
        value = EMQXI_MIN(value * 10 + (*p - '0'), 1000000);
    return negative ? -value : value;
}

/* Would strtod say ERANGE of the number, which has no sign? */
static bool overflows(span s)
{
    /* 2^1024 - 2^970: what is less is rounded to a double */
    static const char limit[] =
        "179769313486231580793728971405303415079934132710037826936173778980444968292764"
        "750946649017977587207096330286416692887910946555547851940402630657488671505820"
        "681908902000708383676273854845817711531764475730270069855571366959622842914819"
        "860834936475292719074168444365510704342711559699508093042880177904174497792";
    const char *mantissa_end = s.at;
    while (mantissa_end < s.end && (*mantissa_end | 0x20) != 'e')
        mantissa_end++;
    const char *point = memchr(s.at, '.', (size_t)(mantissa_end - s.at));
    if (!point)
        point = mantissa_end;
    while (s.at < mantissa_end && (*s.at == '0' || *s.at == '.'))
        s.at++;
    if (s.at == mantissa_end)
        return false;
    /* the power of ten of the first digit that counts */
    int64_t power = s.at < point ? point - s.at - 1 : point - s.at;
    if (mantissa_end < s.end)
        power += exponent_of(mantissa_end + 1, s.end);
    if (power != (int64_t)sizeof limit - 2)
        return power > (int64_t)sizeof limit - 2;
    for (const char *l = limit; *l; l++) {
        s.at += s.at == point;
        char digit = s.at < mantissa_end ? *s.at++ : '0';
        if (digit != *l)
            return digit > *l;
    }
    return true;
}

/* False: it does not fit. */
static bool to_integer(span s, int64_t *value)
{
    const bool negative = *s.at == '-';
    *value = 0;
    for (s.at += negative; s.at < s.end; s.at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, negative ? '0' - *s.at : *s.at - '0', value))
            return false;
    return true;
}

/* A point or an exponent with what belongs to it, if there is one. */
static bool take_part(reader *r, char mark, bool *whole)
{
    if (r->at == r->end || (*r->at != mark && !(mark == 'e' && *r->at == 'E')))
        return true;
    *whole = false;
    r->at++;
    if (mark == 'e' && r->at < r->end && (*r->at == '-' || *r->at == '+'))
        r->at++;
    return take_digits(r);
}

static bool take_number(reader *r, emqxi_json_member *m)
{
    span s = {r->at, NULL};
    bool whole = true, negative = *r->at == '-';
    int64_t integer = 0;
    r->at += negative;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!take_digits(r))
        return false;
    if (!take_part(r, '.', &whole) || !take_part(r, 'e', &whole))
        return false;
    s.end = r->at;
    whole = whole && r->integers;
    bool fits = whole ? to_integer(s, &integer) : !overflows((span){s.at + negative, s.end});
    if (m) {
        m->kind = whole ? EMQXI_JSON_INTEGER : EMQXI_JSON_OTHER;
        m->integer = integer;
    }
    return fits || fail(r, EMQXI_JSON_BROKEN);
}

/* -- values ------------------------------------------------------------------------------------ */

static bool take_value(reader *r, emqxi_json_member *m);

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return fail(r, EMQXI_JSON_BROKEN);
    r->at += n;
    return true;
}

/* Does a member of this name stand between `from` and the name itself? */
static bool seen(const char *from, span name)
{
    reader r = {.at = from, .end = name.end, .again = true};
    span other;
    while (take_string(&r, &other) && other.at != name.at) {
        if (same(other, name))
            return true;
        take(&r, ':');
        take_value(&r, NULL);
        take(&r, ',');
    }
    return false;
}

/* Behind the opening bracket. */
static bool take_object(reader *r, emqxi_json_member *members, size_t n, size_t *count)
{
    const char *const from = r->at;
    span name;
    if (next(r) == '}')
        return take(r, '}');
    for (;; r->at++) {
        if (!take_string(r, &name))
            return false;
        if (has_nul(name))
            return fail(r, EMQXI_JSON_BROKEN);
        if (!r->again && seen(from, name))
            return fail(r, EMQXI_JSON_TWICE);
        emqxi_json_member *m = NULL;
        for (size_t i = 0; i < n && !m; i++)
            if (same(name, (span){members[i].name, strchr(members[i].name, '\0')}))
                m = &members[i];
        if (!take(r, ':') || !take_value(r, m))
            return false;
        ++*count;
        if (next(r) != ',')
            return take(r, '}');
    }
}

static bool take_array(reader *r)
{
    if (next(r) == ']')
        return take(r, ']');
    for (;; r->at++) {
        if (!take_value(r, NULL))
            return false;
        if (next(r) != ',')
            return take(r, ']');
    }
}

static bool take_value(reader *r, emqxi_json_member *m)
{
    span text;
    size_t inner = 0;
    char c = next(r);
    if (c == '"') {
        bool good = take_string(r, &text);
        if (good && m)
            copy_text(text, m);
        return good;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return take_number(r, m);
    if (m)
        m->kind = c == 'n' ? EMQXI_JSON_NULL : EMQXI_JSON_OTHER;
    switch (c) {
    case 'n':
        return take_word(r, "null");
    case 't':
        return take_word(r, "true");
    case 'f':
        return take_word(r, "false");
    case '[':
        r->at++;
        return take_array(r);
    case '{':
        r->at++;
        return take_object(r, NULL, 0, &inner);
    default:
        return fail(r, EMQXI_JSON_BROKEN);
    }
}

enum emqxi_json emqxi_json_parse(const char *text, size_t len, bool integers,
                                 emqxi_json_member *members, size_t n, size_t *count)
{
    reader r = {.at = text, .end = text + len, .integers = integers};
    bool object = next(&r) == '{';
    r.at += object;
    if (!(object ? take_object(&r, members, n, count) : take_value(&r, NULL)))
        return r.verdict;
    if (next(&r) || r.at < r.end)
        return EMQXI_JSON_BROKEN;
    return object ? EMQXI_JSON_OK : EMQXI_JSON_NO_OBJECT;
}
