/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a request puts in place: read of its certificates, compared, and the same however it is
 * written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "check/check.h"
#include "support/pki_request.h"

static struct {
    pki_parts parts;
    emqx_tls_request request;
} given;

static void give(const char *cert, const char *key, const char *cacert)
{
    pki_parts_free(&given.parts);
    given.parts = pki_parts_make(cert, key, cacert);
    given.request = pki_request(&given.parts);
}

#ifdef WITH_OPENSSL

static void a_leaf_is_known_by_its_facts(void **state)
{
    (void)state;
    emqxi_identity leaf;
    pki_text der = {0};
    unsigned char hash[32];
    give("bag 60days inter", "leaf.key", "");
    pki_put(&der, "60days.der");
    EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(), NULL);
    emqxi_identity_of_leaf(given.request.cert, given.request.cert_len, &leaf);
    assert_true(leaf.readable);
    assert_int_equal(leaf.not_after, PKI_NOW + 60 * PKI_DAY);
    assert_string_equal(leaf.common_name, "mqtt.example.com");
    assert_memory_equal(leaf.leaf_sha256, hash, 32);
    free(der.data);
}

static void a_key_or_text_is_no_leaf(void **state)
{
    (void)state;
    emqxi_identity leaf;
    static const char *const pieces[] = {"leaf.key", "comment", "junk-cert", "no-end",
                                         "leaf.legacy"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        give(pieces[i], "leaf.key", "");
        emqxi_identity_of_leaf(given.request.cert, given.request.cert_len, &leaf);
        assert_false(leaf.readable);
    }
    emqxi_identity_of_leaf("", 0, &leaf);
    assert_false(leaf.readable);
}

static emqxi_identity identity_of(const char *cert, const char *cacert)
{
    emqxi_identity identity;
    give(cert, "leaf.key", cacert);
    emqxi_identity_of(&given.request, &identity);
    assert_true(identity.readable);
    assert_int_equal(identity.type, given.request.type);
    return identity;
}

static void an_identity_is_the_same_however_it_is_written(void **state)
{
    (void)state;
    emqxi_identity a = identity_of("leaf inter", "root"),
                   b = identity_of("bag leaf-oldlabel comment inter", "comment root");
    assert_true(emqxi_identity_equal(&a, &b));
    assert_memory_equal(&a, &b, sizeof a);
}

static void an_identity_tells_changes_apart(void **state)
{
    (void)state;
    const unsigned char none[32] = {0};
    emqxi_identity a = identity_of("leaf inter", "root"), b = identity_of("old inter", "root"),
                   c = identity_of("p384 inter", ""), d = identity_of("leaf", "root inter");
    assert_false(emqxi_identity_equal(&a, &b));
    assert_false(emqxi_identity_equal(&a, &d));
    assert_memory_equal(a.spki_sha256, b.spki_sha256, 32); /* renewed with its key */
    assert_memory_not_equal(a.chain_sha256, b.chain_sha256, 32);
    assert_memory_not_equal(a.spki_sha256, c.spki_sha256, 32);
    assert_memory_equal(c.cacert_sha256, none, 32);
    assert_memory_not_equal(a.chain_sha256, d.chain_sha256, 32);
    assert_memory_not_equal(a.cacert_sha256, d.cacert_sha256, 32);
}

static void a_chain_with_a_damaged_end_has_no_identity(void **state)
{
    (void)state;
    emqxi_identity identity;
    static const char *const certs[] = {"leaf junk-cert", "leaf no-end", "leaf bad-bits"};
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++) {
        give(certs[i], "leaf.key", "");
        emqxi_identity_of(&given.request, &identity);
        assert_false(identity.readable);
        assert_int_equal(identity.type, given.request.type);
    }
}

#else

static void without_openssl_nothing_is_known(void **state)
{
    (void)state;
    emqxi_identity identity;
    give("leaf inter", "leaf.key", "");
    emqxi_identity_of_leaf(given.request.cert, given.request.cert_len, &identity);
    assert_false(identity.readable);
    emqxi_identity_of(&given.request, &identity);
    assert_false(identity.readable);
}

#endif

static int end(void **state)
{
    pki_parts_free(&given.parts);
    return pki_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef WITH_OPENSSL
        cmocka_unit_test(a_leaf_is_known_by_its_facts),
        cmocka_unit_test(a_key_or_text_is_no_leaf),
        cmocka_unit_test(an_identity_is_the_same_however_it_is_written),
        cmocka_unit_test(an_identity_tells_changes_apart),
        cmocka_unit_test(a_chain_with_a_damaged_end_has_no_identity),
#else
        cmocka_unit_test(without_openssl_nothing_is_known),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
