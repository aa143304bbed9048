/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * docs/check.md lists the findings that there are, with their numbers, names and severities.
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

static const char *severity_text(uint32_t severity)
{
    return severity == EMQX_TLS_REFUSE ? "refuse" : severity == EMQX_TLS_WARN ? "warn" : "off";
}

/* The heading that a finding must have. */
static void expect_heading(const emqxi_finding_row *row, char *text, size_t size)
{
    emqx_tls_policy defaults;
    uint32_t severity;
    emqx_tls_policy_init(&defaults);
    if (!row->policy) {
        snprintf(text, size, "### %u `%s`: %s", (unsigned)row->id, row->name,
                 severity_text(row->severity));
        return;
    }
    memcpy(&severity, (const char *)&defaults + row->policy, sizeof severity);
    snprintf(text, size, "### %u `%s`: `%s` (%s)", (unsigned)row->id, row->name, row->setting,
             severity_text(severity));
}

static void the_page_lists_every_finding_in_its_order(void **state)
{
    FILE *page = fopen(*state, "r");
    char line[2048], expected[128];
    size_t row = 0;
    assert_non_null(page);
    while (fgets(line, sizeof line, page)) {
        if (strncmp(line, "### ", 4) != 0 || line[4] < '0' || line[4] > '9')
            continue;
        assert_true(row < emqxi_findings_count);
        expect_heading(&emqxi_findings[row++], expected, sizeof expected);
        line[strcspn(line, "\n")] = '\0';
        assert_string_equal(line, expected);
    }
    assert_int_equal(row, emqxi_findings_count);
    fclose(page);
}

static void numbers_and_names_are_different(void **state)
{
    (void)state;
    for (size_t i = 0; i < emqxi_findings_count; i++) {
        assert_true(strlen(emqxi_findings[i].name) < sizeof((emqx_tls_finding *)0)->name);
        for (size_t j = 0; j < i; j++) {
            assert_true(emqxi_findings[j].id < emqxi_findings[i].id);
            assert_string_not_equal(emqxi_findings[i].name, emqxi_findings[j].name);
        }
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(the_page_lists_every_finding_in_its_order, argv[1]),
        cmocka_unit_test(numbers_and_names_are_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
