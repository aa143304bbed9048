/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * pki.h - keys, certificates and other pieces of PEM for tests, by name, made when a test first
 * asks for them.
 *
 * A name is that of a certificate ("leaf"), of a key in a form ("leaf.key", .sec1, .pkcs1, .params,
 * .half, .half-sec1, .encrypted, .legacy), a certificate or key as DER ("leaf.der"), or of one of the other pieces in
 * pki_pieces.c. pki.c has the tables.
 */
#ifndef PKI_H
#define PKI_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

/* 2027-01-15 08:00:00 UTC: all validity is told from here. */
#define PKI_NOW INT64_C(1800000000)
#define PKI_DAY INT64_C(86400)

/* Growing text; `data` has a NUL behind it. */
typedef struct pki_text {
    char *data;
    size_t len;
} pki_text;

void pki_append(pki_text *to, const void *data, size_t len);

/* Owned by the tables until pki_end. The program ends where a key's name is none; a certificate is
 * NULL then. */
EVP_PKEY *pki_key(const char *name);
X509 *pki_cert(const char *name);
void pki_end(void);

/* Appends the pieces of a list of names ("leaf inter"); ends the program where a name is none. */
void pki_put(pki_text *to, const char *names);

/* The pieces that are neither certificates nor keys; false: none of that name. pki_pieces.c */
int pki_put_piece(pki_text *to, const char *name);

/* Other files, most of them in DER ("pfx", "p7b", "crl", "csr", "jks", ...); false: none of that name.
 * pki_files.c */
int pki_put_file(pki_text *to, const char *name);

/* DER as a block of PEM: `name` is "PIECE@LABEL_OF_IT". */
void pki_put_under(pki_text *to, const char *name, const char *label);

/* A certificate of the same key for CN=`name`, signed by the certificate and key of CN=`issuer`.
 * For long chains. */
X509 *pki_issue(const char *name, const char *issuer, int ca, EVP_PKEY *key, EVP_PKEY *issuer_key);
void pki_put_cert(pki_text *to, X509 *x);

#endif
