/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/der.h"

#include <string.h>

/* Takes a value of this tag off the front. False: there is none, or it is cut short. */
static bool take(emqxi_der *from, unsigned tag, emqxi_der *content)
{
    const unsigned char *p = from->p;
    if (from->len < 2 || p[0] != tag)
        return false;
    size_t head = 2, len = p[1];
    if (len >= 0x80) {
        size_t n = len & 0x7F;
        head += n;
        len = 0;
        if (n < 1 || n > 4 || from->len < head)
            return false;
        for (size_t i = 2; i < head; i++)
            len = len << 8 | p[i];
    }
    if (len > from->len - head)
        return false;
    *content = (emqxi_der){p + head, len};
    from->p += head + len;
    from->len -= head + len;
    return true;
}

bool emqxi_der_match(emqxi_der der, const char *pattern, emqxi_der *values)
{
    static const struct {
        char name;
        unsigned char tag;
    } tags[] = {{'i', 0x02}, {'b', 0x03}, {'s', 0x04}, {'o', 0x06}, {'t', 0x17},
                {'t', 0x18}, {'.', 0x30}, {'{', 0x30}, {'0', 0xA0}, {'1', 0xA1}};
    for (; *pattern; pattern++) {
        emqxi_der content = {0};
        bool taken = *pattern == '$' && der.len == 0, optional = pattern[1] == '?';
        for (size_t i = 0; !taken && i < sizeof tags / sizeof tags[0]; i++)
            taken = tags[i].name == *pattern && take(&der, tags[i].tag, &content);
        if (!taken && !optional)
            return false;
        if (values)
            *values++ = content;
        if (*pattern == '{')
            der = content;
        pattern += optional;
    }
    return true;
}

enum emqxi_der_shape emqxi_der_shape(emqxi_der der)
{
    static const struct {
        const char *pattern;
        enum emqxi_der_shape shape;
    } rows[] = {
        {"{{0i.", EMQXI_DER_CERT},     {"{{i....", EMQXI_DER_CERT}, /* version 1 */
        {"{{i..t", EMQXI_DER_CRL},     {"{{..t", EMQXI_DER_CRL},    {"{{i..0", EMQXI_DER_REQUEST},
        {"{{i..$", EMQXI_DER_REQUEST}, {"{o0", EMQXI_DER_PKCS7},    {"{i.s", EMQXI_DER_PKCS8},
        {"{i{o0", EMQXI_DER_PKCS12},   {"{is", EMQXI_DER_SEC1},     {"{iiiiiiiii", EMQXI_DER_PKCS1},
        {"{.s$", EMQXI_DER_ENCRYPTED}, {"{.b$", EMQXI_DER_PUBLIC},  {"{ii$", EMQXI_DER_PUBLIC},
    };
    /* those two also come in BER, without lengths */
    if (der.len > 5 && memcmp(der.p, "\x30\x80\x06\x09", 4) == 0)
        return EMQXI_DER_PKCS7;
    if (der.len > 5 && memcmp(der.p, "\x30\x80\x02\x01\x03", 5) == 0)
        return EMQXI_DER_PKCS12;
    size_t i = 0, count = sizeof rows / sizeof rows[0];
    while (i < count && !emqxi_der_match(der, rows[i].pattern, NULL))
        i++;
    if (i == count)
        return EMQXI_DER_NONE;
    if (emqxi_der_match(der, ".$", NULL))
        return rows[i].shape;
    bool trusted = rows[i].shape == EMQXI_DER_CERT && emqxi_der_match(der, "..$", NULL);
    return trusted ? EMQXI_DER_TRUSTED : EMQXI_DER_NONE;
}
