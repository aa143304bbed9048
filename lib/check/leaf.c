/* SPDX-License-Identifier: MIT
 *
 * What provisioning needs to know of certificates.
 */
#include "check/check.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static X509 *next_certificate(BIO *bio)
{
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (!x)
        ERR_clear_error();
    return x;
}

static BIO *reader(const char *pem, size_t len)
{
    return len > 0 && len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
}

static bool read_time(const ASN1_TIME *from, int64_t *seconds)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, rest = 0;
    bool good = epoch && ASN1_TIME_diff(&days, &rest, epoch, from) == 1;
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 + rest;
    return good;
}

static void read_common_name(X509 *x, char to[256])
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int len = at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    to[0] = '\0';
    if (len > 0)
        emqxi_text_copy(to, 256, (const char *)text, (size_t)len);
    OPENSSL_free(text);
}

bool emqxi_leaf_of(const char *pem, size_t len, emqxi_leaf *leaf)
{
    BIO *bio = reader(pem, len);
    X509 *x = next_certificate(bio);
    memset(leaf, 0, sizeof *leaf);
    bool good = x && read_time(X509_get0_notAfter(x), &leaf->not_after) &&
                X509_digest(x, EVP_sha256(), leaf->sha256, NULL) == 1;
    if (good)
        read_common_name(x, leaf->common_name);
    X509_free(x);
    BIO_free(bio);
    return good;
}

/* Over the SHA-256 of each certificate. */
static bool hash_certificates(const char *pem, size_t len, unsigned char to[32])
{
    BIO *bio = reader(pem, len);
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    X509 *x;
    size_t count = 0;
    bool good = bio && all && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
    while (good && (x = next_certificate(bio))) {
        unsigned char one[32];
        good = X509_digest(x, EVP_sha256(), one, NULL) == 1 && EVP_DigestUpdate(all, one, sizeof one) == 1;
        X509_free(x);
        count++;
    }
    good = good && count > 0 && EVP_DigestFinal_ex(all, to, NULL) == 1;
    EVP_MD_CTX_free(all);
    BIO_free(bio);
    return good;
}

bool emqxi_material_of(const emqx_tls_request *r, emqxi_material *material)
{
    BIO *bio = reader(r->cert, r->cert_len);
    X509 *leaf = next_certificate(bio);
    memset(material, 0, sizeof *material);
    bool good = leaf && hash_certificates(r->cert, r->cert_len, material->chain_sha256);
    if (good) {
        unsigned char *der = NULL;
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
        good = len > 0 && EVP_Digest(der, (size_t)len, material->spki_sha256, NULL, EVP_sha256(), NULL) == 1;
        OPENSSL_free(der);
    }
    if (good && r->cacert_len > 0)
        good = hash_certificates(r->cacert, r->cacert_len, material->cacert_sha256);
    X509_free(leaf);
    BIO_free(bio);
    return good;
}
