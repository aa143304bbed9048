/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "pki.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define NEED(condition) ((condition) ? (void)0 : pki_failed(__LINE__))

enum { CA = 1, BARE = 2 /* no extensions, version 1 */, PSS = 4, NO_KEYID = 8, TWICE = 16 };

/* A row names what is special of it; the rest is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static struct key_row {
    const char *name, *kind;
    EVP_PKEY *key;
} keys[] = {
    {"root", "P-256", NULL},       {"inter", "P-256", NULL},      {"leaf", "P-256", NULL},
    {"other", "P-256", NULL},      {"p384", "P-384", NULL},       {"p521", "P-521", NULL},
    {"k1", "secp256k1", NULL},     {"ed25519", "ED25519", NULL},  {"rsa1024", "RSA 1024", NULL},
    {"rsa2048", "RSA 2048", NULL}, {"rsa3072", "RSA 3072", NULL}, {"rsa4096", "RSA 4096", NULL},
    {"rsaca", "RSA 1024", NULL},   {"pss", "PSS 1024", NULL},     {"explicit", "leaf", NULL},
};

static struct cert_row {
    const char *name, *cn, *key, *issuer, *issuer_key; /* issuer NULL: itself */
    int flags, from, until;                            /* days from now */
    const char *san;
    X509 *x;
    const char *more; /* extensions: "NAME=VALUE;NAME=VALUE" */
} certs[] = {
    /* a root, an intermediate, leaves */
    {"root", "Root", "root", NULL, NULL, CA, -1000, 4000, NULL, NULL},
    {"inter", "Intermediate", "inter", "root", "root", CA, -500, 2000, NULL, NULL},
    {"leaf", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 200,
     "DNS:mqtt.example.com,DNS:*.wild.example.com,IP:192.0.2.7,IP:2001:db8::7", NULL},
    {"direct", "mqtt.example.com", "leaf", "root", "root", 0, -10, 200, NULL, NULL},
    {"old", "mqtt.example.com", "leaf", "inter", "inter", 0, -100, 90, NULL, NULL},
    {"self", "self.example.com", "leaf", NULL, NULL, 0, -10, 200, NULL, NULL},
    {"self-ca", "self.example.com", "leaf", NULL, NULL, CA, -10, 200, NULL, NULL},
    /* validity */
    {"expired", "mqtt.example.com", "leaf", "inter", "inter", 0, -100, -1, NULL, NULL},
    {"ancient", "mqtt.example.com", "leaf", "inter", "inter", 0, -1000, -500, NULL, NULL},
    {"future", "mqtt.example.com", "leaf", "inter", "inter", 0, 1, 200, NULL, NULL},
    {"60days", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 60, NULL, NULL},
    {"2049", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 9000, NULL, NULL},
    {"inter-expired", "Intermediate", "inter", "root", "root", CA, -500, -1, NULL, NULL},
    {"inter-future", "Intermediate", "inter", "root", "root", CA, 1, 2000, NULL, NULL},
    {"root-expired", "Root", "root", NULL, NULL, CA, -1000, -1, NULL, NULL},
    {"root-future", "Root", "root", NULL, NULL, CA, 1, 4000, NULL, NULL},
    /* algorithms */
    {"p384", "p384.example.com", "p384", "inter", "inter", 0, -10, 200, NULL, NULL},
    {"p521", "p521.example.com", "p521", "inter", "inter", 0, -10, 200, NULL, NULL},
    {"k1", "k1.example.com", "k1", "inter", "inter", 0, -10, 200, NULL, NULL},
    {"ed25519", "ed25519.example.com", "ed25519", NULL, NULL, 0, -10, 200, NULL, NULL},
    {"explicit", "explicit.example.com", "explicit", "inter", "inter", 0, -10, 200, NULL, NULL},
    {"rsaca", "RSA CA", "rsaca", NULL, NULL, CA, -500, 2000, NULL, NULL},
    {"rsa1024", "rsa1024.example.com", "rsa1024", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"rsa2048", "rsa2048.example.com", "rsa2048", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"rsa3072", "rsa3072.example.com", "rsa3072", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"rsa4096", "rsa4096.example.com", "rsa4096", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"rsa-signed-pss", "rsa2048.example.com", "rsa2048", "rsaca", "rsaca", PSS, -10, 200, NULL,
     NULL},
    {"pss", "pss.example.com", "pss", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"ec-by-rsa", "mqtt.example.com", "leaf", "rsaca", "rsaca", 0, -10, 200, NULL, NULL},
    {"rsa-by-ec", "rsa2048.example.com", "rsa2048", "inter", "inter", 0, -10, 200, NULL, NULL},
    /* chains with more than one way, and with gaps */
    {"other-root", "Other root", "other", NULL, NULL, CA, -1000, 4000, NULL, NULL},
    {"root-cross", "Root", "root", "other-root", "other", CA, -500, 2000, NULL, NULL},
    {"inter-cross", "Intermediate", "inter", "other-root", "other", CA, -500, 2000, NULL, NULL},
    {"inter-rekeyed", "Intermediate", "other", "root", "root", CA | NO_KEYID, -500, 2000, NULL,
     NULL},
    {"leaf-no-keyid", "mqtt.example.com", "leaf", "inter", "inter", NO_KEYID, -10, 200, NULL, NULL},
    {"top", "Top", "other", NULL, NULL, CA, -500, 2000, NULL, NULL},
    {"middle", "Middle", "root", "top", "other", CA, -500, 2000, NULL, NULL},
    {"low", "Low", "inter", "middle", "root", CA, -500, 2000, NULL, NULL},
    {"deep", "deep.example.com", "leaf", "low", "inter", 0, -10, 200, NULL, NULL},
    /* client CAs */
    {"v1", "Old style root", "other", NULL, NULL, BARE, -1000, 4000, NULL, NULL},
    {"client", "client-7", "other", "root", "root", 0, -10, 200, NULL, NULL},
    /* what clients will make of it */
    {"for-clients", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 200,
     .more = "extendedKeyUsage=clientAuth"},
    {"for-mail", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 200,
     .more = "extendedKeyUsage=emailProtection,codeSigning"},
    {"for-both", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 200,
     .more = "extendedKeyUsage=clientAuth,serverAuth"},
    {"for-anything", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 200,
     .more = "extendedKeyUsage=anyExtendedKeyUsage"},
    {"inter-ends", "Intermediate", "inter", "root", "root", CA, -500, 3},
    {"direct-root-ends", "Root", "root", NULL, NULL, CA, -1000, 100},
    {"client-ca-ends", "Clients' CA", "other", NULL, NULL, CA, -1000, 2},
    {"client-ca-soon", "Clients' CA", "other", NULL, NULL, CA, -1000, 250},
    {"leaf-long", "mqtt.example.com", "leaf", "inter", "inter", 0, -10, 240},
    {"45days", "mqtt.example.com", "leaf", "inter", "inter", 0, -1, 44},
    {"20days", "mqtt.example.com", "leaf", "inter", "inter", 0, -1, 19},
    {"root-cross-expired", "Root", "root", "other-root", "other", CA, -900, -3},
    {"inter-cross-expired", "Intermediate", "inter", "other-root", "other", CA, -900, -3},
    {"inter-cross-ends", "Intermediate", "inter", "other-root", "other", CA, -900, 30},
    {"low-expired", "Low", "inter", "middle", "root", CA, -500, -1},
    {"middle-expired", "Middle", "root", "top-link", "other", CA, -500, -1},
    {"middle-linked", "Middle", "root", "top-link", "other", CA, -500, 2000},
    {"top-link", "Top link", "other", "other-root", "other", CA, -500, 2000},
    /* issuers that do not fit */
    {"inter-no-ca", "Intermediate", "inter", "root", "root", 0, -500, 2000},
    {"inter-no-sign", "Intermediate", "inter", "root", "root", CA, -500, 2000,
     .more = "keyUsage=critical,digitalSignature"},
    {"inter-again", "Intermediate", "inter", "root", "root", CA, -400, 2000},
    {"leaf-serial", "mqtt.example.com", "leaf", "inter", "inter", NO_KEYID, -10, 200,
     .more = "authorityKeyIdentifier=issuer:always"},
    /* badly made */
    {"twice", "mqtt.example.com", "leaf", "inter", "inter", TWICE, -10, 200,
     "DNS:mqtt.example.com"},
    {"inter-twice", "Intermediate", "inter", "root", "root", CA | TWICE, -500, 2000, "DNS:ca"},
    {"backwards", "mqtt.example.com", "leaf", "inter", "inter", 0, 200, -10},
    {"no-curve", "mqtt.example.com", "leaf", "inter", "inter", NO_KEYID, -10, 200,
     .more = "curve="},
    /* no common name */
    {"nameless", NULL, "leaf", "inter", "inter", 0, -10, -1, "DNS:first.example.com,DNS:b"},
    {"nameless-ip", NULL, "leaf", "inter", "inter", 0, -10, -1, "IP:192.0.2.9"},
    {"nameless-ip6", NULL, "leaf", "inter", "inter", 0, -10, -1, "IP:2001:db8::9"},
    {"nameless-uri", NULL, "leaf", "inter", "inter", 0, -10, -1, "URI:spiffe://x/y"},
    {"nothing", NULL, "leaf", "inter", "inter", 0, -10, -1},
    /* subjects that should not reach a terminal as they are */
    {"ugly", "bad\x1b[31m\xe2\x80\xaename\n", "other", NULL, NULL, CA, -1000, 4000, NULL, NULL},
    {"long", "0123456789012345678901234567890123456789012345678901234567\xc3\xa4\xc3\xa4\xc3\xa4",
     "other", NULL, NULL, CA, -1000, 4000, NULL, NULL},
};

