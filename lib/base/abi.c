/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <string.h>

static uint32_t size_of(const void *p)
{
    uint32_t size;
    memcpy(&size, p, sizeof size); /* `size` is the first member of every sized struct */
    return size;
}

bool emqxi_input_take(void *to, const void *from, size_t first, size_t own)
{
    if (!from)
        return false;
    const size_t size = size_of(from);
    if (size < first || size > EMQXI_STRUCT_MAX)
        return false;
    for (size_t i = own; i < size; i++)
        if (((const unsigned char *)from)[i] != 0)
            return false;
    emqxi_init(to, own);
    memcpy((char *)to + sizeof(uint32_t), (const char *)from + sizeof(uint32_t),
           EMQXI_MIN(size, own) - sizeof(uint32_t));
    return true;
}

bool emqxi_output_ok(const void *p)
{
    return !p || size_of(p) <= EMQXI_STRUCT_MAX;
}

void emqxi_output(void *to, const void *from, size_t own)
{
    if (!to || !emqxi_output_ok(to))
        return;
    const size_t at = sizeof(uint32_t), size = size_of(to), both = EMQXI_MIN(size, own);
    if (both > at)
        memcpy((char *)to + at, (const char *)from + at, both - at);
    if (size > own)
        memset((char *)to + own, 0, size - own);
}

bool emqxi_init(void *p, size_t caller_size)
{
    uint32_t size = (uint32_t)caller_size;
    if (!p || caller_size < sizeof size || caller_size > EMQXI_STRUCT_MAX)
        return false;
    memset(p, 0, caller_size);
    memcpy(p, &size, sizeof size);
    return true;
}
