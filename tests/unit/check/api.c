/* SPDX-License-Identifier: MIT
 *
 * The public calls of the check: arguments, reports, messages; and what provisioning reads of
 * certificates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "check/check.h"
#include "support/pki.h"

typedef struct fixture {
    pki_text cert, key, cacert;
    emqx_tls_request request;
    emqx_tls_policy policy;
    emqx_tls_error error;
} fixture;

static fixture f;

static void give(const char *cert, const char *key, const char *cacert)
{
    free(f.cert.data);
    free(f.key.data);
    free(f.cacert.data);
    memset(&f, 0, sizeof f);
    pki_put(&f.cert, cert);
    pki_put(&f.key, key);
    pki_put(&f.cacert, cacert);
    emqx_tls_request_init(&f.request);
    emqx_tls_policy_init(&f.policy);
    emqx_tls_error_init(&f.error);
    f.request.type = *cacert ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    f.request.cert = f.cert.data;
    f.request.cert_len = f.cert.len;
    f.request.key = f.key.data;
    f.request.key_len = f.key.len;
    f.request.cacert = f.cacert.data;
    f.request.cacert_len = f.cacert.len;
}

static emqx_tls_code check(void)
{
    emqx_tls_report *report = (emqx_tls_report *)&f;
    emqx_tls_code code = emqx_tls_check(&f.request, &f.policy, PKI_NOW, &report, &f.error);
    assert_int_equal(f.error.code, code);
    if (code == EMQX_TLS_E_INVALID)
        assert_null(report);
    emqx_tls_report_free(report);
    return code;
}

static void wrong_arguments_are_invalid(void **state)
{
    (void)state;
    give("leaf inter", "leaf.key", "");
    assert_int_equal(emqx_tls_check(NULL, NULL, PKI_NOW, NULL, NULL), EMQX_TLS_E_INVALID);
    f.request.cert = NULL;
    assert_int_equal(check(), EMQX_TLS_E_INVALID);
    give("leaf inter", "leaf.key", "");
    f.request.size = 8;
    assert_int_equal(check(), EMQX_TLS_E_INVALID);
    give("leaf inter", "leaf.key", "");
    f.policy.size = 8;
    assert_int_equal(check(), EMQX_TLS_E_INVALID);
    give("leaf inter", "leaf.key", "");
    f.policy.chain_order = 3;
    assert_int_equal(check(), EMQX_TLS_E_INVALID);
    give("leaf inter", "leaf.key", "");
    f.policy.host = "";
    assert_int_equal(check(), EMQX_TLS_E_INVALID);
}

static void the_message_is_the_first_refusal(void **state)
{
    (void)state;
    emqx_tls_finding finding;
    emqx_tls_report *report;
    give("leaf inter stray", "leaf.key other.key", ""); /* a warning, then a refusal */
    emqx_tls_finding_init(&finding);
    assert_int_equal(emqx_tls_check(&f.request, NULL, PKI_NOW, &report, &f.error),
                     EMQX_TLS_E_CHECK);
    assert_int_equal(emqx_tls_report_get(report, 1, &finding), EMQX_TLS_OK);
    assert_int_equal(finding.id, EMQX_TLS_FINDING_SEVERAL_KEYS);
    assert_string_equal(f.error.message, finding.text);
    assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    emqx_tls_report_free(report);
}

static void a_report_is_not_needed(void **state)
{
    (void)state;
    give("leaf inter", "leaf.key", "");
    assert_int_equal(emqx_tls_check(&f.request, NULL, PKI_NOW, NULL, NULL), EMQX_TLS_OK);
    give("leaf inter", "leaf.encrypted", "");
    assert_int_equal(emqx_tls_check(&f.request, NULL, PKI_NOW, NULL, NULL), EMQX_TLS_E_CHECK);
}

