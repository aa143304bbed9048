/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the check leaves of a private key in memory that OpenSSL gives back: nothing, for the keys
 * that the platform takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "check/check.h"
#include "support/pki_request.h"

#define WINDOW 16 /* so many bytes of a secret in a row are a piece of it */

/* The numbers of the key that is watched, in both orders of bytes. */
static unsigned char secrets[16][512];
static size_t lengths[16], count;
static bool watching;
static unsigned found;

/* -- OpenSSL's memory, each block behind its size ---------------------------------------------- */

typedef union head {
    size_t size;
    max_align_t align;
} head;

static void look_at(const void *block, size_t size)
{
    for (size_t i = 0; watching && i < count; i++)
        for (size_t at = 0; at + WINDOW <= lengths[i]; at += WINDOW)
            found += memmem(block, size, secrets[i] + at, WINDOW) != NULL;
}

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    head *h = malloc(sizeof *h + size);
    if (!h)
        return NULL;
    h->size = size;
    return h + 1;
}

static void give_back(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!block)
        return;
    head *h = (head *)block - 1;
    look_at(block, h->size);
    free(h);
}

static void *move(void *block, size_t size, const char *file, int line)
{
    void *to = take(size, file, line);
    if (to && block)
        memcpy(to, block, ((head *)block - 1)->size < size ? ((head *)block - 1)->size : size);
    give_back(block, file, line);
    return to;
}

/* -- the test ---------------------------------------------------------------------------------- */

static void watch(EVP_PKEY *key)
{
    static const char *const names[] = {
        OSSL_PKEY_PARAM_PRIV_KEY,        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,     OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,   OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        BIGNUM *number = NULL;
        if (EVP_PKEY_get_bn_param(key, names[i], &number) != 1)
            continue;
        lengths[count] = lengths[count + 1] = (size_t)BN_num_bytes(number);
        BN_bn2bin(number, secrets[count]);
        BN_bn2lebinpad(number, secrets[count + 1], BN_num_bytes(number));
        count += 2;
        BN_clear_free(number);
    }
    assert_true(count >= 2);
}

static void the_watch_sees_what_is_left(void **state)
{
    (void)state;
    watch(pki_key("leaf"));
    watching = true;
    found = 0;
    OPENSSL_free(OPENSSL_memdup(secrets[0], lengths[0]));
    assert_true(found > 0);
    found = 0;
    OPENSSL_clear_free(OPENSSL_memdup(secrets[0], lengths[0]), lengths[0]);
    assert_int_equal(found, 0);
    watching = false;
}

static void nothing_of_a_key_is_left_by_openssl(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *form;
    } rows[] = {
        {"leaf inter", "leaf", "leaf.key"},
        {"leaf inter", "leaf", "leaf.sec1"},
        {"p384 inter", "p384", "p384.key"},
        {"p384 inter", "p384", "p384.sec1"},
        {"rsa2048 rsaca", "rsa2048", "rsa2048.key"},
        {"rsa1024 rsaca", "rsa1024", "rsa1024.key"},
        {"rsa2048 rsaca", "rsa2048", "rsa2048.pkcs1"},
        {"p384 inter", "p384", "p384.half"},
        {"leaf inter", "other", "other.key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pki_parts parts = pki_parts_make(rows[i].cert, rows[i].form, "");
        emqx_tls_request request = pki_request(&parts);
        watch(pki_key(rows[i].key));
        found = 0;
        watching = true;
        emqx_tls_code code = emqx_tls_check(&request, NULL, PKI_NOW, NULL, NULL);
        watching = false;
        assert_int_equal(code, i < 8 ? EMQX_TLS_OK : EMQX_TLS_E_CHECK);
        if (found > 0)
            fail_msg("%u pieces of %s were left", found, rows[i].form);
        pki_parts_free(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_watch_sees_what_is_left),
        cmocka_unit_test(nothing_of_a_key_is_left_by_openssl),
    };
    if (CRYPTO_set_mem_functions(take, move, give_back) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, pki_tear_down);
}
