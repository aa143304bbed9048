/* SPDX-License-Identifier: MIT
 *
 * XXH64 (Yann Collet) of whole words. Own code: SipHash, which the library has, would take half of
 * the time that a reservation in a file may cost, and a library for these few lines would be one
 * more that every program needs. Against torn writes and flipped bits, not against people.
 * tests/unit/file.c compares it with what xxhsum says.
 */
#include "limiter/file.h"

#include <endian.h>
#include <string.h>

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static uint64_t word(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

static uint64_t mix(uint64_t lane, uint64_t w)
{
    return rotl(lane + w * P2, 31) * P1;
}

uint64_t emqxi_checksum(uint64_t seed, const void *data, size_t len)
{
    const char *p = data, *end = p + len;
    uint64_t h = seed + P5;
    if (len >= 32) {
        uint64_t lanes[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
        for (; end - p >= 32; p += 32)
            for (int i = 0; i < 4; i++)
                lanes[i] = mix(lanes[i], word(p + 8 * i));
        h = rotl(lanes[0], 1) + rotl(lanes[1], 7) + rotl(lanes[2], 12) + rotl(lanes[3], 18);
        for (int i = 0; i < 4; i++)
            h = (h ^ mix(0, lanes[i])) * P1 + P4;
    }
    h += len;
    for (; p < end; p += 8)
        h = rotl(h ^ mix(0, word(p)), 27) * P1 + P4;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}