static void a_report_ends_at_its_count(void **state)
{
    (void)state;
    emqx_tls_finding finding;
    emqx_tls_report *report;
    give("leaf inter stray", "leaf.key", "");
    emqx_tls_finding_init(&finding);
    emqx_tls_check(&f.request, NULL, PKI_NOW, &report, NULL);
    size_t count = emqx_tls_report_count(report);
    assert_true(count >= 1);
    assert_int_equal(emqx_tls_report_get(report, count - 1, &finding), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_report_get(report, count, &finding), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_report_get(report, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_report_get(NULL, 0, &finding), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_report_count(NULL), 0);
    emqx_tls_report_free(report);
    emqx_tls_report_free(NULL);
}

static void a_report_has_an_end_but_no_refusal_is_lost(void **state)
{
    (void)state;
    emqx_tls_report *report;
    give("leaf inter", "leaf.key other.key", "");
    for (int i = 0; i < 300; i++) /* as many warnings, before the key is looked at */
        pki_put(&f.cert, "leaf");
    f.request.cert = f.cert.data;
    f.request.cert_len = f.cert.len;
    f.policy.chain_order = EMQX_TLS_WARN;
    assert_int_equal(emqx_tls_check(&f.request, &f.policy, PKI_NOW, &report, &f.error),
                     EMQX_TLS_E_CHECK);
    assert_non_null(strstr(f.error.message, "one more private key"));
    assert_int_equal(emqx_tls_report_count(report), 200);
    emqx_tls_report_free(report);
}

#ifdef WITH_OPENSSL

static void the_right_order_is_named(void **state)
{
    (void)state;
    give("root inter leaf", "leaf.key", "");
    assert_int_equal(check(), EMQX_TLS_E_CHECK);
    assert_non_null(strstr(f.error.message, "2, 1, 0"));
}

static void what_the_algorithm_is_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *text;
    } rows[] = {
        {"explicit inter", "EC with explicit parameters"},
        {"p521 inter", "ECDSA P-521"},
        {"k1 inter", "ECDSA secp256k1"},
        {"rsa4096 rsaca", "RSA 4096"},
        {"ed25519", "ED25519"},
        {"pss rsaca", "rsassaPss"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        give(rows[i].cert, "", "");
        emqx_tls_report *report;
        emqx_tls_check(&f.request, NULL, PKI_NOW, &report, NULL);
        bool named = false;
        for (size_t j = 0; j < emqx_tls_report_count(report); j++) {
            emqx_tls_finding finding;
            emqx_tls_finding_init(&finding);
            emqx_tls_report_get(report, j, &finding);
            named = named || (finding.id == EMQX_TLS_FINDING_ALGORITHM &&
                              strstr(finding.text, rows[i].text));
        }
        emqx_tls_report_free(report);
        assert_true(named);
    }
}

static void names_of_others_are_shown_clean_and_cut(void **state)
{
    (void)state;
    give("leaf inter ugly", "leaf.key", "");
    check();
    assert_non_null(strstr(f.error.message, "(bad?[31m?name?)"));
    give("leaf inter long", "leaf.key", "");
    check();
    assert_non_null(strstr(f.error.message, "34567\xc3\xa4\xc3\xa4)"));
}

static void the_callers_errors_of_openssl_stay(void **state)
{
    (void)state;
    emqxi_identity identity;
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 7);
    give("leaf junk-cert", "leaf.key other.encrypted", "junk-cert");
    check();
    emqxi_identity_of_leaf(f.request.cacert, f.request.cacert_len, &identity);
    emqxi_identity_of(&f.request, &identity);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 7);
    assert_int_equal(ERR_get_error(), 0);
}

/* -- what provisioning reads */

static void a_leaf_is_known_by_its_facts(void **state)
{
    (void)state;
    emqxi_identity leaf;
    pki_text der = {0};
    unsigned char hash[32];
    give("bag 60days inter", "leaf.key", "");
    pki_put(&der, "60days.der");
    EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(), NULL);
    emqxi_identity_of_leaf(f.request.cert, f.request.cert_len, &leaf);
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
        emqxi_identity_of_leaf(f.request.cert, f.request.cert_len, &leaf);
        assert_false(leaf.readable);
    }
    emqxi_identity_of_leaf("", 0, &leaf);
    assert_false(leaf.readable);
}

static emqxi_identity identity_of(const char *cert, const char *cacert)
{
    emqxi_identity identity;
    give(cert, "leaf.key", cacert);
    emqxi_identity_of(&f.request, &identity);
    assert_true(identity.readable);
    assert_int_equal(identity.type, f.request.type);
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
        emqxi_identity_of(&f.request, &identity);
        assert_false(identity.readable);
        assert_int_equal(identity.type, f.request.type);
    }
}

#else

static void without_openssl_nothing_is_known(void **state)
{
    (void)state;
    emqxi_identity identity;
    give("leaf inter", "leaf.key", "");
    emqxi_identity_of_leaf(f.request.cert, f.request.cert_len, &identity);
    assert_false(identity.readable);
    emqxi_identity_of(&f.request, &identity);
    assert_false(identity.readable);
}

#endif

static int end(void **state)
{
    (void)state;
    pki_end();
    free(f.cert.data);
    free(f.key.data);
    free(f.cacert.data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_invalid),
        cmocka_unit_test(the_message_is_the_first_refusal),
        cmocka_unit_test(a_report_is_not_needed),
        cmocka_unit_test(a_report_ends_at_its_count),
        cmocka_unit_test(a_report_has_an_end_but_no_refusal_is_lost),
#ifdef WITH_OPENSSL
        cmocka_unit_test(the_right_order_is_named),
        cmocka_unit_test(what_the_algorithm_is_is_named),
        cmocka_unit_test(names_of_others_are_shown_clean_and_cut),
        cmocka_unit_test(the_callers_errors_of_openssl_stay),
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
