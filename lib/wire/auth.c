/* SPDX-License-Identifier: MIT
 *
 * Own base64, few lines: libcurl exports none, and OpenSSL is optional.
 */
#include "wire/wire.h"

#include <string.h>

static void base64(const unsigned char *from, size_t len, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = EMQXI_MIN(len - i, 3);
        uint32_t v = (uint32_t)from[i] << 16;
        if (n > 1)
            v |= (uint32_t)from[i + 1] << 8;
        if (n > 2)
            v |= from[i + 2];
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *to++ = n > 2 ? digits[v & 63] : '=';
    }
    *to = '\0';
}

char *emqxi_basic_auth(const emqx_tls_allocator *a, const char *key, const char *secret)
{
    static const char name[] = "Authorization: Basic ";
    size_t key_len = strlen(key), secret_len = strlen(secret), len = key_len + 1 + secret_len;
    size_t name_len = sizeof name - 1, encoded_len = (len + 2) / 3 * 4;
    char *header = emqxi_alloc(a, name_len + encoded_len + 1);
    char *pair = emqxi_alloc(a, len);
    if (header && pair) {
        memcpy(header, name, name_len);
        memcpy(pair, key, key_len);
        pair[key_len] = ':';
        memcpy(pair + key_len + 1, secret, secret_len);
        base64((const unsigned char *)pair, len, header + name_len);
    } else {
        emqxi_free(a, header);
        header = NULL;
    }
    emqxi_wipe_free(a, pair, pair ? len : 0);
    return header;
}
