/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Does a status show this certificate, and in which zone does the platform tell its end?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provision/decide.h"

#define END 1931913600 /* 2031-03-22 02:40:00 UTC */

static emqx_tls_status told(const char *text, int64_t expire)
{
    emqx_tls_status s;
    emqx_tls_status_init(&s);
    s.expire = expire;
    strcpy(s.expire_text, text);
    return s;
}

static emqxi_identity wanted(void)
{
    emqxi_identity w = {.type = EMQX_TLS_TYPE_ONE_WAY, .readable = true, .not_after = END};
    emqxi_names_add(&w.names, "mqtt.example", strlen("mqtt.example"));
    return w;
}

static void the_same_second_is_the_same(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 02:40:00", END);
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
    s.expire = END + 1;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    assert_true(emqxi_earlier(&s, &w, 0));
    s.expire = END - 1;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    assert_false(emqxi_earlier(&s, &w, 0));
}

static void type_and_name_count_where_they_are_told(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 02:40:00", END);
    strcpy(s.type_text, "two-way");
    s.type = EMQX_TLS_TYPE_TWO_WAY;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    strcpy(s.type_text, "three-way");
    s.type = EMQX_TLS_TYPE_UNKNOWN;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    strcpy(s.type_text, "one-way");
    s.type = EMQX_TLS_TYPE_ONE_WAY;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
    strcpy(s.common_name, "other.example");
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    strcpy(s.common_name, "MQTT.example");
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
    strcpy(s.common_name, "other.example");
    w.names.count = 0; /* a leaf without a name */
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
}

static void what_the_platform_is_known_to_tell_is_one_of_its_names(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 02:40:00", END);
    strcpy(s.common_name, "mqtt (example)");
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    assert_int_equal(emqxi_compare(&s, &w, 0, "mqtt (example)"), EMQXI_SAME);
}

static void without_an_end_nothing_is_the_same(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("soon", INT64_MIN);
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_UNTOLD);
    assert_false(emqxi_earlier(&s, &w, 0));
    s = told("2031-03-22 02:40:00", END);
    w.readable = false;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_UNTOLD);
}

static void the_zone_shifts_what_is_told(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 10:40:00", END + 8 * 3600);
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    assert_int_equal(emqxi_compare(&s, &w, 8 * 3600, ""), EMQXI_SAME);
    assert_false(emqxi_earlier(&s, &w, 8 * 3600));
}

static void a_bare_date_is_compared_by_day(void **state)
{
    (void)state;
    const int64_t midnight = END - END % 86400;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22", midnight);
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
    assert_false(emqxi_earlier(&s, &w, 0));
    w.not_after = midnight + 86399;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
    w.not_after = midnight + 86400;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    w.not_after = midnight - 1;
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_DIFFERENT);
    assert_true(emqxi_earlier(&s, &w, 0));
    assert_int_equal(emqxi_compare(&s, &w, 3600, ""), EMQXI_SAME);
    w.not_after = -1; /* before 1970: the day before it */
    s = told("1969-12-31", -86400);
    assert_int_equal(emqxi_compare(&s, &w, 0, ""), EMQXI_SAME);
}

static void a_zone_is_whole_quarter_hours_within_14_hours(void **state)
{
    (void)state;
    static const struct {
        int64_t difference;
        bool zone;
    } cases[] = {
        {0, true},          {5 * 3600 + 2700, true},  {-12 * 3600, true},        {14 * 3600, true},
        {-14 * 3600, true}, {14 * 3600 + 900, false}, {-14 * 3600 - 900, false}, {899, false},
        {901, false},       {3600 + 1, false}};
    emqxi_identity w = wanted();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqx_tls_status s = told("2031-03-22 00:00:00", END + cases[i].difference);
        int32_t zone = 1;
        assert_int_equal(emqxi_zone_of(&s, &w, 0, &zone), cases[i].zone);
        if (cases[i].zone)
            assert_int_equal(zone, cases[i].difference);
    }
}

static void of_a_bare_date_it_is_the_nearest_that_fits(void **state)
{
    (void)state;
    static const struct {
        int days;
        int32_t near, zone; /* 1: none fits */
    } cases[] = {{0, 0, 0},
                 {0, 21 * 900, 21 * 900},
                 {0, -3 * 3600, -2 * 3600 - 1800}, /* it ends at 2:40 */
                 {-1, 0, -2 * 3600 - 2700},
                 {-1, -5 * 3600, -5 * 3600},
                 {-1, 8 * 3600, -2 * 3600 - 2700},
                 {-2, 0, 1},
                 {1, 0, 1}};
    emqxi_identity w = wanted();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqx_tls_status s = told("2031-03-22", END - END % 86400 + cases[i].days * 86400);
        int32_t zone;
        assert_int_equal(emqxi_zone_of(&s, &w, cases[i].near, &zone), cases[i].zone != 1);
        if (cases[i].zone != 1)
            assert_int_equal(zone, cases[i].zone);
    }
    w.not_after += 10 * 3600; /* 12:40: the day after begins within 14 h */
    emqx_tls_status s = told("2031-03-23", END - END % 86400 + 86400);
    int32_t zone;
    assert_true(emqxi_zone_of(&s, &w, 0, &zone));
    assert_int_equal(zone, 11 * 3600 + 1800);
    assert_int_equal(emqxi_compare(&s, &w, zone, ""), EMQXI_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_second_is_the_same),
        cmocka_unit_test(type_and_name_count_where_they_are_told),
        cmocka_unit_test(what_the_platform_is_known_to_tell_is_one_of_its_names),
        cmocka_unit_test(without_an_end_nothing_is_the_same),
        cmocka_unit_test(the_zone_shifts_what_is_told),
        cmocka_unit_test(a_bare_date_is_compared_by_day),
        cmocka_unit_test(a_zone_is_whole_quarter_hours_within_14_hours),
        cmocka_unit_test(of_a_bare_date_it_is_the_nearest_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
