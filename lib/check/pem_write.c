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
    const size_t each = COLUMNS / 4 * 3;
    to = copy(copy(copy(to, "-----BEGIN "), label_of(b)), "-----\n");
    for (size_t i = 0; i < b->der_len; i += each) {
        to = emqxi_base64(b->der + i, EMQXI_MIN(b->der_len - i, each), to);
        *to++ = '\n';
    }
    return copy(copy(copy(to, "-----END "), label_of(b)), "-----\n");
}
