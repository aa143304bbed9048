/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The public calls of the check: arguments, reports, messages.
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
#include "support/pki_request.h"

static struct {
    pki_parts parts;
    emqx_tls_request request;
    emqx_tls_policy policy;
    emqx_tls_error error;
} f;

static void give(const char *cert, const char *key, const char *cacert)
{
    pki_parts_free(&f.parts);
    f.parts = pki_parts_make(cert, key, cacert);
    f.request = pki_request(&f.parts);
    emqx_tls_policy_init(&f.policy);
    emqx_tls_error_init(&f.error);
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
    assert_int_equal(emqx_tls_check(&f.request, NULL, PKI_NOW, &report, NULL), EMQX_TLS_OK);
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
        pki_put(&f.parts.cert, "leaf");
    f.request = pki_request(&f.parts);
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
        assert_int_equal(emqx_tls_check(&f.request, NULL, PKI_NOW, &report, NULL),
                         EMQX_TLS_E_CHECK);
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

#endif

static int end(void **state)
{
    pki_parts_free(&f.parts);
    return pki_tear_down(state);
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
#endif
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
