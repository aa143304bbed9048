/* SPDX-License-Identifier: MIT
 *
 * Dates of the platform. `expire` is read with own arithmetic, not timegm(): time_t has 32 bits on
 * some of the machines that this runs on, and certificates reach beyond 2038.
 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

static bool digits(const char *text, size_t n, int *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01 to the first day of a year. */
static int64_t days_to_year(int64_t year)
{
    int64_t past = year - 1;
    return year * 365 + past / 4 - past / 100 + past / 400 - 719527;
}

static bool date(const char *text, int64_t *day)
{
    int year, month, day_of_month;
    if (!digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) ||
        text[7] != '-' || !digits(text + 8, 2, &day_of_month))
        return false;
    if (year < 1 || month < 1 || month > 12 || day_of_month < 1 ||
        day_of_month > days_in_month(year, month))
        return false;
    *day = days_to_year(year) + day_of_month - 1;
    for (int m = 1; m < month; m++)
        *day += days_in_month(year, m);
    return true;
}

static bool time_of_day(const char *text, int *seconds)
{
    int hour, minute, second;
    if (!digits(text, 2, &hour) || text[2] != ':' || !digits(text + 3, 2, &minute) ||
        text[5] != ':' || !digits(text + 6, 2, &second) || hour > 23 || minute > 59 || second > 59)
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

bool emqxi_expire_parse(const char *text, int64_t *seconds)
{
    const size_t date_len = strlen("2030-01-01"), both_len = strlen("2034-05-22 02:43:21");
    size_t len = strlen(text);
    int64_t day;
    int second = 0;
    if ((len != date_len && len != both_len) || !date(text, &day))
        return false;
    if (len == both_len && (text[date_len] != ' ' || !time_of_day(text + date_len + 1, &second)))
        return false;
    *seconds = day * 86400 + second;
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
