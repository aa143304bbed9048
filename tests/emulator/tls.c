/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The server's side of TLS: a certificate from files, or a CA and a certificate made at start.
 * Their keys stay in memory; only the CA's certificate is written, for clients to trust.
 */
#include "emulator.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static bool extend(X509 *to, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

/* A certificate for `key` that is valid for a day, not signed yet. */
static X509 *draft(EVP_PKEY *key, const char *name, X509 *issuer)
{
    X509 *x = X509_new();
    uint64_t serial = 0;
    if (!x)
        return NULL;
    RAND_bytes((unsigned char *)&serial, sizeof serial);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
    X509_set_pubkey(x, key);
    return x;
}

static bool write_certificate(const char *folder, X509 *x)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    if (mkdir(folder, 0700) && errno != EEXIST)
        return false;
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = PEM_write_X509(file, x);
    return !fclose(file) && written;
}

static bool own_certificate(SSL_CTX *context, const struct settings *s)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key ? draft(ca_key, "emqxtls-emulator CA", NULL) : NULL;
    X509 *x = ca && key ? draft(key, "emqxtls-emulator", ca) : NULL;
    bool made = x && extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                extend(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                extend(ca, ca, NID_subject_key_identifier, "hash") &&
                X509_sign(ca, ca_key, EVP_sha256()) &&
                extend(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
                extend(x, ca, NID_subject_key_identifier, "hash") &&
                extend(x, ca, NID_authority_key_identifier, "keyid:always") &&
                extend(x, ca, NID_ext_key_usage, "serverAuth") &&
                extend(x, ca, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
                X509_sign(x, ca_key, EVP_sha256()) && SSL_CTX_use_certificate(context, x) &&
                SSL_CTX_use_PrivateKey(context, key);
    if (!made)
        fprintf(stderr, "emqxtls-emulator: can't make a certificate of its own\n");
    else if (!(made = write_certificate(s->tls_dir, ca)))
        fprintf(stderr, "emqxtls-emulator: can't write %s/ca.pem: %s\n", s->tls_dir,
                strerror(errno));
    X509_free(x);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return made;
}

static bool given_certificate(SSL_CTX *context, const struct settings *s)
{
    if (SSL_CTX_use_certificate_chain_file(context, s->tls_cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, s->tls_key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1)
        return true;
    fprintf(stderr, "emqxtls-emulator: can't serve with %s and %s: %s\n", s->tls_cert, s->tls_key,
            ERR_reason_error_string(ERR_peek_last_error()));
    return false;
}

SSL_CTX *tls_context(const struct settings *s)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (s->tls_cert ? given_certificate(context, s) : own_certificate(context, s))
        return context;
    SSL_CTX_free(context);
    return NULL;
}
