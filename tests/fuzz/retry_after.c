/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Retry-After, and behind a line end the Date that it is read against.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = fuzz_text(data, size), *date = strchr(value, '\n');
    if (date)
        *date++ = '\0';
    int64_t ms = emqxi_retry_after(value, date);
    bool blank = value[strspn(value, " \t")] == '\0';
    HOLDS(blank == (ms == EMQXI_RETRY_NONE));
    HOLDS(ms >= EMQXI_RETRY_IMPLAUSIBLE);
    HOLDS(ms < 0 || ms == INT64_MAX || ms % 1000 == 0);
    HOLDS(ms < 0 || date || strpbrk(value, "0123456789"));
    free(value);
    return 0;
}
