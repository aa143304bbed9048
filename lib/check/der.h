/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * der - as much of DER as tells what a block is, and takes a private key apart.
 */
#ifndef EMQXI_DER_H
#define EMQXI_DER_H

#include "base/base.h"

typedef struct emqxi_der {
    const unsigned char *p;
    size_t len;
} emqxi_der;

/* Do the values of `der` follow a pattern? A character is a value: INTEGER (i), BIT STRING (b),
 * OCTET STRING (s), OBJECT IDENTIFIER (o), time (t), SEQUENCE (.), [0] and [1]; '{' is a SEQUENCE
 * that the rest of the pattern goes into, '$' the end. With '?' behind it a value may be missing.
 * The content of each goes to `values`, if that is not NULL; empty: missing, or the end. */
bool emqxi_der_match(emqxi_der der, const char *pattern, emqxi_der *values);

/* What a DER value is, by the kinds of its first parts. It may still be damaged. */
enum emqxi_der_shape {
    EMQXI_DER_NONE,
    EMQXI_DER_CERT,
    EMQXI_DER_TRUSTED, /* a certificate with OpenSSL's trust settings behind it */
    EMQXI_DER_REQUEST,
    EMQXI_DER_CRL,
    EMQXI_DER_PKCS7,
    EMQXI_DER_PKCS12,
    EMQXI_DER_PUBLIC, /* a public key */
    EMQXI_DER_PKCS8,
    EMQXI_DER_PKCS1,
    EMQXI_DER_SEC1,
    EMQXI_DER_ENCRYPTED /* PKCS#8 */
};
enum emqxi_der_shape emqxi_der_shape(emqxi_der der);

static inline bool emqxi_der_is_key(enum emqxi_der_shape shape)
{
    return shape >= EMQXI_DER_PKCS8;
}

#endif
