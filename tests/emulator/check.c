/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the platform refuses with 422: the rules of its page "Configure TLS/SSL", read anew here so
 * that a mistake in the library's own check shows. jansson and OpenSSL keep copies of a key in
 * freed memory: this program is for test keys.
 */
#include "emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static bool refuse(struct answer *a, const char *code, const char *message)
{
    answer_text(a, 422, "{\"code\":\"%s\",\"message\":\"%s\"}", code, message);
    return false;
}

/* All certificates of a PEM text; NULL: there is none, something else is between them, or one can't
 * be read. */
static STACK_OF(X509) * read_certificates(const char *pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    STACK_OF(X509) *all = sk_X509_new_null();
    char *name, *header;
    unsigned char *data;
    long len;
    bool good = true;
    while (good && PEM_read_bio(in, &name, &header, &data, &len)) {
        const unsigned char *p = data;
        X509 *x = strcmp(name, PEM_STRING_X509) ? NULL : d2i_X509(NULL, &p, len);
        good = x && p == data + len;
        if (x)
            sk_X509_push(all, x);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)len);
    }
    good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
           sk_X509_num(all) > 0;
    ERR_clear_error();
    BIO_free(in);
    if (good)
        return all;
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

static int no_passphrase(char *to, int size, int writing, void *user)
{
    (void)to, (void)size, (void)writing;
    *(bool *)user = true;
    return -1;
}

/* RSA 1024 or 2048, named P-256 or P-384. */
static bool algorithm_ok(const EVP_PKEY *key)
{
    char group[64] = "";
    int explicit_curve = 0;
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) == 1024 || EVP_PKEY_get_bits(key) == 2048;
    if (!EVP_PKEY_is_a(key, "EC") || !EVP_PKEY_get_group_name(key, group, sizeof group, NULL))
        return false;
    EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve);
    return !explicit_curve && (!strcmp(group, "prime256v1") || !strcmp(group, "secp384r1"));
}

static bool issued(X509 *issuer, X509 *x)
{
    return X509_check_issued(issuer, x) == X509_V_OK &&
           X509_verify(x, X509_get0_pubkey(issuer)) == 1;
}

static bool key_fits(STACK_OF(X509) * chain, EVP_PKEY *key, struct answer *a)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(chain, i)), key) != 1)
            continue;
        return i == 0 || refuse(a, "CHAIN_ORDER", "the certificate of the key has to come first");
    }
    return refuse(a, "KEY_MISMATCH", "the key is not the certificate's");
}

static bool chain_ok(STACK_OF(X509) * chain, struct answer *a)
{
    X509 *leaf = sk_X509_value(chain, 0);
    int n = sk_X509_num(chain);
    if (n == 1 && !issued(leaf, leaf))
        return refuse(a, "CHAIN_INCOMPLETE", "a certificate issued by a CA needs its chain");
    for (int i = 0; i + 1 < n; i++)
        if (!issued(sk_X509_value(chain, i + 1), sk_X509_value(chain, i)))
            return refuse(a, "CHAIN_ORDER", "each certificate has to be followed by its issuer");
    X509 *issuer = sk_X509_value(chain, n > 1 ? 1 : 0);
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(issuer)) !=
        EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)))
        return refuse(a, "KEY_TYPE", "the key type has to be that of the CA");
    return true;
}

