/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Dates of the platform. `expire` is read with own arithmetic, not timegm(): time_t has 32 bits on
 * some of the machines that this runs on, and certificates reach beyond 2038.
 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

/* Days from 1970-01-01 to the first day of a month. The year begins in March here, so that a leap
 * day is its last. */
static int64_t days_to_month(int64_t year, int month)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

/* Does the text look like the pattern, in which 0 is any digit? The numbers in it. */
static bool take_numbers(const char *text, const char *pattern, int *numbers)
{
    *numbers = 0;
    for (; *pattern; text++, pattern++) {
        if (*pattern != '0' ? *text != *pattern : *text < '0' || *text > '9')
            return false;
        if (*pattern == '0')
            *numbers = *numbers * 10 + (*text - '0');
        else
            *++numbers = 0;
    }
    return *text == '\0';
}

bool emqxi_expire_parse(const char *text, int64_t *seconds)
{
    int n[6] = {0}; /* year, month, day, hour, minute, second */
    if (!take_numbers(text, "0000-00-00", n) && !take_numbers(text, "0000-00-00 00:00:00", n))
        return false;
    if (n[0] < 1 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[3] > 23 || n[4] > 59 || n[5] > 59)
        return false;
    int64_t month = days_to_month(n[0], n[1]);
    int64_t next = n[1] < 12 ? days_to_month(n[0], n[1] + 1) : days_to_month(n[0] + 1, 1);
    if (n[2] > next - month)
        return false;
    *seconds = (month + n[2] - 1) * 86400 + n[3] * 3600 + n[4] * 60 + n[5];
    return true;
}

int64_t emqxi_retry_after(const char *value, const char *reply_date)
{
    int64_t ms = 0;
    if (!value || value[strspn(value, " \t")] == '\0')
        return EMQXI_RETRY_NONE;
    value += strspn(value, " \t");
    size_t n = strspn(value, "0123456789");
    if (n > 0) {
        if (value[n + strspn(value + n, " \t")] != '\0')
            return EMQXI_RETRY_IMPLAUSIBLE;
        /* the greatest there is where that is too little */
        int64_t seconds = strtoll(value, NULL, 10);
        return __builtin_mul_overflow(seconds, 1000, &ms) ? INT64_MAX : ms;
    }
    time_t until = curl_getdate(value, NULL),
           now = reply_date ? curl_getdate(reply_date, NULL) : -1;
    if (until == -1 || now == -1 || until < now)
        return EMQXI_RETRY_IMPLAUSIBLE;
    if (__builtin_sub_overflow((int64_t)until, (int64_t)now, &ms) ||
        __builtin_mul_overflow(ms, 1000, &ms))
        return INT64_MAX;
    return ms;
}
