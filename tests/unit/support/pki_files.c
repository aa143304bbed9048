/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Files that people hand in for a certificate or a key.
 */
#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

static void take(pki_text *to, BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    if (len <= 0)
        abort();
    pki_append(to, data, (size_t)len);
    BIO_free(bio);
}

static void put_pfx(pki_text *to, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, pki_cert("inter"));
    PKCS12 *p = PKCS12_create(password, "f\xc3\xbcr", pki_key("leaf"), pki_cert("leaf"), chain, 0,
                              0, 0, password ? 0 : -1, 0);
    if (!p || i2d_PKCS12_bio(bio, p) != 1)
        abort();
    PKCS12_free(p);
    sk_X509_free(chain);
    take(to, bio);
}

static void put_pkcs7(pki_text *to)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PKCS7 *p = PKCS7_new();
    if (PKCS7_set_type(p, NID_pkcs7_signed) != 1 || PKCS7_content_new(p, NID_pkcs7_data) != 1 ||
        PKCS7_add_certificate(p, pki_cert("leaf")) != 1 ||
        PKCS7_add_certificate(p, pki_cert("inter")) != 1 || i2d_PKCS7_bio(bio, p) != 1)
        abort();
    PKCS7_free(p);
    take(to, bio);
}

static void put_crl(pki_text *to)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)PKI_NOW);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(pki_cert("inter")));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, now);
    if (X509_CRL_sign(crl, pki_key("inter"), EVP_sha256()) == 0 || i2d_X509_CRL_bio(bio, crl) != 1)
        abort();
    ASN1_TIME_free(now);
    X509_CRL_free(crl);
    take(to, bio);
}

static void put_request(pki_text *to)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_REQ *request = X509_to_X509_REQ(pki_cert("leaf"), pki_key("leaf"), EVP_sha256());
    if (!request || i2d_X509_REQ_bio(bio, request) != 1)
        abort();
    X509_REQ_free(request);
    take(to, bio);
}

static void put_trusted(pki_text *to)
{
    unsigned char *der = NULL;
    X509 *x = X509_dup(pki_cert("leaf"));
    X509_alias_set1(x, (const unsigned char *)"mine", 4);
    int len = i2d_X509_AUX(x, &der);
    if (len <= 0)
        abort();
    pki_append(to, der, (size_t)len);
    OPENSSL_free(der);
    X509_free(x);
}

int pki_put_file(pki_text *to, const char *name)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } files[] = {
#define FILE_OF(bytes) bytes, sizeof bytes - 1
        {"jks", FILE_OF("\xFE\xED\xFE\xED\0\0\0\2\0\0\0\1\0\0\0\1\0\4leaf")},
        {"jceks", FILE_OF("\xCE\xCE\xCE\xCE\0\0\0\2\0\0\0\1\0\0\0\1\0\4leaf")},
        {"zip", FILE_OF("PK\3\4\x14\0\0\0\x08\0cert.pem")},
        {"gz", FILE_OF("\x1F\x8B\x08\0\0\0\0\0\0\3")},
        {"ber-p7b", FILE_OF("\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80")},
        {"noise", FILE_OF("\x07\xFF\xC0\x80nothing that is known\xFE")},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(files[i].name, name) == 0) {
            pki_append(to, files[i].bytes, files[i].len);
            return 1;
        }
    if (strcmp(name, "pfx") == 0)
        put_pfx(to, "secret");
    else if (strcmp(name, "pfx-bare") == 0)
        put_pfx(to, NULL);
    else if (strcmp(name, "p7b") == 0)
        put_pkcs7(to);
    else if (strcmp(name, "crl") == 0)
        put_crl(to);
    else if (strcmp(name, "request") == 0)
        put_request(to);
    else if (strcmp(name, "trusted-der") == 0)
        put_trusted(to);
    else
        return 0;
    return 1;
}

void pki_put_under(pki_text *to, const char *name, const char *label)
{
    char piece[64], text[64];
    pki_text der = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    snprintf(piece, sizeof piece, "%.*s", (int)(label - 1 - name), name);
    snprintf(text, sizeof text, "%s", label);
    for (char *p = text; *p; p++)
        *p = *p == '_' ? ' ' : *p;
    pki_put(&der, piece);
    if (PEM_write_bio(bio, text, "", (const unsigned char *)der.data, (long)der.len) <= 0)
        abort();
    free(der.data);
    take(to, bio);
}
