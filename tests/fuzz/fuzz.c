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

fuzz_input fuzz_line(fuzz_input *in)
{
    fuzz_input line = {in->at, in->at};
    while (line.end < in->end && *line.end != '\n')
        line.end++;
    in->at = line.end < in->end ? line.end + 1 : line.end;
    return line;
}
