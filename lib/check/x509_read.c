/* SPDX-License-Identifier: MIT
 *
 * DER as OpenSSL's objects, and what messages say of them.
 */
#include "check/x509.h"

#include <string.h>

#include <openssl/decoder.h>
#include <openssl/evp.h>

X509 *emqxi_cert_read(const emqxi_pem_block *block)
{
    const unsigned char *p = block->der;
    X509 *x = d2i_X509(NULL, &p, (long)block->der_len);
    if (x && p != block->der + block->der_len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

/* OpenSSL's default would ask on the terminal. */
static int no_passphrase(char *to, size_t size, size_t *len, const OSSL_PARAM params[], void *user)
{
    (void)to;
    (void)size;
    (void)params;
    (void)user;
    *len = 0;
    return 0;
}

/* The kind of key where it can be told from here: OpenSSL needs three times as long to find it out.
 * NULL: it must. */
static const char *type_of(const emqxi_pem_block *block)
{
    static const unsigned char rsa[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                        0xF7, 0x0D, 0x01, 0x01, 0x01};
    static const unsigned char ec[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
    if (block->kind != EMQXI_PEM_PKCS8)
        return block->kind == EMQXI_PEM_PKCS1 ? "RSA" : "EC";
    size_t head = EMQXI_MIN(block->der_len, 32u); /* the algorithm comes after the version */
    if (memmem(block->der, head, rsa, sizeof rsa))
        return "RSA";
    return memmem(block->der, head, ec, sizeof ec) ? "EC" : NULL;
}

EVP_PKEY *emqxi_key_read(const emqxi_pem_block *block)
{
    const char *structure = block->kind == EMQXI_PEM_PKCS8 ? "PrivateKeyInfo" : "type-specific";
    const unsigned char *p = block->der;
    size_t len = block->der_len;
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
        &key, "DER", structure, type_of(block), EVP_PKEY_KEYPAIR, NULL, NULL);
    bool good = decoder && OSSL_DECODER_CTX_set_passphrase_cb(decoder, no_passphrase, NULL) == 1 &&
                OSSL_DECODER_from_data(decoder, &p, &len) == 1 && len == 0;
    OSSL_DECODER_CTX_free(decoder);
    if (good)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

bool emqxi_time_read(const ASN1_TIME *time, int64_t *seconds)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, rest = 0;
    bool good = epoch && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 +
               rest; /* not by way of time_t, which ends in 2038 on some machines */
    return good;
}

void emqxi_date_text(int64_t seconds, char text[16])
{
    struct tm tm = {0};
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    ASN1_TIME *t = ASN1_TIME_adj(NULL, 0, (int)days, 0);
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1 || strftime(text, 16, "%Y-%m-%d", &tm) == 0)
        strcpy(text, "?");
    ASN1_TIME_free(t);
}

void emqxi_name_text(const X509_NAME *name, char text[EMQXI_NAME_TEXT])
{
    static const int telling[] = {NID_commonName, NID_organizationalUnitName, NID_organizationName};
    int at = -1;
    unsigned char *utf8 = NULL;
    for (size_t i = 0; at < 0 && i < sizeof telling / sizeof telling[0]; i++)
        at = X509_NAME_get_index_by_NID(name, telling[i], -1);
    int len = at < 0 ? -1
                     : ASN1_STRING_to_UTF8(&utf8,
                                           X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    strcpy(text, "?");
    if (len > 0) {
        emqxi_text_copy(text, EMQXI_NAME_TEXT, (const char *)utf8, (size_t)len);
        emqxi_text_clean(text);
    }
    OPENSSL_free(utf8);
}
