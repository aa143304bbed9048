/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

/* Hosts that share a quota must name its parts alike, whatever their byte order. */
static void as_a_number_it_is_the_same_on_every_machine(void **state)
{
    (void)state;
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    assert_true(emqxi_hash(key, "", 0) == 0xe6a825ba047f81a3);
    assert_true(emqxi_hash(key, "\0", 1) == 0x44af996bd8c187da);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_matches_the_authors_vectors),
        cmocka_unit_test(as_a_number_it_is_the_same_on_every_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
