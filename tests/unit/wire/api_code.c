/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The code of an error's body: found where it is, and never anything else of a body that may echo
 * the request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TEN      "abcdefghij"

static void api_code(const char *body, size_t len, char to[64])
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, body, len);
    memset(to, 'x', 64);
    emqxi_api_code(exact, len, to);
    assert_non_null(memchr(to, 0, 64));
    free(exact);
}

static void the_code_of_an_error_body_is_found(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"code\":\"RESOURCE_NOT_FOUND\",\"message\":\"x\"}", "RESOURCE_NOT_FOUND"},
        {"{\"message\":\"x\",\"code\":\"a.b:c-d_1\"}", "a.b:c-d_1"},
        {"{\"code\":40401}", "40401"},
        {"{\"code\":-1.5}", "-1.5"},
        {"{\"code\":40401\n}", "40401"},
        {" {\r\n\t\"code\" : 7 , \"a\":1}", "7"},
        {"{\"a\":{\"code\":1},\"b\":[{\"code\":2},\"}\",\"]\"],\"c\":\"\\\"code\\\":3\",\"d\":null,"
         "\"e\":1.5,\"code\":"
         "4}",
         "4"},
        {"{\"a\":\"\\\\\",\"code\":\"x\"}", "x"},
        {"{\"code\":\"" TEN TEN TEN TEN TEN TEN "123\"}", TEN TEN TEN TEN TEN TEN "123"},
        {"{\"code\":1,\"code\":2}", "1"},
    };
    char code[64];
    for (size_t i = 0; i < COUNT(cases); i++) {
        api_code(cases[i][0], strlen(cases[i][0]), code);
        assert_string_equal(code, cases[i][1]);
    }
}

static void what_is_no_harmless_code_is_not_shown(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "code",
        "null",
        "\"code\"",
        "[{\"code\":1}]",
        "[\"code\",1]",
        "{\"code\":null}",
        "{\"code\":true}",
        "{\"code\":{\"code\":1}}",
        "{\"code\":[1]}",
        "{\"code\":}",
        "{\"code\":\"\"}",
        "{\"code\":\"two words\"}",
        "{\"code\":\"a/b\"}",
        "{\"code\":\"a\\nb\"}",
        "{\"code\":\"a\\u0062\"}",
        "{\"code\":\"\xc3\xa4\"}",
        "{\"code\":\"<b>\"}",
        "{\"code\":1e+5}",
        "{\"code\":-}",
        "{\"code\":1x}",
        "{\"code\":\"" TEN TEN TEN TEN TEN TEN "1234\"}",
        "{\"code \":1}",
        "{\"Code\":1}",
        "{\"co\\u0064e\":1}",
        "{\"error\":{\"code\":1}}",
        "{\"a\":\"\\\",\"code\":1}",
        "{\"a\":[[[},\"code\":1}",
        "{\"a\" \"code\":1}",
        "{\"a\":1;\"code\":1}",
        "{,\"code\":1}",
        "{code:1}",
    };
    char code[64];
    for (size_t i = 0; i < COUNT(bodies); i++) {
        api_code(bodies[i], strlen(bodies[i]), code);
        if (*code)
            fail_msg("%s gave %s", bodies[i], code);
    }
    emqxi_api_code(NULL, 0, code);
    assert_string_equal(code, "");
    api_code("{\"code\":\"a\0b\"}", 14, code);
    assert_string_equal(code, "");
}

static void a_cut_error_body_gives_the_whole_code_or_none(void **state)
{
    (void)state;
    static const char *const samples[] = {
        "{\"a\":[{\"b\":\"}]\\\"\"}],\"code\":\"ABC123\",\"z\":1}",
        "{\"a\":[{\"b\":\"}]\\\"\"}],\"code\":40401,\"z\":1}",
    };
    static const char *const codes[] = {"ABC123", "40401"};
    char code[64];
    for (size_t i = 0; i < COUNT(samples); i++)
        for (size_t n = 0; n <= strlen(samples[i]); n++) {
            api_code(samples[i], n, code);
            assert_true(*code == '\0' || strcmp(code, codes[i]) == 0);
        }
}

static void an_error_body_with_any_byte_changed_gives_a_harmless_code(void **state)
{
    (void)state;
    static const char sample[] = "{\"a\":[{\"b\":\"}]\\\"\"},-1],\"code\":\"ABC123\",\"code\":17}";
    char body[sizeof sample], code[64];
    memcpy(body, sample, sizeof sample);
    for (size_t at = 0; at < sizeof sample - 1; at++) {
        for (int c = 0; c < 256; c++) {
            body[at] = (char)c;
            api_code(body, sizeof sample - 1, code);
            assert_int_equal(
                strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"),
                strlen(code));
        }
        body[at] = sample[at];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_of_an_error_body_is_found),
        cmocka_unit_test(what_is_no_harmless_code_is_not_shown),
        cmocka_unit_test(a_cut_error_body_gives_the_whole_code_or_none),
        cmocka_unit_test(an_error_body_with_any_byte_changed_gives_a_harmless_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
