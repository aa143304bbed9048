/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "material.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static void extend(X509 *to, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    if (!extension || !X509_add_ext(to, extension, -1))
        abort();
    X509_EXTENSION_free(extension);
}

static X509 *certificate(const char *name, EVP_PKEY *key, int days, const char *constraints,
                         X509 *ca, EVP_PKEY *ca_key)
{
    X509 *x = X509_new();
    uint64_t serial;
    RAND_bytes((unsigned char *)&serial, sizeof serial);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), (long)days * 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(ca ? ca : x));
    X509_set_pubkey(x, key);
    extend(x, NID_basic_constraints, constraints);
    if (!X509_sign(x, ca_key ? ca_key : key, EVP_sha256()))
        abort();
    return x;
}

/* The text in a memory BIO, which is freed. */
static char *take(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

void material_make(test_material *m, const char *name, int days)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = certificate("Test CA", ca_key, days + 365, "critical,CA:TRUE", NULL, NULL);
    X509 *leaf = certificate(name, key, days, "critical,CA:FALSE", ca, ca_key);
    BIO *chain = BIO_new(BIO_s_mem()), *alone = BIO_new(BIO_s_mem()),
        *secret = BIO_new(BIO_s_mem());
    if (!PEM_write_bio_X509(chain, leaf) || !PEM_write_bio_X509(chain, ca) ||
        !PEM_write_bio_X509(alone, ca) ||
        !PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL))
        abort();
    m->cert = take(chain);
    m->cacert = take(alone);
    m->key = take(secret);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

void material_free(test_material *m)
{
    free(m->cert);
    free(m->key);
    free(m->cacert);
    memset(m, 0, sizeof *m);
}
