/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "self_signed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

made make(const char *name, int64_t end, unsigned rsa_bits)
{
    made m = {.x = X509_new(), .key = rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256")};
    X509_set_version(m.x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(m.x), 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(m.x, X509_get_subject_name(m.x));
    ASN1_TIME_set(X509_getm_notBefore(m.x), 1500000000);
    ASN1_TIME_set(X509_getm_notAfter(m.x), (time_t)end);
    X509_set_pubkey(m.x, m.key);
    if (X509_sign(m.x, m.key, EVP_sha256()) <= 0)
        abort();
    return m;
}

void made_free(made *m)
{
    X509_free(m->x);
    EVP_PKEY_free(m->key);
}

static char *text_of(BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)len);
    BIO_free(bio);
    return copy;
}

char *made_pem(const made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, m->x);
    return text_of(bio);
}

char *made_key_pem(const made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, m->key, NULL, NULL, 0, NULL, NULL);
    return text_of(bio);
}

char *make_leaf(const char *name, int64_t end)
{
    made m = make(name, end, 0);
    char *pem = made_pem(&m);
    made_free(&m);
    return pem;
}
