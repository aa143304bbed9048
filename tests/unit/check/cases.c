/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The check's table of cases, each a test of its own: exactly the findings that are expected, no
 * more, no less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/rules.h"
#include "cases.h"

typedef struct material {
    pki_parts parts;
    emqx_tls_request request;
    emqx_tls_policy policy;
    int64_t now;
} material;

static uint32_t severity_named(const char *name)
{
    if (strcmp(name, "off") == 0)
        return EMQX_TLS_OFF;
    return strcmp(name, "warn") == 0 ? EMQX_TLS_WARN : EMQX_TLS_REFUSE;
}

static void set_policy(emqx_tls_policy *policy, const char *setting)
{
    char member[32], severity[8];
    assert_int_equal(sscanf(setting, "%31[a-z_]=%7s", member, severity), 2);
    for (size_t i = 0; i < emqxi_findings_count; i++)
        if (emqxi_findings[i].policy && strcmp(emqxi_findings[i].setting, member) == 0) {
            uint32_t value = severity_named(severity);
            memcpy((char *)policy + emqxi_findings[i].policy, &value, sizeof value);
            return;
        }
    fail_msg("the policy has no %s", member);
}

static void replace(pki_text *text, const check_replacement *r)
{
    pki_text to = {0};
    const char *at = text->data, *hit;
    size_t what = strlen(r->what), with = strlen(r->with);
    if (*r->what == '^' || *r->what == '*')
        pki_append(&to, r->with, with);
    while (text->len > 0 && *r->what == '$' && text->data[text->len - 1] == '\n')
        text->data[--text->len] = '\0';
    for (; (hit = strstr(at, r->what)); at = hit + what) {
        pki_append(&to, at, (size_t)(hit - at));
        pki_append(&to, r->with, with);
    }
    if (*r->what != '*')
        pki_append(&to, at, strlen(at));
    if (*r->what == '$')
        pki_append(&to, r->with, with);
    free(text->data);
    *text = to;
}

static void edit(pki_text *text, check_edit how, const check_replacement *replacements)
{
    if (how)
        how(text);
    for (size_t i = 0; i < CHECK_REPLACEMENTS && replacements[i].what; i++)
        replace(text, &replacements[i]);
}

static void build(const check_case *c, material *m)
{
    memset(m, 0, sizeof *m);
    m->parts = pki_parts_make(c->cert, c->key, c->cacert ? c->cacert : "");
    edit(&m->parts.cert, c->edit_cert, c->cert_text);
    edit(&m->parts.key, c->edit_key, c->key_text);
    m->request = pki_request(&m->parts);
    m->request.type = c->type ? c->type : c->cacert ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    emqx_tls_policy_init(&m->policy);
    m->policy.host = c->host;
    if (c->min_days)
        m->policy.min_days_left = c->min_days;
    if (c->policy)
        set_policy(&m->policy, c->policy);
    m->now = c->now ? c->now : PKI_NOW;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Tokens in order, so that two lists can be compared. */
static void sort_list(char *list, size_t size)
{
    char tokens[16][64], copy[1024], *rest = copy;
    size_t n = 0, len = 0;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *token; (token = strsep(&rest, " "));)
        if (*token) {
            assert_true(n < 16);
            snprintf(tokens[n++], sizeof tokens[0], "%s", token);
        }
    qsort(tokens, n, sizeof tokens[0], by_text);
    list[0] = '\0';
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(list + len, size - len, "%s%s", i ? " " : "", tokens[i]);
}

static void expect(const check_case *c, char *list, size_t size)
{
#ifdef WITH_OPENSSL
    snprintf(list, size, "%s %s", c->structure, c->x509);
#else
    snprintf(list, size, "%s ?not-checked@request.0", c->structure);
#endif
    sort_list(list, size);
}

static void list_findings(const emqx_tls_report *report, char *list, size_t size)
{
    size_t len = 0;
    list[0] = '\0';
    for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
        emqx_tls_finding f;
        emqx_tls_finding_init(&f);
        assert_int_equal(emqx_tls_report_get(report, i, &f), EMQX_TLS_OK);
        len += (size_t)snprintf(list + len, size - len, "%s%c%s@%s.%u", i ? " " : "",
                                f.severity == EMQX_TLS_REFUSE ? '!' : '?', f.name,
                                emqxi_part_name(f.part), (unsigned)f.index);
    }
    sort_list(list, size);
}

