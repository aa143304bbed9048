/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Dates of the platform. Own arithmetic, not timegm(): time_t has 32 bits on some of the machines
 * that this runs on, and certificates reach beyond 2038.
 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* Days from 1970-01-01 to the first day of a month. The year begins in March here, so that a leap
 * day is its last. */
static int64_t days_to_month(int64_t year, int month)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };

static bool to_seconds(const int m[PARTS], int64_t *seconds)
{
    if (m[YEAR] < 1 || m[MONTH] < 1 || m[MONTH] > 12 || m[DAY] < 1 || m[HOUR] > 23 ||
        m[MINUTE] > 59 || m[SECOND] > 59)
        return false;
    int64_t first = days_to_month(m[YEAR], m[MONTH]);
    int64_t next =
        m[MONTH] < 12 ? days_to_month(m[YEAR], m[MONTH] + 1) : days_to_month(m[YEAR] + 1, 1);
    if (m[DAY] > next - first)
        return false;
    *seconds = (first + m[DAY] - 1) * 86400 + m[HOUR] * 3600 + m[MINUTE] * 60 + m[SECOND];
    return true;
}

/* Does the text look like the pattern? In it a letter of `parts` is a digit, and A any letter. */
static bool matches(const char *text, const char *pattern, int m[PARTS])
{
    static const char parts[] = "yndhms";
    memset(m, 0, PARTS * sizeof *m);
    for (; *pattern; text++, pattern++) {
        const char *part = *pattern >= 'a' ? strchr(parts, *pattern) : NULL;
        bool digit = *text >= '0' && *text <= '9',
             letter = (*text | 32) >= 'a' && (*text | 32) <= 'z';
        if (part ? !digit : *pattern == 'A' ? !letter : *text != *pattern)
            return false;
        if (part)
            m[part - parts] = m[part - parts] * 10 + (*text - '0');
    }
    return *text == '\0';
}

bool emqxi_expire_parse(const char *text, int64_t *seconds)
{
    int m[PARTS];
    return (matches(text, "yyyy-nn-dd hh:mm:ss", m) || matches(text, "yyyy-nn-dd", m)) &&
           to_seconds(m, seconds);
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (memcmp(names + 3 * i, name, 3) == 0)
            return i + 1;
    return 0;
}

/* A date in one of the three forms of RFC 9110, 5.6.7; the day's name is not looked at. */
static bool http_date(const char *text, int64_t *seconds)
{
    int m[PARTS];
    const char *comma = strchr(text, ','), *month = comma ? comma + 5 : text + 4;
    if (comma && matches(comma, ", dd-AAA-yy hh:mm:ss GMT", m))
        m[YEAR] += m[YEAR] < 70 ? 2000 : 1900;
    else if (comma ? !matches(comma, ", dd AAA yyyy hh:mm:ss GMT", m)
                   : !matches(text, "AAA AAA dd hh:mm:ss yyyy", m) &&
                         !matches(text, "AAA AAA  d hh:mm:ss yyyy", m))
        return false;
    m[MONTH] = month_of(month);
    return to_seconds(m, seconds);
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
    int64_t until, now;
    if (!http_date(value, &until) || !reply_date || !http_date(reply_date, &now) || until < now)
        return EMQXI_RETRY_IMPLAUSIBLE;
    return (until - now) * 1000; /* of at most 10,000 years */
}
