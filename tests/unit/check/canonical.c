/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is sent for a request that passed: canonical PEM, and nothing of the key left in memory.
 * OpenSSL's own writer is the measure of canonical.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/test.h>

#include "check/check.h"
#include "check/pem.h"
#include "support/pki_request.h"

/* Replaces each newline. */
static void edit(pki_text *text, const char *newline)
{
    pki_text to = {0};
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] == '\n')
            pki_append(&to, newline, strlen(newline));
        else
            pki_append(&to, &text->data[i], 1);
    free(text->data);
    *text = to;
}

static emqx_tls_code canonical(const emqx_tls_allocator *a, const pki_parts *g,
                               emqxi_canonical *out)
{
    emqx_tls_request r = pki_request(g);
    return emqxi_check_canonical(a, &r, NULL, PKI_NOW, out, NULL, NULL);
}

static void assert_part(const char *text, size_t len, const pki_text *expected)
{
    assert_int_equal(len, expected->len);
    assert_memory_equal(text, expected->data, len);
}

/* The one comes out as the other. */
static void assert_becomes(pki_parts *g, pki_parts *expected)
{
    emqxi_canonical out;
    assert_int_equal(canonical(&emqxi_malloc, g, &out), EMQX_TLS_OK);
    assert_part(out.request.cert, out.request.cert_len, &expected->cert);
    assert_part(out.request.key, out.request.key_len, &expected->key);
    assert_part(out.request.cacert, out.request.cacert_len, &expected->cacert);
    assert_int_equal(out.request.type,
                     expected->cacert.len > 0 ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY);
    emqxi_canonical_free(&emqxi_malloc, &out);
    pki_parts_free(g);
    pki_parts_free(expected);
}

static void what_is_canonical_stays_as_it_is(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("leaf inter", "leaf.key", "root other-root"),
              same = pki_parts_make("leaf inter", "leaf.key", "root other-root");
    assert_becomes(&g, &same);
}

static void text_and_attributes_are_left_out(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("bag leaf comment inter stray", "bag leaf.key comment",
                                 "comment root space");
    pki_parts plain = pki_parts_make("leaf inter", "leaf.key", "root");
    assert_becomes(&g, &plain);
}

static void line_ends_and_space_are_put_right(void **state)
{
    (void)state;
    static const char *const newlines[] = {"\r\n", "\r", " \t\n", "\n  ", "\n\n", "\n\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof newlines / sizeof newlines[0]; i++) {
        pki_parts g = pki_parts_make("space leaf inter", "space leaf.key", "space root"),
                  plain = pki_parts_make("leaf inter", "leaf.key", "root");
        edit(&g.cert, newlines[i]);
        edit(&g.key, newlines[i]);
        edit(&g.cacert, newlines[i]);
        assert_becomes(&g, &plain);
    }
}

static void a_key_keeps_its_form(void **state)
{
    (void)state;
    pki_parts sec1 = pki_parts_make("leaf inter", "leaf.params comment leaf.sec1", ""),
              sec1_plain = pki_parts_make("leaf inter", "leaf.sec1", "");
    pki_parts pkcs1 = pki_parts_make("rsa2048 rsaca", "rsa2048.pkcs1", ""),
              same = pki_parts_make("rsa2048 rsaca", "rsa2048.pkcs1", "");
    assert_becomes(&sec1, &sec1_plain);
    assert_becomes(&pkcs1, &same);
}

static void the_old_label_becomes_the_new_one(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("leaf-oldlabel inter", "leaf.key", ""),
              plain = pki_parts_make("leaf inter", "leaf.key", "");
    assert_becomes(&g, &plain);
}

static void blanks_for_a_client_ca_become_nothing(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("leaf inter", "leaf.key", ""),
              plain = pki_parts_make("leaf inter", "leaf.key", "");
    emqx_tls_request r = pki_request(&g);
    emqxi_canonical out;
    r.cacert = " \n";
    r.cacert_len = 2;
    assert_int_equal(emqxi_check_canonical(&emqxi_malloc, &r, NULL, PKI_NOW, &out, NULL, NULL),
                     EMQX_TLS_OK);
    assert_part(out.request.cacert, out.request.cacert_len, &plain.cacert);
    emqxi_canonical_free(&emqxi_malloc, &out);
    pki_parts_free(&g);
    pki_parts_free(&plain);
}

/* Lengths of each remainder modulo 3 and 48 occur among so many. */
static void a_long_chain_comes_through(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("chain-64k", "leaf.key", ""),
              same = pki_parts_make("", "leaf.key", "");
    pki_append(&same.cert, g.cert.data, g.cert.len);
    edit(&g.cert, "\r\n");
    assert_becomes(&g, &same);
}

static void what_is_refused_gives_nothing(void **state)
{
    (void)state;
    pki_parts g = pki_parts_make("leaf inter", "leaf.encrypted", "");
    emqxi_canonical out;
    assert_int_equal(canonical(&emqxi_malloc, &g, &out), EMQX_TLS_E_CHECK);
    assert_null(out.memory);
    assert_int_equal(out.request.key_len, 0);
    pki_parts_free(&g);
}

/* -- identity */

static unsigned scans, decodings;

bool __real_emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len,
                           emqxi_pem *pem);
