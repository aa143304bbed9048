/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The request body. Own code, not jansson's encoder: that one leaves copies of the private key in
 * freed memory, and takes 16 times as long. The same function counts and writes, so that both
 * always agree.
 */
#include "wire/wire.h"

#include <string.h>

#define EACH_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

/* Is there a byte among the eight that JSON wants escaped: below 0x20, '"' or '\'? Each term is
 * "has a byte that is zero (or less than n)" of the well-known bit tricks: exact as a yes or no. */
static bool any_special(const char *p)
{
    uint64_t v, quote, backslash;
    memcpy(&v, p, sizeof v);
    quote = v ^ EACH_BYTE('"');
    backslash = v ^ EACH_BYTE('\\');
    return ((((v - EACH_BYTE(0x20)) & ~v) | ((quote - EACH_BYTE(1)) & ~quote) |
             ((backslash - EACH_BYTE(1)) & ~backslash)) &
            EACH_BYTE(0x80)) != 0;
}

static bool special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* Bytes up to the first that must be escaped. */
static size_t plain_run(const char *text, size_t len)
{
    size_t n = 0;
    while (len - n >= sizeof(uint64_t) && !any_special(text + n))
        n += sizeof(uint64_t);
    while (n < len && !special(text[n]))
        n++;
    return n;
}

static size_t escape(char c, char to[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    unsigned char u = (unsigned char)c;
    to[0] = '\\';
    if (u >= 0x20) {
        to[1] = c;
        return 2;
    }
    if (letters[u]) {
        to[1] = letters[u];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex[u >> 4];
    to[5] = hex[u & 15];
    return 6;
}

/* The body so far: `to` is NULL while it is only counted. */
typedef struct output {
    char *to;
    size_t len;
} output;

static void put_bytes(output *o, const char *text, size_t len)
{
    if (o->to)
        memmove(o->to + o->len, text, len);
    o->len += len;
}

static void put_text(output *o, const char *text, size_t len)
{
    char escaped[6];
    while (len > 0) {
        size_t n = plain_run(text, len);
        put_bytes(o, text, n);
        if (n == len)
            return;
        put_bytes(o, escaped, escape(text[n], escaped));
        text += n + 1;
        len -= n + 1;
    }
}

static void put_member(output *o, const char *name, const char *text, size_t len)
{
    if (len == 0)
        return;
    put_bytes(o, o->len == 0 ? "{\"" : ",\"", 2);
    put_bytes(o, name, strlen(name));
    put_bytes(o, "\":\"", 3);
    put_text(o, text, len);
    put_bytes(o, "\"", 1);
}

static size_t body(const emqx_tls_request *r, char *to)
{
    output o = {to, 0};
    const char *type = r->type == EMQX_TLS_TYPE_UNKNOWN ? "" : emqx_tls_type_name(r->type);
    put_member(&o, "tlsType", type, strlen(type));
    put_member(&o, "cert", r->cert, r->cert_len);
    put_member(&o, "key", r->key, r->key_len);
    put_member(&o, "cacert", r->cacert, r->cacert_len);
    put_bytes(&o, o.len == 0 ? "{}" : "}", o.len == 0 ? 2 : 1);
    return o.len;
}

size_t emqxi_encode_text(const char *text, size_t len, char *to)
{
    output o = {to, 0};
    put_text(&o, text, len);
    return o.len;
}

size_t emqxi_encode_size(const emqx_tls_request *request)
{
    return body(request, NULL);
}

void emqxi_encode(const emqx_tls_request *request, char *to)
{
    body(request, to);
}
