/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/identity.h"

#include <string.h>
#include <strings.h>

#define CUT_AT 64 /* the most that X.520 has for a common name */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A label in small letters. Of one that is not ASCII alone only the ASCII is kept, which an A-label
 * has too, behind "xn--" and before its last hyphen: enough to know a spelling again, and no
 * decoder is needed. */
static char *put_label(char *to, const char *label, size_t len)
{
    bool ace = len > 4 && strncasecmp(label, "xn--", 4) == 0, plain = !ace;
    const char *end = label + len, *dash = ace ? memrchr(label + 4, '-', len - 4) : end;
    if (ace)
        end = dash ? dash : label + 4;
    for (const char *c = label; c < end; c++)
        plain = plain && !(*c & 0x80);
    if (!plain)
        *to++ = '\x80';
    for (const char *c = label + (ace ? 4 : 0); c < end; c++)
        if (!(*c & 0x80))
            *to++ = lower(*c);
    return to;
}

/* Hash of a name without blanks around it and a final dot. */
static uint64_t hash_of(const char *text, size_t len)
{
    static const uint8_t key[16] = {0};
    char plain[2 * 256], *to = plain;
    uint64_t hash[2];
    while (len > 0 && *text == ' ')
        text++, len--;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '.'))
        len--;
    const char *end = text + EMQXI_MIN(len, sizeof plain / 2);
    for (const char *label = text; label < end;) {
        const char *dot = memchr(label, '.', (size_t)(end - label)), *stop = dot ? dot : end;
        to = put_label(to, label, (size_t)(stop - label));
        if (dot)
            *to++ = '.';
        label = stop + 1;
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
    if (len > 3 && strncasecmp(text, "cn=", 3) == 0)
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
