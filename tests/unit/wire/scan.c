/* SPDX-License-Identifier: MIT
 *
 * The scanners: api_code, expire, Retry-After.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static void dates_are_read_in_both_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        /* as `date -u -d TEXT +%s` says */
        {"1970-01-01", 0},
        {"1970-01-01 00:00:01", 1},
        {"1969-12-31 23:59:59", -1},
        {"2000-02-29", 951782400},
        {"2024-02-29 12:00:00", 1709208000},
        {"2030-01-01", 1893456000},
        {"2034-05-22 02:43:21", 2031878601},
        {"2038-01-19 03:14:08", 2147483648},
        {"2106-02-07 06:28:16", 4294967296},
        {"2400-02-29", 13574563200},
        {"9999-12-31 23:59:59", 253402300799},
        {"0001-01-01", -62135596800},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t seconds = 42;
        assert_true(emqxi_expire_parse(cases[i].text, &seconds));
        assert_true(seconds == cases[i].seconds);
    }
}

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    if (sizeof(time_t) < 8)
        skip();
    for (int64_t s = -62135596800; s <= 253402300799; s += INT64_C(86400) * 13 + 3607) {
        time_t t = (time_t)s;
        struct tm tm;
        char text[64];
        int64_t seconds;
        gmtime_r(&t, &tm);
        snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_true(emqxi_expire_parse(text, &seconds));
        assert_true(seconds == s);
    }
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2034",
        "2034-02-30",
        "2023-02-29",
        "1900-02-29",
        "2100-02-29",
        "2034-04-31",
        "2034-13-01",
        "2034-00-01",
        "2034-01-00",
        "2034-01-32",
        "0000-01-01",
        "-034-01-01",
        "2034-1-1",
        "2034/01/01",
        "2034-01-01 ",
        "2034-01-01 00:00",
        "2034-01-01 24:00:00",
        "2034-01-01 00:60:00",
        "2034-01-01 00:00:60",
        "2034-01-01 -1:00:00",
        "2034-01-01 00:00:0x",
        "2034-01-01T00:00:00",
        "2034-01-01 00:00:00Z",
        "2034-01-01 00:00:00 ",
        " 2034-01-01",
        "20340-01-01",
        "99999999999999999999",
        "2034-01-01 00:00:00.000000000000000000000000",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t seconds = 42;
        if (emqxi_expire_parse(bad[i], &seconds))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(seconds, 42);
    }
}

static void retry_after_is_read_as_seconds_or_against_the_replys_date(void **state)
{
    (void)state;
    static const char date[] = "Wed, 21 Oct 2015 07:28:00 GMT";
    static const struct {
        const char *value, *date;
        int64_t ms; /* -1: none; -2: not plausible, which the limiter takes for one window */
    } cases[] = {
        {NULL, NULL, -1},
        {NULL, date, -1},
        {"", date, -1},
        {" \t", date, -1},
        {"0", NULL, 0},
        {"120", NULL, 120000},
        {"120", "not a date", 120000},
        {" 120\t", NULL, 120000},
        {"007", NULL, 7000},
        {"9223372036854775", NULL, INT64_C(9223372036854775000)},
        {"9223372036854776", NULL, INT64_MAX},
        {"9223372036854775808", NULL, INT64_MAX},
        {"99999999999999999999999999999999999999", NULL, INT64_MAX},
        {"-1", date, -2},
        {"+1", date, -2},
        {"1.5", date, -2},
        {"1 2", date, -2},
        {"12s", date, -2},
        {"soon", date, -2},
        {"Wed, 21 Oct 2015 07:28:00 GMT", date, 0},
        {"Wed, 21 Oct 2015 07:29:30 GMT", date, 90000},
        {"Thu, 22 Oct 2015 07:28:00 GMT", date, 86400000},
        {"Wednesday, 21-Oct-15 07:28:05 GMT", date, 5000},
        {"Wed Oct 21 07:28:06 2015", date, 6000},
        {"Wed, 21 Oct 2015 07:27:59 GMT", date, -2},
        {"Wed, 21 Oct 2015 07:29:30 GMT", NULL, -2},
        {"Wed, 21 Oct 2015 07:29:30 GMT", "", -2},
        {"Wed, 21 Oct 2015 07:29:30 GMT", "not a date", -2},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (emqxi_retry_after(cases[i].value, cases[i].date) != cases[i].ms)
            fail_msg("%s", cases[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_of_an_error_body_is_found),
        cmocka_unit_test(what_is_no_harmless_code_is_not_shown),
        cmocka_unit_test(a_cut_error_body_gives_the_whole_code_or_none),
        cmocka_unit_test(an_error_body_with_any_byte_changed_gives_a_harmless_code),
        cmocka_unit_test(dates_are_read_in_both_forms),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(retry_after_is_read_as_seconds_or_against_the_replys_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