/* No sixteen characters of the key in a row, and nothing that a terminal would act upon. */
static void text_is_harmless(const char *text, const pki_text *key)
{
    assert_true(strlen(text) > 20);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        assert_true(*p >= 0x20 && *p != 0x7F);
    assert_null(strstr(text, "\xe2\x80\xae"));
    for (size_t i = 28; i + 16 < key->len; i++) {
        char piece[17] = "";
        memcpy(piece, key->data + i, 16);
        if (!strchr(piece, ' ') && !strchr(piece, '-') && strlen(piece) == 16)
            assert_null(strstr(text, piece));
    }
}

static void texts_are_harmless(const emqx_tls_report *report, const material *m)
{
    for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
        emqx_tls_finding f;
        emqx_tls_finding_init(&f);
        emqx_tls_report_get(report, i, &f);
        text_is_harmless(f.text, &m->parts.key);
        if (strlen(f.text) >= sizeof f.text - 1)
            fail_msg("cut: %s", f.text);
    }
}

/* Each of the words is in the text of some finding. */
static void says(const emqx_tls_report *report, const char *words)
{
    char list[512], all[4096] = "", *rest = list;
    snprintf(list, sizeof list, "%s", words);
    for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
        emqx_tls_finding f;
        emqx_tls_finding_init(&f);
        emqx_tls_report_get(report, i, &f);
        strncat(strncat(all, f.text, sizeof all - strlen(all) - 2), "\n", 2);
    }
    for (char *word; (word = strsep(&rest, "|"));)
        if (!strstr(all, word))
            fail_msg("\"%s\" is not in: %s", word, all);
}

static void finds_what_is_expected(void **state)
{
    const check_case *c = *state;
    char expected[1024], found[1024];
    material m;
    emqx_tls_report *report;
    emqx_tls_error error;
    emqxi_error again;
    emqxi_canonical canonical;
    build(c, &m);
    expect(c, expected, sizeof expected);
    emqx_tls_error_init(&error);
    emqx_tls_code code = emqx_tls_check(&m.request, &m.policy, m.now, &report, &error);
    assert_non_null(report);
    list_findings(report, found, sizeof found);
    assert_string_equal(found, expected);
    assert_int_equal(code, strchr(expected, '!') ? EMQX_TLS_E_CHECK : EMQX_TLS_OK);
    texts_are_harmless(report, &m);
#ifndef WITH_OPENSSL
    if (!*c->x509)
#endif
        says(report, c->says ? c->says : "");
    emqx_tls_report_free(report);
    /* what create and update run says the same */
    emqxi_error_clear(&again);
    assert_int_equal(emqxi_check_canonical(&emqxi_malloc, &m.request, &m.policy, m.now, &canonical,
                                           NULL, &again),
                     code);
    assert_string_equal(again.message, error.message);
    emqxi_canonical_free(&emqxi_malloc, &canonical);
    pki_parts_free(&m.parts);
}

static const struct {
    const check_case *cases;
    const size_t *count;
} tables[] = {
    {check_cases_form, &check_cases_form_count},
    {check_cases_request, &check_cases_request_count},
    {check_cases_leaf, &check_cases_leaf_count},
    {check_cases_chain, &check_cases_chain_count},
    {check_cases_files, &check_cases_files_count},
    {check_cases_lines, &check_cases_lines_count},
};

/* A finding that no case expects is not tested. */
static void every_finding_is_in_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < emqxi_findings_count; i++) {
        char token[64];
        bool seen = strcmp(emqxi_findings[i].name, "not-checked") == 0;
        snprintf(token, sizeof token, "%s@", emqxi_findings[i].name);
        for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
            for (size_t j = 0; j < *tables[t].count; j++)
                seen = seen || strstr(tables[t].cases[j].structure, token) ||
                       strstr(tables[t].cases[j].x509, token);
        if (!seen)
            fail_msg("no case expects %s", emqxi_findings[i].name);
    }
}

int main(void)
{
    static struct CMUnitTest tests[500] = {cmocka_unit_test(every_finding_is_in_a_case)};
    size_t n = 1;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < *tables[t].count; i++) {
            const check_case *c = &tables[t].cases[i];
            tests[n++] = (struct CMUnitTest){.name = c->name,
                                             .test_func = finds_what_is_expected,
                                             .initial_state = (void *)(uintptr_t)c};
        }
    return _cmocka_run_group_tests("check", tests, n, NULL, pki_tear_down);
}
