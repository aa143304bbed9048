/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void utf8_is_what_unicode_says(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xe2\x82\x41",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "ok\xfe"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(emqxi_utf8_ok(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(emqxi_utf8_ok(bad[i], strlen(bad[i])));
    assert_true(emqxi_utf8_ok("\0", 1));
    assert_true(emqxi_utf8_ok(NULL, 0));
}

static void control_characters_are_found(void **state)
{
    (void)state;
    assert_false(emqxi_has_control("a b~\x80\xff"));
    assert_true(emqxi_has_control("a\x1f"));
    assert_true(emqxi_has_control("\r"));
    assert_true(emqxi_has_control("a\x7f"));
}

static void text_is_cut_at_a_character(void **state)
{
    (void)state;
    char to[6];
    emqxi_text_copy(to, sizeof to, "abcd", 4);
    assert_string_equal(to, "abcd");
    emqxi_text_copy(to, sizeof to, "abcd\xc3\xa4", 6);
    assert_string_equal(to, "abcd");
    emqxi_text_copy(to, sizeof to, "abcdefgh", 8);
    assert_string_equal(to, "abcde");
}

static void what_a_terminal_might_obey_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"", ""},
        {"plain \xc3\xa4 \xe2\x82\xac", "plain \xc3\xa4 \xe2\x82\xac"},
        {"a\x1b[31m\n\x7f", "a?[31m??"},
        {"\xc2\x85x", "?x"}, /* next line */
        {"\xe2\x80\xae"
         "abc",
         "?abc"},                           /* right to left */
        {"\xe2\x80\xa8\xe2\x81\xa6", "??"}, /* line separator, isolate */
        {"\xd8\x9cx", "?x"},
        {"M\xfcller\xe2\x80", "M?ller??"}, /* not UTF-8 */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];
        strcpy(text, rows[i].from);
        emqxi_text_clean(text);
        assert_string_equal(text, rows[i].to);
    }
}

static void hexadecimal_digits_come_back(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x00, 0x9a, 0xff};
    char text[7];
    assert_ptr_equal(emqxi_hex(bytes, 3, text), text + 6);
    assert_string_equal(text, "009aff");
    assert_int_equal(emqxi_hex_digit('9'), 9);
    assert_int_equal(emqxi_hex_digit('f'), 15);
    assert_int_equal(emqxi_hex_digit('A'), 10);
    assert_int_equal(emqxi_hex_digit('g'), -1);
    assert_int_equal(emqxi_hex_digit('\0'), -1);
}

static void base64_is_that_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"\xff\xef\xbe", "/+++"}};
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[16];
        *emqxi_base64((const unsigned char *)rows[i][0], strlen(rows[i][0]), text) = '\0';
        assert_string_equal(text, rows[i][1]);
    }
    for (int c = -128; c < 128; c++) {
        const char *at = c ? strchr(digits, c) : NULL;
        assert_int_equal(emqxi_base64_digit((char)c), at ? at - digits : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_what_unicode_says),
        cmocka_unit_test(control_characters_are_found),
        cmocka_unit_test(text_is_cut_at_a_character),
        cmocka_unit_test(what_a_terminal_might_obey_is_replaced),
        cmocka_unit_test(hexadecimal_digits_come_back),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
