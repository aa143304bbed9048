/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

/* Vectors of the authors' reference implementation: key 00..0f, input 00..n-1. */
static void siphash_matches_the_authors_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint8_t hash[16];
    } vectors[] = {
        {0,
         {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
          0x93}},
        {1,
         {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
          0x45}},
    };
    uint8_t key[16], in[16], out[16];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = in[i] = i;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        emqxi_siphash(key, in, vectors[i].len, out);
        assert_memory_equal(out, vectors[i].hash, 16);
    }
}

static void every_code_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(emqx_tls_code_name(EMQX_TLS_OK), "OK");
    assert_string_equal(emqx_tls_code_name(EMQX_TLS_E_RATE_LIMITED), "RATE_LIMITED");
    assert_string_equal(emqx_tls_code_name(EMQX_TLS_E_FAILED), "FAILED");
    assert_string_equal(emqx_tls_code_name(16), "UNKNOWN");
    assert_string_equal(emqx_tls_code_name(-1), "UNKNOWN");
}

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
        cmocka_unit_test(siphash_matches_the_authors_vectors),
        cmocka_unit_test(every_code_has_its_name),
        cmocka_unit_test(long_messages_are_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
