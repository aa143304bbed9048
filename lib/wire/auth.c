/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "wire/wire.h"

#include <string.h>

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
        *emqxi_base64((const unsigned char *)pair, len, header + name_len) = '\0';
    } else {
        emqxi_free(a, header);
        header = NULL;
    }
    emqxi_wipe_free(a, pair, pair ? len : 0);
    return header;
}