static void pki_failed(int line)
{
    fprintf(stderr, "pki.c:%d: a test fixture could not be made\n", line);
    exit(99);
}

void pki_append(pki_text *to, const void *data, size_t len)
{
    to->data = realloc(to->data, to->len + len + 1);
    NEED(to->data);
    memcpy(to->data + to->len, data, len);
    to->len += len;
    to->data[to->len] = '\0';
}

/* -- keys */

/* With more primes than two for the large ones: much faster to make, and the check looks at their
 * size alone. */
static EVP_PKEY *make_rsa(const char *type, int bits)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    NEED(ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits) == 1);
    if (bits > 2048)
        NEED(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, bits / 1024) == 1);
    NEED(EVP_PKEY_generate(ctx, &key) == 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key;
    if (strncmp(kind, "RSA ", 4) == 0)
        return make_rsa("RSA", atoi(kind + 4));
    if (strncmp(kind, "PSS ", 4) == 0)
        return make_rsa("RSA-PSS", atoi(kind + 4));
    if (strcmp(kind, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (strcmp(kind, "leaf") != 0)
        return EVP_EC_gen(kind);
    key = EVP_PKEY_dup(pki_key(kind)); /* the same key, written with explicit parameters */
    NEED(key && EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
                                               OSSL_PKEY_EC_ENCODING_EXPLICIT) == 1);
    return key;
}

static struct key_row *find_key(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
            return &keys[i];
    return NULL;
}

EVP_PKEY *pki_key(const char *name)
{
    struct key_row *row = find_key(name, strlen(name));
    NEED(row && (row->key || (row->key = make_key(row->kind))));
    return row->key;
}

/* -- certificates */

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    NEED(extension && X509_add_ext(x, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void sign(X509 *x, EVP_PKEY *key, bool pss)
{
    EVP_PKEY_CTX *padding;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    NEED(ctx && EVP_DigestSignInit(ctx, &padding, md, NULL, key) == 1);
    if (pss)
        NEED(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1);
    NEED(X509_sign_ctx(x, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

static X509 *begin(const char *cn, EVP_PKEY *key, int flags, int from, int until)
{
    static uint64_t serial = 1;
    X509 *x = X509_new();
    NEED(x && X509_set_version(x, flags & BARE ? X509_VERSION_1 : X509_VERSION_3) == 1);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial++);
    NEED(ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)PKI_NOW, from, 0));
    NEED(ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)PKI_NOW, until, 0));
    NEED(!cn || X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
                                           (const unsigned char *)cn, -1, -1, 0) == 1);
    NEED(X509_set_pubkey(x, key) == 1);
    return x;
}

