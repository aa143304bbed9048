/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/der.h"

#include <string.h>

bool emqxi_der_take(emqxi_der *from, unsigned tag, emqxi_der *content)
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

/* The pattern's characters: a value each, but for '{', which goes into a SEQUENCE, and '$', which
 * is the end. */
static bool matches(emqxi_der der, const char *pattern)
{
    static const struct {
        char name;
        unsigned char tag;
    } tags[] = {
        {'i', EMQXI_DER_INTEGER},  {'b', EMQXI_DER_BITS},     {'s', EMQXI_DER_OCTETS},
        {'o', EMQXI_DER_OID},      {'t', EMQXI_DER_UTC_TIME}, {'t', EMQXI_DER_TIME},
        {'.', EMQXI_DER_SEQUENCE}, {'{', EMQXI_DER_SEQUENCE}, {'0', EMQXI_DER_CONTEXT},
    };
    emqxi_der content;
    for (; *pattern; pattern++) {
        bool taken = *pattern == '$' && der.len == 0;
        for (size_t i = 0; !taken && i < sizeof tags / sizeof tags[0]; i++)
            taken = tags[i].name == *pattern && emqxi_der_take(&der, tags[i].tag, &content);
        if (!taken)
            return false;
        if (*pattern == '{')
            der = content;
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
    emqxi_der rest = der, content;
    /* those two also come in BER, without lengths */
    if (der.len > 5 && memcmp(der.p, "\x30\x80\x06\x09", 4) == 0)
        return EMQXI_DER_PKCS7;
    if (der.len > 5 && memcmp(der.p, "\x30\x80\x02\x01\x03", 5) == 0)
        return EMQXI_DER_PKCS12;
    size_t i = 0, count = sizeof rows / sizeof rows[0];
    while (i < count && !matches(der, rows[i].pattern))
        i++;
    if (i == count || !emqxi_der_take(&rest, EMQXI_DER_SEQUENCE, &content))
        return EMQXI_DER_NONE;
    if (rest.len == 0)
        return rows[i].shape;
    bool trusted = rows[i].shape == EMQXI_DER_CERT && matches(rest, ".$");
    return trusted ? EMQXI_DER_TRUSTED : EMQXI_DER_NONE;
}
