/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * UTF-8, hexadecimal digits and base64. Own code: libcurl exports none of it, and OpenSSL is
 * optional.
 */
#include "base/base.h"

#include <string.h>

/* -- UTF-8 ------------------------------------------------------------------------------------- */

size_t emqxi_utf8_sequence(const char *text, size_t len)
{
    /* How overlong forms, surrogates and what lies beyond U+10FFFF begin. */
    static const uint16_t never[][2] = {
        {0xE080, 0xE09F}, {0xEDA0, 0xEDBF}, {0xF080, 0xF08F}, {0xF490, 0xF4BF}};
    const unsigned char *p = (const unsigned char *)text;
    const size_t more = 1 + (p[0] >= 0xE0) + (p[0] >= 0xF0);
    const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 || p[0] > 0xF4 ? 0 : 1 + more;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    for (size_t i = 0; n > 2 && i < sizeof never / sizeof never[0]; i++)
        if ((p[0] << 8 | p[1]) >= never[i][0] && (p[0] << 8 | p[1]) <= never[i][1])
            return 0;
    return n;
}

bool emqxi_utf8_ok(const char *text, size_t len)
{
    while (len > 0) {
        size_t n = emqxi_utf8_sequence(text, len);
        if (n == 0)
            return false;
        text += n;
        len -= n;
    }
    return true;
}

void emqxi_text_copy(char *to, size_t to_size, const char *text, size_t len)
{
    if (len >= to_size) {
        len = to_size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(to, text, len);
    to[len] = '\0';
}

/* -- what a terminal or a log might obey ------------------------------------------------------- */

bool emqxi_has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7F)
            return true;
    return false;
}

/* Control characters, and those that turn the direction of a line or break it. */
static bool is_harmful(const char *sequence, size_t len)
{
    static const char ranges[][2][4] = {
        {"\x01", "\x1F"},     {"\x7F", "\xC2\x9F"}, {"\u061C", "\u061C"},
        {"\u200B", "\u200F"}, {"\u2028", "\u202E"}, {"\u2060", "\u206F"},
    };
    const bool usual = len == 1 && *sequence >= ' ' && *sequence <= '~';
    for (size_t i = 0; !usual && i < sizeof ranges / sizeof ranges[0]; i++)
        if (strncmp(sequence, ranges[i][0], len) >= 0 && strncmp(sequence, ranges[i][1], len) <= 0)
            return true;
    return false;
}

void emqxi_text_clean(char *text)
{
    char *to = text;
    for (size_t left = strlen(text); left > 0;) {
        size_t n = emqxi_utf8_sequence(text, left);
        if (n == 0 || is_harmful(text, n))
            *to++ = '?';
        else
            to = (char *)memmove(to, text, n) + n;
        n += n == 0;
        text += n;
        left -= n;
    }
    *to = '\0';
}

/* -- digits ------------------------------------------------------------------------------------ */

static const char hex_digits[] = "0123456789abcdefABCDEF";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *emqxi_hex(const unsigned char *from, size_t len, char *to)
{
    for (size_t i = 0; i < len; i++) {
        *to++ = hex_digits[from[i] >> 4];
        *to++ = hex_digits[from[i] & 15];
    }
    *to = '\0';
    return to;
}

int emqxi_hex_digit(char c)
{
    const char *at = memchr(hex_digits, c, sizeof hex_digits - 1);
    int n = at ? (int)(at - hex_digits) : -1;
    return n < 16 ? n : n - 6;
}

int emqxi_hex_byte(const char *text)
{
    int high = emqxi_hex_digit(text[0]), low = high < 0 ? -1 : emqxi_hex_digit(text[1]);
    return low < 0 ? -1 : high << 4 | low;
}

char *emqxi_base64(const unsigned char *from, size_t len, char *to)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = EMQXI_MIN(len - i, 3);
        uint32_t bits = (uint32_t)from[i] << 16;
        bits |= n > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        bits |= n > 2 ? from[i + 2] : 0;
        *to++ = base64_digits[bits >> 18];
        *to++ = base64_digits[bits >> 12 & 63];
        *to++ = n > 1 ? base64_digits[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? base64_digits[bits & 63] : '=';
    }
    return to;
}

int emqxi_base64_digit(char c)
{
    const char *at = memchr(base64_digits, c, sizeof base64_digits - 1);
    return at ? (int)(at - base64_digits) : -1;
}