static void extend_more(X509 *x, X509 *issuer, const char *more)
{
    char list[256], *rest = list;
    snprintf(list, sizeof list, "%s", more);
    for (char *value; (value = strsep(&rest, ";"));) {
        char *name = strsep(&value, "=");
        X509_ALGOR *algorithm;
        if (strcmp(name, "curve") != 0) {
            extend(x, issuer, OBJ_txt2nid(name), value);
            continue;
        }
        X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(x));
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_UNDEF, NULL);
    }
}

static X509 *make_cert(const struct cert_row *row)
{
    EVP_PKEY *key = pki_key(row->key), *signer = row->issuer ? pki_key(row->issuer_key) : key;
    X509 *x = begin(row->cn, key, row->flags, row->from, row->until);
    X509 *issuer = row->issuer ? pki_cert(row->issuer) : x;
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    if (!(row->flags & BARE)) {
        extend(x, issuer, NID_basic_constraints,
               row->flags & CA ? "critical,CA:TRUE" : "critical,CA:FALSE");
        if (!(row->flags & NO_KEYID)) {
            extend(x, issuer, NID_subject_key_identifier, "hash");
            extend(x, issuer, NID_authority_key_identifier, "keyid");
        }
        for (int i = 0; row->san && i < (row->flags & TWICE ? 2 : 1); i++)
            extend(x, issuer, NID_subject_alt_name, row->san);
        if (row->more)
            extend_more(x, issuer, row->more);
    }
    sign(x, signer, row->flags & PSS);
    return x;
}

