/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The body of an error, which may be NULL when empty: its code is harmless and stands in the body.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char code[64];
    emqxi_api_code(size > 0 ? (const char *)data : NULL, size, code);
    size_t len = strnlen(code, sizeof code);
    HOLDS(len < sizeof code);
    HOLDS(strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") ==
          len);
    HOLDS(len == 0 || (memmem(data, size, "\"code\"", 6) && memmem(data, size, code, len)));
    return 0;
}
