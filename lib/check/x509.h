/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * x509.h - the check's view of certificates and keys, with OpenSSL.
 */
#ifndef EMQXI_X509_H
#define EMQXI_X509_H

#include "check/rules.h"

#include <openssl/x509v3.h>

/* Equal public halves do not prove that a key is the certificate's: a digit that was lost in the
 * private half leaves them equal. So it is tried whether one verifies what the other has signed. */
enum emqxi_fit {
    EMQXI_FIT_NONE,
    EMQXI_FIT_DAMAGED /* the public half alone fits */,
    EMQXI_FIT_WHOLE
};

typedef struct emqxi_cert {
    X509 *x;
    uint32_t part;
    size_t index;       /* PEM block of the part */
    enum emqxi_fit fit; /* of the private key, where it was tried */
    int64_t not_before, not_after;
    bool self_signed;
    /* set by the walk along the chain, for those on a way from the leaf to a root */
    bool reached;
    bool has_issuer; /* in the part */
    bool goes_on;    /* has one that is no root */
    bool best;       /* of the issuers of one it lasts longest */
    bool in_order;   /* stands behind one that it has signed */
    bool signed_leaf;
} emqxi_cert;

/* Those of a part that can be read, in its order, each once. */
typedef struct emqxi_certs {
    emqxi_cert *list;
    size_t count;
} emqxi_certs;

typedef struct emqxi_key {
    EVP_PKEY *pkey;           /* NULL: none that can be read */
    size_t index;             /* PEM block of the part */
    unsigned char *signature; /* to be freed */
    size_t signature_len;     /* 0: it could not sign, or is of a kind that is not tried */
} emqxi_key;

#define EMQXI_NAME_TEXT 64
#define EMQXI_DATE_TEXT 24

/* -- key.c */
/* False: no memory. Asks nobody for a passphrase. */
bool emqxi_key_read(const emqx_tls_allocator *a, const emqxi_pem_block *block, emqxi_key *key);
enum emqxi_fit emqxi_key_fit(const emqxi_key *key, const emqxi_cert *cert);

/* -- x509_read.c */
X509 *emqxi_cert_read(const emqxi_pem_block *block);           /* NULL: it is none */
bool emqxi_time_read(const ASN1_TIME *time, int64_t *seconds); /* since 1970 */
/* The next entry of this kind behind *at, from -1, cut. False: there is none, `to` stays. */
bool emqxi_name_entry(const X509_NAME *name, int nid, int *at, char *to, size_t size);
/* The same of an alternative name that is a text or an address. */
bool emqxi_alternative_name(const GENERAL_NAMES *names, int at, char *to, size_t size);
/* For messages: printable, cut. Both return what they write. */
/* `x`: whose subject it is, which has other names too; NULL: an issuer's */
const char *emqxi_name_text(const X509_NAME *name, const X509 *x, char text[EMQXI_NAME_TEXT]);
/* 2026-11-24; near now with the time of day */
const char *emqxi_date_text(int64_t seconds, int64_t now_s, char text[EMQXI_DATE_TEXT]);

enum emqxi_when { EMQXI_NOW, EMQXI_ENDED, EMQXI_TO_COME };
/* However wrong the clock is: it is later than the floor, and what ended before that has ended.
 * `date`: when it begins, if that is to come, else when it ends; NULL: not wanted. */
enum emqxi_when emqxi_when(const emqxi_check *check, const emqxi_cert *cert, char *date);
/* As emqxi_found; the text begins with "block 1 of cert (NAME) ". */
void emqxi_found_cert(emqxi_check *check, uint32_t id, const emqxi_cert *cert, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

/* -- identity.c. Both leave errors in OpenSSL's queue. */
/* as emqxi_identity_of_leaf; NULL: it could not be read */
void emqxi_identity_of_x509(X509 *x, emqxi_identity *identity);
/* as emqxi_identity_of, where all certificates of both parts are known to be readable; no type */
void emqxi_identity_take(X509 *leaf, const emqxi_pem *cert, const emqxi_pem *cacert,
                         emqxi_identity *identity);

/* -- the rules: of one certificate of cert (leaf_rules.c), of the whole chain (chain.c), of cacert
 * (client_ca.c) */
void emqxi_check_validity(emqxi_check *check, const emqxi_cert *cert);
void emqxi_check_leaf(emqxi_check *check, const emqxi_cert *leaf);
void emqxi_check_key(emqxi_check *check, const emqxi_key *key, const emqxi_cert *leaf);
void emqxi_check_chain(emqxi_check *check, emqxi_certs *certs, emqxi_cert *leaf);
/* `leaf`: NULL where it is not known; `certs`: its chain */
void emqxi_check_client_ca(emqxi_check *check, const emqxi_certs *cas, const emqxi_certs *certs,
                           const emqxi_cert *leaf);

#endif
