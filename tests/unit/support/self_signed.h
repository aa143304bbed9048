/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Certificates that sign themselves, for a name and an end of the test's choice.
 */
#ifndef SELF_SIGNED_H
#define SELF_SIGNED_H

#include <stdint.h>

#include <openssl/x509.h>

typedef struct made {
    X509 *x;
    EVP_PKEY *key;
} made;

/* A self-signed certificate with a key of its own: EC P-256, or RSA of so many bits. */
made make(const char *name, int64_t end, unsigned rsa_bits);
void made_free(made *m);
/* In PEM, to be freed: its certificate, its key as PKCS#8, and the certificate of another one. */
char *made_pem(const made *m);
char *made_key_pem(const made *m);
char *make_leaf(const char *name, int64_t end);

#endif
