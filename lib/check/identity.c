/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Certificates are read as the check reads them, so that what passed it can be read here; the
 * caller's queue of OpenSSL's errors stays as it was.
 */
#include "check/identity.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "check/x509.h"

static void take_names(const X509 *x, emqxi_identity *identity)
{
    GENERAL_NAMES *others = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    const X509_NAME *subject = X509_get_subject_name(x);
    char name[sizeof identity->common_name] = "";
    for (int at = -1; emqxi_name_entry(subject, NID_commonName, &at, name, sizeof name);) {
        if (identity->names.count == 0)
            strcpy(identity->common_name, name);
        emqxi_names_add(&identity->names, name, strlen(name));
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(others); i++)
        if (emqxi_alternative_name(others, i, name, sizeof name))
            emqxi_names_add(&identity->names, name, strlen(name));
    GENERAL_NAMES_free(others);
}

void emqxi_identity_of_x509(X509 *x, emqxi_identity *identity)
{
    *identity = (emqxi_identity){0};
    identity->readable = x && emqxi_time_read(X509_get0_notAfter(x), &identity->not_after) &&
                         X509_digest(x, EVP_sha256(), identity->leaf_sha256, NULL) == 1;
    if (identity->readable)
        take_names(x, identity);
    else
        *identity = (emqxi_identity){0};
}

/* Reads a part and decodes its certificates, or only the first, which is to be freed. False: one
 * can't be read. */
static bool read_part(const char *text, size_t len, bool all, emqxi_pem *pem, X509 **first)
{
    *first = NULL;
    if (!emqxi_pem_scan(&emqxi_malloc, text, len, pem))
        return false;
    for (size_t i = 0; i < pem->count && (all || !*first); i++) {
        if (pem->blocks[i].kind != EMQXI_PEM_CERT)
            continue;
        X509 *x = pem->blocks[i].fault ? NULL : emqxi_cert_read(&pem->blocks[i]);
        if (!x)
            return false;
        if (*first)
            X509_free(x);
        else
            *first = x;
    }
    return true;
}

/* Over the SHA-256 of each certificate. */
static bool hash_certificates(const emqxi_pem *pem, unsigned char to[32])
{
    unsigned char one[32];
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    bool any = false, good = all && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < pem->count; i++) {
        const emqxi_pem_block *b = &pem->blocks[i];
        if (b->kind != EMQXI_PEM_CERT)
            continue;
        any = true;
        good = EVP_Digest(b->der, b->der_len, one, NULL, EVP_sha256(), NULL) == 1 &&
               EVP_DigestUpdate(all, one, sizeof one) == 1;
    }
    good = good && (!any || EVP_DigestFinal_ex(all, to, NULL) == 1);
    EVP_MD_CTX_free(all);
    return good;
}

static bool hash_public_key(const X509 *x, unsigned char to[32])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool good = len > 0 && EVP_Digest(der, (size_t)len, to, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good;
}

void emqxi_identity_take(X509 *leaf, const emqxi_pem *cert, const emqxi_pem *cacert,
                         emqxi_identity *identity)
{
    emqxi_identity_of_x509(leaf, identity);
    if (identity->readable && (!hash_public_key(leaf, identity->spki_sha256) ||
                               !hash_certificates(cert, identity->chain_sha256) ||
                               !hash_certificates(cacert, identity->cacert_sha256)))
        *identity = (emqxi_identity){0};
}

void emqxi_identity_of(const emqx_tls_request *r, emqxi_identity *identity)
{
    emqxi_pem cert, cacert;
    X509 *leaf, *ca;
    ERR_set_mark();
    bool certs = read_part(r->cert, r->cert_len, true, &cert, &leaf);
    bool cas = read_part(r->cacert, r->cacert_len, true, &cacert, &ca);
    *identity = (emqxi_identity){0};
    if (certs && cas)
        emqxi_identity_take(leaf, &cert, &cacert, identity);
    identity->type = r->type;
    X509_free(ca);
    X509_free(leaf);
    emqxi_pem_free(&emqxi_malloc, &cacert);
    emqxi_pem_free(&emqxi_malloc, &cert);
    ERR_pop_to_mark();
}

void emqxi_identity_of_leaf(const char *pem, size_t len, emqxi_identity *identity)
{
    emqxi_pem blocks;
    X509 *leaf;
    ERR_set_mark();
    read_part(pem, len, false, &blocks, &leaf);
    emqxi_identity_of_x509(leaf, identity);
    X509_free(leaf);
    emqxi_pem_free(&emqxi_malloc, &blocks);
    ERR_pop_to_mark();
}
