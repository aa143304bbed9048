/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Dates and times: expire, Retry-After.
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
        {"Sun Nov  1 07:28:00 2015", date, 950400000},
        {"Fri, 01 Jan 2100 00:00:00 GMT", date, INT64_C(2657032320000)},
        {"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
         INT64_C(315537897599000)},
        {"Wed, 21 Oct 2015 07:28:00 GMT", "Friday, 01-Jan-99 00:00:00 GMT", INT64_C(530263680000)},
        {"Wed, 21 Oct 2015 07:28:00 UTC", date, -2},
        {"Wed, 21 Okt 2015 07:28:00 GMT", date, -2},
        {"Wed, 32 Oct 2015 07:28:00 GMT", date, -2},
        {"Wed, 21 Oct 2015 07:28:60 GMT", date, -2},
        {"Wed, 21 Oct 2015 07:28:00 GMT ", date, -2},
        {"21 Oct 2015 07:28:00 GMT", date, -2},
        {"Wed,", date, -2},
        {",", date, -2},
        {"Wed", date, -2},
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
        cmocka_unit_test(dates_are_read_in_both_forms),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(retry_after_is_read_as_seconds_or_against_the_replys_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
