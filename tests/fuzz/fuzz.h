/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What fuzz targets share. Each is one function that takes any bytes: libFuzzer calls it in a build
 * with -Dfuzz=true, replay.c in every other.
 */
#ifndef EMQXI_FUZZ_H
#define EMQXI_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): these hold in a release build too. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes as a C string, to be freed. One with a NUL inside ends there. */
char *fuzz_text(const uint8_t *data, size_t size);

/* An input that is a story: one byte after the other. Behind its end all are 0. */
typedef struct fuzz_input {
    const uint8_t *at, *end;
} fuzz_input;

static inline bool fuzz_more(const fuzz_input *in)
{
    return in->at < in->end;
}

static inline uint8_t fuzz_byte(fuzz_input *in)
{
    return fuzz_more(in) ? *in->at++ : 0;
}

/* A digit, so that a story can be read: '0' is 0, and behind '9' it goes on. */
static inline uint8_t fuzz_digit(fuzz_input *in)
{
    return fuzz_more(in) ? (uint8_t)(*in->at++ - '0') : 0;
}

/* Cuts the first line off. */
fuzz_input fuzz_line(fuzz_input *in);

#endif
