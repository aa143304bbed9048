/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Hundreds of texts that are JSON, or nearly, as replies and as bodies of errors. json_suite.py has
 * them, and what has to come of each class.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/json.h"
#include "wire/wire.h"

#include "json_suite_cases.h"

#define COUNT (sizeof cases / sizeof cases[0])

/* Memory of the exact size, so that a read behind the end is seen. */
static char *exact(const struct json_case *c)
{
    char *copy = malloc(c->len);
    assert_non_null(copy);
    return memcpy(copy, c->text, c->len);
}

static emqx_tls_code decode(const struct json_case *c, emqx_tls_status *status, emqxi_error *error)
{
    char *text = exact(c);
    emqxi_error_clear(error);
    emqx_tls_code code = emqxi_decode_status(text, c->len, status, error);
    free(text);
    return code;
}

static bool is(const struct json_case *c, char letter)
{
    return c->name[0] == letter;
}

static void a_reply_that_is_json_is_taken(void **state)
{
    (void)state;
    for (const struct json_case *c = cases; c < cases + COUNT; c++) {
        emqx_tls_status s;
        emqxi_error e;
        if (!is(c, 'y'))
            continue;
        if (decode(c, &s, &e) != EMQX_TLS_OK || s.state != EMQX_TLS_STATE_RUNNING)
            fail_msg("%s: %s", c->name, e.message);
    }
}

static void a_reply_that_is_none_is_refused(void **state)
{
    (void)state;
    for (const struct json_case *c = cases; c < cases + COUNT; c++) {
        emqx_tls_status s, empty;
        emqxi_error e;
        emqx_tls_status_init(&empty);
        if (!is(c, 'n') && !is(c, 'r'))
            continue;
        if (decode(c, &s, &e) != EMQX_TLS_E_PROTOCOL)
            fail_msg("%s was let through", c->name);
        assert_memory_equal(&s, &empty, sizeof s);
    }
}

static void what_may_be_either_is_one_of_both(void **state)
{
    (void)state;
    for (const struct json_case *c = cases; c < cases + COUNT; c++) {
        emqx_tls_status s;
        emqxi_error e;
        if (is(c, 'i') && decode(c, &s, &e) != EMQX_TLS_OK && e.code != EMQX_TLS_E_PROTOCOL)
            fail_msg("%s: %s", c->name, e.message);
    }
}

/* What was found good up to the code has one; of all else the code is none that the text has not. */
static void an_error_tells_its_code_or_none(void **state)
{
    (void)state;
    for (const struct json_case *c = cases; c < cases + COUNT; c++) {
        char code[64], *text = exact(c);
        emqxi_api_code(text, c->len, code);
        free(text);
        if (strcmp(code, "E1") != 0 && (is(c, 'y') || *code))
            fail_msg("%s: the code '%s'", c->name, code);
    }
}

#ifdef WITH_OWN
/* lib/wire/json_own.c under another name, since the library is built with jansson here. */
enum emqxi_json own_json_parse(const char *text, size_t len, bool integers,
                               emqxi_json_member *members, size_t n, size_t *count);

static void both_readers_have_the_same_verdict(void **state)
{
    (void)state;
    for (const struct json_case *c = cases; c < cases + COUNT; c++)
        for (int integers = 0; integers < 2; integers++) {
            size_t of_jansson, of_own = 0;
            char *text = exact(c);
            enum emqxi_json jansson = emqxi_json_read(text, c->len, integers, NULL, 0, &of_jansson);
            if (jansson != EMQXI_JSON_DEEP && !memchr(text, '\0', c->len)) {
                enum emqxi_json own = own_json_parse(text, c->len, integers, NULL, 0, &of_own);
                if (own != jansson || (own == EMQXI_JSON_OK && of_own != of_jansson))
                    fail_msg("%s: %d, but jansson %d", c->name, own, jansson);
            }
            free(text);
        }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_that_is_json_is_taken),
        cmocka_unit_test(a_reply_that_is_none_is_refused),
        cmocka_unit_test(what_may_be_either_is_one_of_both),
        cmocka_unit_test(an_error_tells_its_code_or_none),
#ifdef WITH_OWN
        cmocka_unit_test(both_readers_have_the_same_verdict),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
