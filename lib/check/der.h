/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * der - as much of DER as tells what a block is, and takes a private key apart.
 */
#ifndef EMQXI_DER_H
#define EMQXI_DER_H

#include "base/base.h"

enum {
    EMQXI_DER_INTEGER = 0x02,
    EMQXI_DER_BITS = 0x03,
    EMQXI_DER_OCTETS = 0x04,
    EMQXI_DER_OID = 0x06,
    EMQXI_DER_UTC_TIME = 0x17,
    EMQXI_DER_TIME = 0x18,
    EMQXI_DER_SEQUENCE = 0x30,
    EMQXI_DER_CONTEXT = 0xA0 /* [0], constructed; the others follow it */
};

typedef struct emqxi_der {
    const unsigned char *p;
    size_t len;
} emqxi_der;

/* Takes a value of this tag off the front. False: there is none, or it is cut short. */
bool emqxi_der_take(emqxi_der *from, unsigned tag, emqxi_der *content);

/* The same, and nothing is left behind it. */
static inline bool emqxi_der_is(emqxi_der all, unsigned tag, emqxi_der *content)
{
    return emqxi_der_take(&all, tag, content) && all.len == 0;
}

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
