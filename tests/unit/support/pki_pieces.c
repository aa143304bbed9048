/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Pieces that are no certificate and no key as an encoder writes them: text between blocks, other
 * blocks, damaged ones.
 */
#include "pki.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static const struct {
    const char *name, *text;
} texts[] = {
    {"space", " \t\r\n\n  \n"},
    {"bag", "Bag Attributes\n    localKeyID: 54 69 6D 65 20 31 36 \n    friendlyName: "
            "M\xc3\xbcller\nsubject=CN = "
            "x\n\nissuer=CN = y\n"},
    {"comment", "# renewed by hand, see the wiki\n"},
    {"latin1", "    friendlyName: M\xfcller\n"},
    {"stray", "MIIBszCCAVmgAwIBAgIUQm9ndXMgYm9ndXMgYm9ndXMgYm9ndXMgYm9ndXMgYm8=\n"},
    {"control", "\x01\x02 left over\n"},
    {"dashes", "----- my certificate -----\n"},
    {"end", "-----END CERTIFICATE-----\n"},
    {"begin", "-----BEGIN CERTIFICATE-----\n"},
    {"lower", "-----BEGIN certificate-----\nAAAA\n-----END certificate-----\n"},
    {"openssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH "
                "PRIVATE KEY-----\n"},
    {"dsa", "-----BEGIN DSA PRIVATE KEY-----\nMAMCAQU=\n-----END DSA PRIVATE KEY-----\n"},
    {"csr", "-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQU=\n-----END CERTIFICATE REQUEST-----\n"},
    {"pkcs7", "-----BEGIN PKCS7-----\nMAMCAQU=\n-----END PKCS7-----\n"},
    {"trusted",
     "-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQU=\n-----END TRUSTED CERTIFICATE-----\n"},
    {"dh", "-----BEGIN DH PARAMETERS-----\nMAMCAQU=\n-----END DH PARAMETERS-----\n"},
    {"public", "-----BEGIN PUBLIC KEY-----\nMAMCAQU=\n-----END PUBLIC KEY-----\n"},
    {"junk-cert", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n"},
    {"junk-key", "-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n"},
    {"headers",
     "-----BEGIN CERTIFICATE-----\nX-Origin: shop\n\nMAMCAQU=\n-----END CERTIFICATE-----\n"},
    {"no-data", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
    {"bad-bits", "-----BEGIN CERTIFICATE-----\nMAMCAQV=\n-----END CERTIFICATE-----\n"},
    {"bad-padding", "-----BEGIN CERTIFICATE-----\nMA==MAMCAQU=\n-----END CERTIFICATE-----\n"},
    {"bad-equals", "-----BEGIN CERTIFICATE-----\nMAQCAQUAA===\n-----END CERTIFICATE-----\n"},
    {"bad-group", "-----BEGIN CERTIFICATE-----\nMAMCAQU\n-----END CERTIFICATE-----\n"},
    {"bad-digit", "-----BEGIN CERTIFICATE-----\nMAM_AQU=\n-----END CERTIFICATE-----\n"},
    {"bad-length", "-----BEGIN CERTIFICATE-----\nMAQCAQU=\n-----END CERTIFICATE-----\n"},
    {"other-end", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n"},
    {"no-begin", "MIIBszCCAVmgAwIBAgIUQm9ndXMgYm9ndXMgYm9ndXMgYm9ndXMgYm9ndXMgYm8=\n"
                 "-----END CERTIFICATE-----\n"},
    {"no-end", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n"},
};

static void put_block(pki_text *to, const char *label, const unsigned char *der, long len)
{
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio(bio, label, "", der, len) <= 0)
        abort();
    long n = BIO_get_mem_data(bio, &data);
    pki_append(to, data, (size_t)n);
    BIO_free(bio);
}

/* The leaf under a label, with one byte from its end changed. */
static void put_leaf(pki_text *to, const char *label, unsigned char change)
{
    unsigned char *der = NULL;
    int len = i2d_X509(pki_cert("leaf"), &der);
    der[len - 1] ^= change;
    put_block(to, label, der, len);
    OPENSSL_free(der);
}

static void put_printed(pki_text *to)
{
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    X509_print(bio, pki_cert("leaf"));
    long n = BIO_get_mem_data(bio, &data);
    pki_append(to, data, (size_t)n);
    BIO_free(bio);
}

static void put_request_as_certificate(pki_text *to)
{
    unsigned char *der = NULL;
    X509_REQ *request = X509_to_X509_REQ(pki_cert("leaf"), pki_key("leaf"), EVP_sha256());
    int len = i2d_X509_REQ(request, &der);
    put_block(to, "CERTIFICATE", der, len);
    OPENSSL_free(der);
    X509_REQ_free(request);
}

/* A key's DER under another label than its own. */
static void put_key_as(pki_text *to, const char *label, const EVP_CIPHER *cipher)
{
    char *der;
    BIO *bio = BIO_new(BIO_s_mem());
    if (i2d_PKCS8PrivateKey_bio(bio, pki_key("leaf"), cipher, cipher ? "secret" : NULL,
                                cipher ? 6 : 0, NULL, NULL) != 1)
        abort();
    long len = BIO_get_mem_data(bio, &der);
    put_block(to, label, (const unsigned char *)der, len);
    BIO_free(bio);
}

/* The leaf's public half with the private half of another key. */
static void put_wrong_half(pki_text *to)
{
    unsigned char point[65];
    size_t len;
    BIGNUM *secret = NULL;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (EVP_PKEY_get_octet_string_param(pki_key("leaf"), OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof point, &len) != 1 ||
        EVP_PKEY_get_bn_param(pki_key("other"), OSSL_PKEY_PARAM_PRIV_KEY, &secret) != 1)
        abort();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    if (EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, parameters) != 1)
        abort();
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(bio, &data);
    pki_append(to, data, (size_t)n);
    BIO_free(bio);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    BN_free(secret);
}

/* A leaf and so many intermediates that the text has at least `size` bytes; each links to the
 * next. */
static void put_long_chain(pki_text *to, size_t size)
{
    char name[32], issuer[32];
    size_t begin = to->len;
    for (int i = 0; to->len - begin < size; i++) {
        snprintf(name, sizeof name, "Link %d", i);
        snprintf(issuer, sizeof issuer, "Link %d", i + 1);
        X509 *x = pki_issue(name, issuer, i > 0, i ? pki_key("inter") : pki_key("leaf"),
                            pki_key("inter"));
        pki_put_cert(to, x);
        X509_free(x);
    }
}

int pki_put_piece(pki_text *to, const char *name)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].name, name) == 0) {
            pki_append(to, texts[i].text, strlen(texts[i].text));
            return 1;
        }
    if (strcmp(name, "printed") == 0)
        put_printed(to);
    else if (strcmp(name, "leaf-oldlabel") == 0)
        put_leaf(to, "X509 CERTIFICATE", 0);
    else if (strcmp(name, "leaf-forged") == 0)
        put_leaf(to, "CERTIFICATE", 1);
    else if (strcmp(name, "leaf-as-key") == 0)
        put_leaf(to, "PRIVATE KEY", 0);
    else if (strcmp(name, "request-as-cert") == 0)
        put_request_as_certificate(to);
    else if (strcmp(name, "pkcs8-as-sec1") == 0)
        put_key_as(to, "EC PRIVATE KEY", NULL);
    else if (strcmp(name, "sealed") == 0)
        put_key_as(to, "PRIVATE KEY", EVP_aes_256_cbc());
    else if (strcmp(name, "wrong-half") == 0)
        put_wrong_half(to);
    else if (strcmp(name, "chain-64k") == 0)
        put_long_chain(to, 65536);
    else if (strcmp(name, "chain-1m") == 0)
        put_long_chain(to, 1024 * 1024);
    else
        return 0;
    return 1;
}
