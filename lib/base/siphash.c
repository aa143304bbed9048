/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein). tests/unit/base.c checks the
 * authors' vectors.
 */
#include "base/base.h"

#include <endian.h>
#include <string.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return le64toh(v);
}

/* Inlined twice, so that the state stays in registers: half of what a step of the file store
 * computes. */
static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = ROTL(v[1], 13) ^ v[0];
    v[0] = ROTL(v[0], 32);
    v[2] += v[3];
    v[3] = ROTL(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = ROTL(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = ROTL(v[1], 17) ^ v[2];
    v[2] = ROTL(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    sip_round(v);
    sip_round(v);
    v[0] ^= m;
}

static uint64_t squeeze(uint64_t v[4])
{
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void hash(uint64_t k0, uint64_t k1, const void *data, size_t len, uint64_t out[2])
{
    const uint8_t *p = data;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee,
                     k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8)
        absorb(v, load(p, 8));
    absorb(v, load(p, left) | (uint64_t)len << 56);
    v[2] ^= 0xee;
    out[0] = squeeze(v);
    v[1] ^= 0xdd;
    out[1] = squeeze(v);
}

void emqxi_siphash(const uint8_t key[16], const void *data, size_t len, uint8_t out[16])
{
    uint64_t both[2];
    hash(load(key, 8), load(key + 8, 8), data, len, both);
    both[0] = htole64(both[0]);
    both[1] = htole64(both[1]);
    memcpy(out, both, sizeof both);
}

uint64_t emqxi_hash(const uint64_t key[2], const void *data, size_t len)
{
    uint64_t both[2];
    hash(key[0], key[1], data, len, both);
    return both[0];
}
