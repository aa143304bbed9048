/* SPDX-License-Identifier: MIT
 *
 * What provisioning needs to know of certificates. Read as the check reads them, so that what
 * passed it can be read here; the caller's queue of OpenSSL's errors stays as it was.
 */
#include "check/x509.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

/* The next certificate at or behind block *i; NULL: there is none, or it can't be read, then *i is
 * its block. */
static X509 *next_certificate(const emqxi_pem *pem, size_t *i)
{
    while (*i < pem->count && pem->blocks[*i].kind != EMQXI_PEM_CERT)
        ++*i;
    if (*i == pem->count || pem->blocks[*i].fault)
        return NULL;
    X509 *x = emqxi_cert_read(&pem->blocks[*i]);
    *i += x != NULL;
    return x;
}

static X509 *first_certificate(const char *text, size_t len)
{
    emqxi_pem pem;
    size_t i = 0;
    X509 *x = emqxi_pem_scan(&emqxi_malloc, text, len, &pem) ? next_certificate(&pem, &i) : NULL;
    emqxi_pem_free(&emqxi_malloc, &pem);
    return x;
}

static void read_common_name(X509 *x, char to[256])
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int len = at < 0 ? -1
                     : ASN1_STRING_to_UTF8(
                           &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    to[0] = '\0';
    if (len > 0)
        emqxi_text_copy(to, 256, (const char *)text, (size_t)len);
    OPENSSL_free(text);
}

bool emqxi_leaf_read(X509 *x, emqxi_leaf *leaf)
{
    memset(leaf, 0, sizeof *leaf);
    bool good = emqxi_time_read(X509_get0_notAfter(x), &leaf->not_after) &&
                X509_digest(x, EVP_sha256(), leaf->sha256, NULL) == 1;
    if (good)
        read_common_name(x, leaf->common_name);
    return good;
}

bool emqxi_leaf_of(const char *pem, size_t len, emqxi_leaf *leaf)
{
    ERR_set_mark();
    X509 *x = first_certificate(pem, len);
    bool good = x && emqxi_leaf_read(x, leaf);
    X509_free(x);
    ERR_pop_to_mark();
    return good;
}

/* Over the SHA-256 of each certificate; zeroes where there is none. */
static bool hash_certificates(const char *text, size_t len, unsigned char to[32])
{
    emqxi_pem pem;
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    X509 *x;
    size_t i = 0;
    bool good = emqxi_pem_scan(&emqxi_malloc, text, len, &pem) && all &&
                EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
    bool any = false;
    while (good && (x = next_certificate(&pem, &i))) {
        unsigned char one[32];
        good = X509_digest(x, EVP_sha256(), one, NULL) == 1 &&
               EVP_DigestUpdate(all, one, sizeof one) == 1;
        X509_free(x);
        any = true;
    }
    good = good && i == pem.count && (!any || EVP_DigestFinal_ex(all, to, NULL) == 1);
    EVP_MD_CTX_free(all);
    emqxi_pem_free(&emqxi_malloc, &pem);
    return good;
}

static bool hash_public_key(X509 *x, unsigned char to[32])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool good = len > 0 && EVP_Digest(der, (size_t)len, to, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good;
}

bool emqxi_material_of(const emqx_tls_request *r, emqxi_material *material)
{
    ERR_set_mark();
    X509 *leaf = first_certificate(r->cert, r->cert_len);
    memset(material, 0, sizeof *material);
    bool good = leaf && hash_certificates(r->cert, r->cert_len, material->chain_sha256) &&
                hash_public_key(leaf, material->spki_sha256) &&
                (r->cacert_len == 0 ||
                 hash_certificates(r->cacert, r->cacert_len, material->cacert_sha256));
    X509_free(leaf);
    ERR_pop_to_mark();
    return good;
}
