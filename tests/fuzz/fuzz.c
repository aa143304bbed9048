/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "fuzz.h"

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    HOLDS(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}
