/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A date that is taken is written the same by the C library.
 */
#include <time.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), again[64];
    int64_t seconds;
    if (emqxi_expire_parse(text, &seconds) && sizeof(time_t) > 4) {
        time_t t = (time_t)seconds;
        struct tm tm;
        HOLDS(gmtime_r(&t, &tm));
        int n = snprintf(again, sizeof again, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
                         tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        HOLDS(n == 19 && strncmp(text, again, strlen(text)) == 0);
        HOLDS(strlen(text) == 19 || strcmp(again + 10, " 00:00:00") == 0);
    }
    free(text);
    return 0;
}
