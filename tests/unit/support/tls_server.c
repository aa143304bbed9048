/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "tls_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR 3600

static X509 *self_signed(EVP_PKEY *key, const char *san, long from, long until)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509V3_CTX ctx;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), until);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"loopback", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san);
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x, key, EVP_sha256());
    return x;
}

void tls_server_make(tls_server *s, const char *san)
{
    tls_server_make_dated(s, san, -HOUR, HOUR);
}

void tls_server_make_dated(tls_server *s, const char *san, long from, long until)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = self_signed(key, san, from, until);
    strcpy(s->ca_path, "/tmp/emqxtls-ca-XXXXXX");
    FILE *file = fdopen(mkstemp(s->ca_path), "w");
    PEM_write_X509(file, x);
    fclose(file);
    s->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(s->tls, x);
    SSL_CTX_use_PrivateKey(s->tls, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

static int choose_http2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                        const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl, (void)user;
    for (unsigned i = 0; i < in_len; i += in[i] + 1u)
        if (in[i] == 2 && memcmp(in + i + 1, "h2", 2) == 0) {
            *out = in + i + 1;
            *out_len = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

void tls_server_offer_http2(tls_server *s)
{
    SSL_CTX_set_alpn_select_cb(s->tls, choose_http2, NULL);
}

void tls_server_free(tls_server *s)
{
    SSL_CTX_free(s->tls);
    unlink(s->ca_path);
}