static bool dates_ok(const X509 *leaf, int64_t min_days, time_t now, struct answer *a)
{
    time_t later = now + (time_t)min_days * 86400;
    if (X509_cmp_time(X509_get0_notBefore(leaf), &now) > 0)
        return refuse(a, "NOT_YET_VALID", "the certificate is not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(leaf), &now) < 0)
        return refuse(a, "EXPIRED", "the certificate has expired");
    if (X509_cmp_time(X509_get0_notAfter(leaf), &later) < 0)
        return refuse(a, "EXPIRES_SOON", "the certificate is too near its end");
    return true;
}

static bool client_ca_ok(const struct material *m, struct answer *a)
{
    if (m->type == 1)
        return !m->cacert || refuse(a, "CACERT_UNEXPECTED", "one-way takes no cacert");
    if (!m->cacert)
        return refuse(a, "CACERT_MISSING", "two-way needs cacert");
    STACK_OF(X509) *all = read_certificates(m->cacert);
    bool good = all;
    for (int i = 0; good && i < sk_X509_num(all); i++)
        good = X509_check_ca(sk_X509_value(all, i));
    sk_X509_pop_free(all, X509_free);
    return good || refuse(a, "CACERT_INVALID", "cacert has to hold CA certificates");
}

static void take_facts(struct material *m, X509 *leaf)
{
    struct tm end = {0};
    unsigned char hash[32], *name = NULL;
    char *both = NULL;
    int at = X509_NAME_get_index_by_NID(X509_get_subject_name(leaf), NID_commonName, -1);
    if (at >= 0)
        ASN1_STRING_to_UTF8(
            &name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(X509_get_subject_name(leaf), at)));
    m->common_name = name ? strdup((char *)name) : NULL;
    OPENSSL_free(name);
    ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end);
    m->expire = timegm(&end);
    int n = asprintf(&both, "%s%s", m->cert, m->cacert ? m->cacert : "");
    if (n >= 0 && EVP_Digest(both, (size_t)n, hash, NULL, EVP_sha256(), NULL))
        for (size_t i = 0; i < sizeof hash; i++)
            snprintf(m->sha256 + 2 * i, 3, "%02x", hash[i]);
    free(both);
}

static bool material_ok(struct material *m, int64_t min_days, time_t now, struct answer *a)
{
    bool encrypted = false, good = false;
    STACK_OF(X509) *chain = read_certificates(m->cert);
    if (!chain)
        return refuse(a, "CERT_INVALID", "cert has to hold PEM certificates and nothing else");
    take_facts(m, sk_X509_value(chain, 0));
    BIO *in = BIO_new_mem_buf(m->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &encrypted);
    ERR_clear_error();
    BIO_free(in);
    if (!key)
        refuse(a, encrypted ? "KEY_ENCRYPTED" : "KEY_INVALID",
               encrypted ? "the key must have no passphrase"
                         : "key has to hold one PEM private key");
    else if (!algorithm_ok(X509_get0_pubkey(sk_X509_value(chain, 0))))
        refuse(a, "ALGORITHM", "RSA 1024 or 2048, ECDSA P-256 or P-384");
    else
        good = key_fits(chain, key, a) && chain_ok(chain, a) &&
               dates_ok(sk_X509_value(chain, 0), min_days, now, a) && client_ca_ok(m, a);
    ERR_clear_error();
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return good;
}

/* A member that is a text and not empty, copied; else NULL. */
static char *text(const json_t *body, const char *name)
{
    const char *value = json_string_value(json_object_get(body, name));
    return value && *value ? strdup(value) : NULL;
}

bool material_read(const struct request *r, int64_t min_days, time_t now, struct material *m,
                   struct answer *a)
{
    memset(m, 0, sizeof *m);
    json_t *body = json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        answer_text(a, 400,
                    "{\"code\":\"BAD_REQUEST\",\"message\":\"the body is no JSON object\"}");
        return false;
    }
    const char *type = json_string_value(json_object_get(body, "tlsType"));
    m->type = !type ? 0 : !strcmp(type, "one-way") ? 1 : !strcmp(type, "two-way") ? 2 : 0;
    m->cert = text(body, "cert");
    m->key = text(body, "key");
    m->cacert = text(body, "cacert");
    json_decref(body);
    if (!m->type)
        return refuse(a, "TLS_TYPE", "tlsType is one-way or two-way");
    if (!m->cert || !m->key)
        return refuse(a, "MISSING", "cert and key are needed");
    return material_ok(m, min_days, now, a);
}

void material_free(struct material *m)
{
    if (m->key)
        OPENSSL_cleanse(m->key, strlen(m->key));
    free(m->cert);
    free(m->key);
    free(m->cacert);
    free(m->common_name);
    memset(m, 0, sizeof *m);
}
