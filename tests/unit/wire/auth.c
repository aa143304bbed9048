/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/wire.h"

/* RFC 7617, section 2, and RFC 4648's vectors with a user name of one letter before them. */
static void basic_authorization_is_base64_of_key_and_secret(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"Aladdin", "open sesame", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"test", "123\xc2\xa3", "Authorization: Basic dGVzdDoxMjPCow=="},
        {"a", "b", "Authorization: Basic YTpi"},
        {"a", "bc", "Authorization: Basic YTpiYw=="},
        {"a", "bcd", "Authorization: Basic YTpiY2Q="},
        {"\xff\xef", "\xbe\xfb", "Authorization: Basic /+86vvs="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *header = emqxi_basic_auth(&emqxi_malloc, cases[i][0], cases[i][1]);
        assert_string_equal(header, cases[i][2]);
        free(header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_authorization_is_base64_of_key_and_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