X509 *pki_issue(const char *name, const char *issuer, int ca, EVP_PKEY *key, EVP_PKEY *issuer_key)
{
    X509 *x = begin(name, key, 0, -10, 400);
    NEED(X509_NAME_add_entry_by_NID(X509_get_issuer_name(x), NID_commonName, MBSTRING_UTF8,
                                    (const unsigned char *)issuer, -1, -1, 0) == 1);
    extend(x, x, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    sign(x, issuer_key, false);
    return x;
}

X509 *pki_cert(const char *name)
{
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++)
        if (strcmp(certs[i].name, name) == 0) {
            if (!certs[i].x)
                certs[i].x = make_cert(&certs[i]);
            return certs[i].x;
        }
    return NULL;
}

void pki_end(void)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        EVP_PKEY_free(keys[i].key);
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++)
        X509_free(certs[i].x);
}

/* -- as text */

static void take(pki_text *to, BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    pki_append(to, data, (size_t)len);
    BIO_free(bio);
}

void pki_put_cert(pki_text *to, X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    NEED(PEM_write_bio_X509(bio, x) == 1);
    take(to, bio);
}

/* An EC key without its public half, as Java writes it. */
static int put_half(BIO *bio, EVP_PKEY *key, bool pkcs8)
{
    EVP_PKEY *half = EVP_PKEY_dup(key);
    NEED(half && EVP_PKEY_set_int_param(half, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0) == 1);
    int good = pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, half, NULL, NULL, 0, NULL, NULL)
                     : PEM_write_bio_PrivateKey_traditional(bio, half, NULL, NULL, 0, NULL, NULL);
    EVP_PKEY_free(half);
    return good;
}

static bool put_key(pki_text *to, EVP_PKEY *key, const char *form)
{
    const unsigned char *pass = (const unsigned char *)"secret";
    BIO *bio = BIO_new(BIO_s_mem());
    int good = 0;
    if (strcmp(form, "key") == 0)
        good = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    else if (strcmp(form, "sec1") == 0 || strcmp(form, "pkcs1") == 0)
        good = PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
    else if (strcmp(form, "params") == 0)
        good = PEM_write_bio_Parameters(bio, key);
    else if (strcmp(form, "encrypted") == 0)
        good = PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), (const char *)pass, 6,
                                             NULL, NULL);
    else if (strcmp(form, "legacy") == 0)
        good =
            PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(), pass, 6, NULL, NULL);
    else if (strcmp(form, "half") == 0 || strcmp(form, "half-sec1") == 0)
        good = put_half(bio, key, form[4] == '\0');
    else if (strcmp(form, "keyder") == 0)
        good = i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL);
    else if (strcmp(form, "sealedder") == 0)
        good =
            i2d_PKCS8PrivateKey_bio(bio, key, EVP_aes_256_cbc(), (const char *)pass, 6, NULL, NULL);
    else if (strcmp(form, "sec1der") == 0 || strcmp(form, "pkcs1der") == 0)
        good = i2d_PrivateKey_bio(bio, key);
    else if (strcmp(form, "publicder") == 0)
        good = i2d_PUBKEY_bio(bio, key);
    take(to, bio);
    return good == 1;
}

static void put_one(pki_text *to, const char *name)
{
    const char *dot = strrchr(name, '.'), *label = strchr(name, '@');
    struct key_row *key = dot ? find_key(name, (size_t)(dot - name)) : NULL;
    X509 *x = pki_cert(name);
    if (x) {
        pki_put_cert(to, x);
    } else if (label) {
        pki_put_under(to, name, label + 1);
    } else if (dot && strcmp(dot, ".der") == 0) {
        unsigned char *der = NULL;
        char cert[40];
        snprintf(cert, sizeof cert, "%.*s", (int)(dot - name), name);
        int len = i2d_X509(pki_cert(cert), &der);
        NEED(len > 0);
        pki_append(to, der, (size_t)len);
        OPENSSL_free(der);
    } else if (!(key && put_key(to, pki_key(key->name), dot + 1)) && !pki_put_piece(to, name) &&
               !pki_put_file(to, name)) {
        fprintf(stderr, "there is no piece of PEM called %s\n", name);
        exit(99);
    }
}

void pki_put(pki_text *to, const char *names)
{
    char list[512], *rest = list;
    pki_append(to, "", 0);
    snprintf(list, sizeof list, "%s", names);
    for (char *name; (name = strsep(&rest, " "));)
        if (*name)
            put_one(to, name);
}
