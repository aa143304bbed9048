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

static bool is_version(emqxi_der value, unsigned version)
{
    return value.len == 1 && value.p[0] == version;
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
    emqxi_der values[NUMBERS_MAX + 3], *number = values + 2;
    n->type = "RSA";
    if (!emqxi_der_match(der, "{iiiiiiiii$", values) || !is_version(values[1], 0))
        return false;
    for (size_t i = 0; i < NUMBERS_MAX; i++) {
        if (number[i].len == 0 || number[i].p[0] >= 0x80) /* negative */
            return false;
        add_number(n, names[i], number[i]);
    }
    return true;
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
    emqxi_der values[6], own[2] = {curve}, public[2];
    const emqxi_der *own_curve = &values[3], *own_public = &values[4];
    n->type = "EC";
    if (!emqxi_der_match(der, "{is0?1?$", values) || !is_version(values[1], 1) ||
        (own_curve->p && !emqxi_der_match(*own_curve, "o$", own)))
        return false;
    const char *name = curve_name(own[0]);
    if (!name || (curve.len > 0 && curve_name(curve) != name))
        return false;
    n->params[n->count++] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0);
    add_number(n, OSSL_PKEY_PARAM_PRIV_KEY, values[2]);
    if (!own_public->p)
        return true;
    if (!emqxi_der_match(*own_public, "b$", public) || public->len < 2 || public->p[0] != 0)
        return false;
    n->params[n->count++] = OSSL_PARAM_construct_octet_string(
        OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)(public->p + 1), public->len - 1);
    return true;
}

static bool take_pkcs8(numbers *n, emqxi_der der)
{
    emqxi_der values[6], oids[3];
    const emqxi_der *algorithm = &values[2], *key = &values[3];
    if (!emqxi_der_match(der, "{i.s0?$", values) || !is_version(values[1], 0) ||
        !emqxi_der_match(*algorithm, "o", oids))
        return false;
    if (IS_OID(oids[0], "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"))
        return take_rsa(n, *key);
    return IS_OID(oids[0], "\x2A\x86\x48\xCE\x3D\x02\x01") &&
           emqxi_der_match(*algorithm, "oo$", oids) && take_ec(n, *key, oids[1]);
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
    size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
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
    if (!key->pkey || !can_sign(key))
        return true;
    key->signature = emqxi_alloc(a, (size_t)EVP_PKEY_get_size(key->pkey));
    if (key->signature)
        sign(key);
    return key->signature;
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
