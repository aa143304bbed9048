/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What fuzz targets share. Each is one function that takes any bytes: libFuzzer calls it in a build
 * with -Dfuzz=true, replay.c in every other.
 */
#ifndef EMQXI_FUZZ_H
#define EMQXI_FUZZ_H

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

#endif
