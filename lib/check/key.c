/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The private key as OpenSSL's object. OpenSSL's decoder leaves four copies of a key's DER in
 * memory that it gives back. So the numbers of RSA keys and of those on the platform's curves are
 * taken out here and handed over by EVP_PKEY_fromdata, which copies them only to where they are
 * wiped. Other keys are left to the decoder.
 */
#include "check/x509.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "check/der.h"

#define NUMBERS_MAX 8

static const unsigned char message[] = "libemqxtls";

typedef struct numbers {
    const char *type;                   /* of the key, as OpenSSL calls it */
    OSSL_PARAM params[NUMBERS_MAX + 1]; /* the last one stays the end */
    size_t count;
    unsigned char *memory; /* where the params point to: wiped */
    size_t used;
} numbers;

/* Integers are in the machine's order of bytes. */
static void add_number(numbers *n, const char *name, emqxi_der value)
{
    unsigned char *to = n->memory + n->used;
    for (size_t i = 0; i < value.len; i++)
        to[i] = value.p[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value.len - 1 - i : i];
    n->params[n->count++] = OSSL_PARAM_construct_BN(name, to, value.len);
    n->used += value.len;
}

static bool take_integer(emqxi_der *from, emqxi_der *value)
{
    return emqxi_der_take(from, EMQXI_DER_INTEGER, value) && value->len > 0 &&
           value->p[0] < 0x80; /* not negative */
}

static bool take_version(emqxi_der *from, unsigned version)
{
    emqxi_der value;
    return take_integer(from, &value) && value.len == 1 && value.p[0] == version;
}

/* PKCS#1. */
static bool take_rsa(numbers *n, emqxi_der der)
{
    static const char *const names[NUMBERS_MAX] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };
    emqxi_der key, value;
    n->type = "RSA";
    if (!emqxi_der_is(der, EMQXI_DER_SEQUENCE, &key) || !take_version(&key, 0))
        return false;
    for (size_t i = 0; i < NUMBERS_MAX; i++) {
        if (!take_integer(&key, &value))
            return false;
        add_number(n, names[i], value);
    }
    return key.len == 0;
}

/* Is the OID this one: a string of its bytes? */
#define IS_OID(oid, bytes)                                                                         \
    ((oid).len == sizeof(bytes) - 1 && memcmp((oid).p, bytes, sizeof(bytes) - 1) == 0)

/* NULL: not one of the platform's curves. */
static const char *curve_name(emqxi_der oid)
{
    if (IS_OID(oid, "\x2A\x86\x48\xCE\x3D\x03\x01\x07"))
        return "P-256";
    return IS_OID(oid, "\x2B\x81\x04\x00\x22") ? "P-384" : NULL;
}

/* SEC1. `curve`: that of PKCS#8 around it, or empty. */
static bool take_ec(numbers *n, emqxi_der der, emqxi_der curve)
{
    emqxi_der key, private, tagged, own = curve, public;
    n->type = "EC";
    if (!emqxi_der_is(der, EMQXI_DER_SEQUENCE, &key) || !take_version(&key, 1) ||
        !emqxi_der_take(&key, EMQXI_DER_OCTETS, &private))
        return false;
    if (emqxi_der_take(&key, EMQXI_DER_CONTEXT, &tagged) &&
        !emqxi_der_is(tagged, EMQXI_DER_OID, &own))
        return false;
    const char *name = curve_name(own);
    if (!name || (curve.len > 0 && curve_name(curve) != name))
        return false;
    n->params[n->count++] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0);
    add_number(n, OSSL_PKEY_PARAM_PRIV_KEY, private);
    if (emqxi_der_take(&key, EMQXI_DER_CONTEXT + 1, &tagged)) {
        if (!emqxi_der_is(tagged, EMQXI_DER_BITS, &public) || public.len < 2 || public.p[0] != 0)
            return false;
        n->params[n->count++] = OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)(public.p + 1), public.len - 1);
    }
    return key.len == 0;
}

static bool take_pkcs8(numbers *n, emqxi_der der)
{
    emqxi_der info, algorithm, oid, curve = {0}, key, attributes;
    if (!emqxi_der_is(der, EMQXI_DER_SEQUENCE, &info) || !take_version(&info, 0) ||
        !emqxi_der_take(&info, EMQXI_DER_SEQUENCE, &algorithm) ||
        !emqxi_der_take(&algorithm, EMQXI_DER_OID, &oid) ||
        !emqxi_der_take(&info, EMQXI_DER_OCTETS, &key))
        return false;
    emqxi_der_take(&info, EMQXI_DER_CONTEXT, &attributes);
    if (info.len > 0)
        return false;
    if (IS_OID(oid, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"))
        return take_rsa(n, key);
    return IS_OID(oid, "\x2A\x86\x48\xCE\x3D\x02\x01") &&
           emqxi_der_is(algorithm, EMQXI_DER_OID, &curve) && take_ec(n, key, curve);
}

/* NULL: not a key that these few lines know. */
static EVP_PKEY *read_numbers(numbers *n, const emqxi_pem_block *block)
{
    const emqxi_der der = {block->der, block->der_len};
    EVP_PKEY *key = NULL;
    bool known = block->shape == EMQXI_DER_PKCS8   ? take_pkcs8(n, der)
                 : block->shape == EMQXI_DER_PKCS1 ? take_rsa(n, der)
                                                   : take_ec(n, der, (emqxi_der){0});
    EVP_PKEY_CTX *ctx = known ? EVP_PKEY_CTX_new_from_name(NULL, n->type, NULL) : NULL;
    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, n->params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *decode_by_openssl(const emqxi_pem_block *block)
{
    const unsigned char *p = block->der;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)block->der_len);
    if (key && p == block->der + block->der_len)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* Signs, so that certificates can be tried. */
static void sign(emqxi_key *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = sizeof key->signature;
    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
        EVP_DigestSign(ctx, key->signature, &len, message, sizeof message) == 1)
        key->signature_len = len;
    EVP_MD_CTX_free(ctx);
}

static bool can_sign(const emqxi_key *key)
{
    int id = EVP_PKEY_get_base_id(key->pkey);
    return id == EVP_PKEY_RSA || id == EVP_PKEY_EC;
}

bool emqxi_key_read(const emqx_tls_allocator *a, const emqxi_pem_block *block, emqxi_key *key)
{
    numbers n = {.memory = emqxi_alloc(a, block->der_len)};
    if (!n.memory)
        return false;
    key->pkey = read_numbers(&n, block);
    emqxi_wipe_free(a, n.memory, block->der_len);
    if (!key->pkey)
        key->pkey = decode_by_openssl(block);
    if (key->pkey && can_sign(key))
        sign(key);
    return true;
}

enum emqxi_fit emqxi_key_fit(const emqxi_key *key, const emqxi_cert *cert)
{
    EVP_PKEY *public = X509_get0_pubkey(cert->x);
    if (!public)
        return EMQXI_FIT_NONE;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool verifies =
        key->signature_len > 0 && EVP_PKEY_get_base_id(public) == EVP_PKEY_get_base_id(key->pkey) &&
        ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public) == 1 &&
        EVP_DigestVerify(ctx, key->signature, key->signature_len, message, sizeof message) == 1;
    EVP_MD_CTX_free(ctx);
    if (verifies)
        return EMQXI_FIT_WHOLE;
    if (EVP_PKEY_eq(public, key->pkey) != 1)
        return EMQXI_FIT_NONE;
    return can_sign(key) ? EMQXI_FIT_DAMAGED : EMQXI_FIT_WHOLE;
}
