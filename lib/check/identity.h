/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * identity - what a request puts in place, as a status, a receipt or a probe can know it again.
 * Nothing of the private key.
 */
#ifndef EMQXI_IDENTITY_H
#define EMQXI_IDENTITY_H

#include "base/base.h"

#include <string.h>

#include <emqxtls/values.h>

/* -- names.c: is this one of the names of a certificate, however it is written? Pure */
#define EMQXI_NAMES_MAX 64

/* A hash for each common name and alternative name of a leaf. */
typedef struct emqxi_names {
    uint32_t count;
    bool more; /* there are more than can be kept */
    uint64_t hash[EMQXI_NAMES_MAX];
} emqxi_names;

void emqxi_names_add(emqxi_names *names, const char *text, size_t len);

/* Case, a final dot, "CN=", an A- or U-label, being cut off at 64 bytes and being one of several in
 * a row make no difference. True also where that can't be told, since not all names are known. */
bool emqxi_names_have(const emqxi_names *names, const char *told);

/* -- identity.c */
typedef struct emqxi_identity {
    uint32_t type; /* EMQX_TLS_TYPE_* */
    /* the certificates could be read; else, as in every build without OpenSSL, all below is zero */
    bool readable;
    int64_t not_after;                              /* of the leaf: seconds since 1970 */
    char common_name[256];                          /* of the leaf */
    emqxi_names names;                              /* all of the leaf */
    unsigned char leaf_sha256[32], spki_sha256[32]; /* of the leaf's DER and of its public key */
    /* of all certificates' DER in their order; zeroes: no client CA */
    unsigned char chain_sha256[32], cacert_sha256[32];
} emqxi_identity;

/* Reads a request: its first certificate is the leaf. Sets the type in any case. */
void emqxi_identity_of(const emqx_tls_request *request, emqxi_identity *identity);

/* Reads the first certificate alone. Leaves type, spki_sha256 and what is behind it zero. */
void emqxi_identity_of_leaf(const char *pem, size_t len, emqxi_identity *identity);

/* Do both put the same in place? */
static inline bool emqxi_identity_equal(const emqxi_identity *a, const emqxi_identity *b)
{
    return a->type == b->type && memcmp(a->chain_sha256, b->chain_sha256, 32) == 0 &&
           memcmp(a->spki_sha256, b->spki_sha256, 32) == 0 &&
           memcmp(a->cacert_sha256, b->cacert_sha256, 32) == 0;
}

#endif