bool __wrap_emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len,
                           emqxi_pem *pem);
X509 *__real_d2i_X509(X509 **x, const unsigned char **der, long len);
X509 *__wrap_d2i_X509(X509 **x, const unsigned char **der, long len);

bool __wrap_emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len,
                           emqxi_pem *pem)
{
    scans++;
    return __real_emqxi_pem_scan(a, text, len, pem);
}

X509 *__wrap_d2i_X509(X509 **x, const unsigned char **der, long len)
{
    decodings++;
    return __real_d2i_X509(x, der, len);
}

static void the_check_tells_the_identity_and_reads_all_once(void **state)
{
    (void)state;
    static const char *const cacerts[] = {"root inter", ""};
    for (size_t i = 0; i < sizeof cacerts / sizeof cacerts[0]; i++) {
        pki_parts g = pki_parts_make("leaf inter root", "leaf.key", cacerts[i]);
        emqx_tls_request r = pki_request(&g);
        emqxi_canonical out;
        emqxi_identity identity;
        scans = decodings = 0;
        assert_int_equal(canonical(&emqxi_malloc, &g, &out), EMQX_TLS_OK);
        assert_int_equal(scans, 3); /* one a part */
        emqxi_identity_of(&r, &identity);
#ifdef WITH_OPENSSL
        assert_int_equal(decodings, i == 0 ? 5 + 5 : 3 + 3); /* and once more by identity_of */
        assert_true(out.identity.readable);
        assert_int_equal(out.identity.not_after, identity.not_after);
        assert_string_equal(out.identity.common_name, "mqtt.example.com");
        assert_memory_equal(out.identity.leaf_sha256, identity.leaf_sha256, 32);
#endif
        assert_int_equal(out.identity.readable, identity.readable);
        assert_true(emqxi_identity_equal(&out.identity, &identity));
        emqxi_canonical_free(&emqxi_malloc, &out);
        pki_parts_free(&g);
    }
}

/* -- memory */

/* Looks for the key in what is pki_parts back: its PEM, its DER, and the private number alone. */
static void watch_key(emqx_tls_test_allocator *a, const pki_parts *g)
{
    pki_text der = {0};
    const char *base64 = strchr(g->key.data, '\n') + 1;
    pki_put(&der, "leaf.keyder");
    assert_int_equal(emqx_tls_test_allocator_watch(a, base64, 32), 0);
    assert_int_equal(emqx_tls_test_allocator_watch(a, base64 + 65, 32), 0);
    /* the private number of a P-256 key */
    assert_int_equal(emqx_tls_test_allocator_watch(a, der.data + 36, 32), 0);
    free(der.data);
}

static void nothing_of_the_key_is_left_in_memory(void **state)
{
    (void)state;
    static const char *const certs[] = {"bag leaf inter", "expired inter",
                                        "leaf junk-cert"}; /* passes; refused twice */
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++) {
        emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
        pki_parts g = pki_parts_make(certs[i], "bag leaf.key", "root");
        emqxi_canonical out;
        pki_parts plain = pki_parts_make("leaf", "leaf.key", "");
        watch_key(a, &plain);
        canonical(emqx_tls_test_allocator_vtable(a), &g, &out);
        emqxi_canonical_free(emqx_tls_test_allocator_vtable(a), &out);
        assert_null(emqx_tls_test_allocator_problem(a));
        emqx_tls_test_allocator_free(a);
        pki_parts_free(&g);
        pki_parts_free(&plain);
    }
}

static void every_failed_allocation_is_no_memory(void **state)
{
    (void)state;
    pki_parts g =
        pki_parts_make("leaf inter root root-expired", "leaf.params leaf.sec1", "root inter root");
    size_t failed = 0;
    for (size_t i = 1;; i++) {
        emqx_tls_test_allocator *a = emqx_tls_test_allocator_new();
        emqxi_canonical out;
        emqx_tls_test_allocator_fail(a, i, 0);
        emqx_tls_code code = canonical(emqx_tls_test_allocator_vtable(a), &g, &out);
        bool reached = emqx_tls_test_allocator_failed(a);
        assert_int_equal(code, reached ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_OK);
        emqxi_canonical_free(emqx_tls_test_allocator_vtable(a), &out);
        assert_null(emqx_tls_test_allocator_problem(a));
        emqx_tls_test_allocator_free(a);
        if (!reached)
            break;
        failed++;
    }
    assert_true(failed > 8);
    pki_parts_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_canonical_stays_as_it_is),
        cmocka_unit_test(text_and_attributes_are_left_out),
        cmocka_unit_test(line_ends_and_space_are_put_right),
        cmocka_unit_test(a_key_keeps_its_form),
        cmocka_unit_test(the_old_label_becomes_the_new_one),
        cmocka_unit_test(blanks_for_a_client_ca_become_nothing),
        cmocka_unit_test(a_long_chain_comes_through),
        cmocka_unit_test(what_is_refused_gives_nothing),
        cmocka_unit_test(the_check_tells_the_identity_and_reads_all_once),
        cmocka_unit_test(nothing_of_the_key_is_left_in_memory),
        cmocka_unit_test(every_failed_allocation_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, pki_tear_down);
}
