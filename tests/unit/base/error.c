/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static void long_messages_are_cut_at_a_character(void **state)
{
    (void)state;
    emqx_tls_error e;
    char text[400];
    emqx_tls_error_init(&e);
    memset(text, 'x', 254);
    strcpy(text + 254, "\xc3\xa4tail");
    assert_int_equal(emqxi_refuse(&e, EMQX_TLS_E_INVALID, "%s", text), EMQX_TLS_E_INVALID);
    assert_int_equal(strlen(e.message), 254);
    assert_int_equal(e.retry_after_ms, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_messages_are_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
