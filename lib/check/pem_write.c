/* SPDX-License-Identifier: MIT
 *
 * A block as canonical PEM.
 */
#include "check/pem.h"

#include <string.h>

#define COLUMNS 64u

static const char *label_of(const emqxi_pem_block *b)
{
    switch (b->kind) {
    case EMQXI_PEM_PKCS8:
        return "PRIVATE KEY";
    case EMQXI_PEM_PKCS1:
        return "RSA PRIVATE KEY";
    case EMQXI_PEM_SEC1:
        return "EC PRIVATE KEY";
    default:
        return "CERTIFICATE"; /* the check lets nothing else through */
    }
}

static char *copy(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

size_t emqxi_pem_size(const emqxi_pem_block *b)
{
    size_t base64 = (b->der_len + 2) / 3 * 4;
    return strlen("-----BEGIN -----\n-----END -----\n") + 2 * strlen(label_of(b)) + base64 +
           (base64 + COLUMNS - 1) / COLUMNS;
}

char *emqxi_pem_write(const emqxi_pem_block *b, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    to = copy(copy(copy(to, "-----BEGIN "), label_of(b)), "-----\n");
    for (size_t i = 0; i < b->der_len; i += 3) {
        size_t n = EMQXI_MIN(b->der_len - i, 3u);
        uint32_t bits = (uint32_t)b->der[i] << 16;
        bits |= n > 1 ? (uint32_t)b->der[i + 1] << 8 : 0;
        bits |= n > 2 ? b->der[i + 2] : 0;
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? digits[bits & 63] : '=';
        if ((i + 3) % (COLUMNS / 4 * 3) == 0 || i + 3 >= b->der_len)
            *to++ = '\n';
    }
    return copy(copy(copy(to, "-----END "), label_of(b)), "-----\n");
}
