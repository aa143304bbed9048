/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/names.h"

#include <string.h>

#define CUT_AT    64 /* the most that X.520 has for a common name */
#define LABEL_MAX 63

/* -- A-labels: own code, since no library that the build needs has it -------------------------- */

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* Punycode (RFC 3492): the next number of a label; false: it is none. */
static bool next_number(const char **text, const char *end, uint32_t bias, uint32_t *number)
{
    uint32_t weight = 1;
    *number = 0;
    for (uint32_t k = 36; *text < end; k += 36) {
        char c = *(*text)++;
        uint32_t digit = c >= 'a' && c <= 'z'   ? (uint32_t)(c - 'a')
                         : c >= '0' && c <= '9' ? (uint32_t)(c - '0' + 26)
                                                : 36;
        uint32_t least = k <= bias ? 1 : EMQXI_MIN(k - bias, 26);
        if (digit == 36 || digit > (UINT32_MAX - *number) / weight)
            return false;
        *number += digit * weight;
        if (digit < least)
            return true;
        if (weight > UINT32_MAX / (36 - least))
            return false;
        weight *= 36 - least;
    }
    return false;
}

/* Decodes what stands behind "xn--"; returns the end, or NULL where it is no such label. */
static char *decode_label(const char *text, size_t len, char *to)
{
    uint32_t points[LABEL_MAX], count = 0, n = 128, at = 0, bias = 72, number;
    const char *end = text + len, *dash = end;
    while (dash > text && dash[-1] != '-')
        dash--;
    if (len > LABEL_MAX)
        return NULL;
    for (; dash > text && text < dash - 1; text++)
        points[count++] = (unsigned char)*text;
    for (text = dash; text < end; at++) {
        if (count == LABEL_MAX || !next_number(&text, end, bias, &number))
            return NULL;
        uint32_t delta = number / (at == 0 ? 700 : 2);
        count++;
        delta += delta / count;
        for (bias = 0; delta > 455; bias += 36)
            delta /= 35;
        bias += 36 * delta / (delta + 38);
        if (number > UINT32_MAX - at)
            return NULL;
        at += number;
        n += at / count;
        at %= count;
        if (n > 0x10ffff)
            return NULL;
        memmove(points + at + 1, points + at, (count - 1 - at) * sizeof *points);
        points[at] = n;
    }
    for (uint32_t i = 0; i < count; i++)
        to = put_utf8(to, points[i]);
    return to;
}

/* -- spelling ---------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Hash of a name in small letters, without blanks around it and a final dot, in U-labels. */
static uint64_t hash_of(const char *text, size_t len)
{
    static const uint8_t key[16] = {0};
    char small[256], plain[4 * sizeof small], *to = plain;
    uint64_t hash[2];
    while (len > 0 && *text == ' ')
        text++, len--;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '.'))
        len--;
    len = EMQXI_MIN(len, sizeof small);
    for (size_t i = 0; i < len; i++)
        small[i] = lower(text[i]);
    for (size_t i = 0, n; i < len; i += n) {
        const char *dot = memchr(small + i, '.', len - i);
        n = dot ? (size_t)(dot - small) - i + 1 : len - i;
        size_t label = n - (dot != NULL);
        bool is_ace = label > 4 && memcmp(small + i, "xn--", 4) == 0;
        char *end = is_ace ? decode_label(small + i + 4, label - 4, to) : NULL;
        if (!end) {
            memcpy(to, small + i, label);
            end = to + label;
        }
        to = end;
        if (dot)
            *to++ = '.';
    }
    emqxi_siphash(key, plain, (size_t)(to - plain), (uint8_t *)hash);
    return hash[0];
}

static bool has(const emqxi_names *names, uint64_t hash)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (names->hash[i] == hash)
            return true;
    return false;
}

static void add(emqxi_names *names, uint64_t hash)
{
    if (has(names, hash))
        return;
    names->more = names->more || names->count == EMQXI_NAMES_MAX;
    if (!names->more)
        names->hash[names->count++] = hash;
}

void emqxi_names_add(emqxi_names *names, const char *text, size_t len)
{
    if (len == 0)
        return;
    add(names, hash_of(text, len));
    if (len > CUT_AT) /* as a character was not to be cut through */
        for (size_t cut = CUT_AT; cut > CUT_AT - 4; cut--)
            add(names, hash_of(text, cut));
}

/* One name, perhaps as an attribute. */
static bool has_one(const emqxi_names *names, const char *text, size_t len)
{
    while (len > 0 && *text == ' ')
        text++, len--;
    if (len > 3 && lower(text[0]) == 'c' && lower(text[1]) == 'n' && text[2] == '=')
        text += 3, len -= 3;
    return has(names, hash_of(text, len));
}

bool emqxi_names_have(const emqxi_names *names, const char *told)
{
    if (names->more || has_one(names, told, strlen(told)))
        return true;
    for (size_t n; *told; told += n + (told[n] != '\0')) {
        n = strcspn(told, ",/+;");
        if (n > 0 && has_one(names, told, n))
            return true;
    }
    return false;
}
