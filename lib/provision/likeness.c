/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/decide.h"

#include <string.h>

#define DAY_S     86400
#define QUARTER_S 900

bool emqxi_bare_date(const emqx_tls_status *status)
{
    return strlen(status->expire_text) == strlen("2030-01-01");
}

/* The leaf's end as the platform would write it and we would read it. */
static int64_t as_told(const emqx_tls_status *status, const emqxi_identity *wanted,
                       int32_t offset_s)
{
    int64_t t = emqxi_add(wanted->not_after, offset_s);
    if (emqxi_bare_date(status))
        t -= ((t % DAY_S) + DAY_S) % DAY_S;
    return t;
}

static bool comparable(const emqx_tls_status *status, const emqxi_identity *wanted)
{
    return wanted->readable && status->expire != INT64_MIN;
}

enum emqxi_likeness emqxi_compare(const emqx_tls_status *status, const emqxi_identity *wanted,
                                  int32_t offset_s, const char *known)
{
    const char *cn = status->common_name;
    if (status->type_text[0] && status->type != wanted->type)
        return EMQXI_DIFFERENT;
    if (*cn && wanted->names.count > 0 && strcmp(cn, known) != 0 &&
        !emqxi_names_have(&wanted->names, cn))
        return EMQXI_DIFFERENT;
    if (!comparable(status, wanted))
        return EMQXI_UNTOLD;
    return status->expire == as_told(status, wanted, offset_s) ? EMQXI_SAME : EMQXI_DIFFERENT;
}

bool emqxi_earlier(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t offset_s)
{
    return comparable(status, wanted) && as_told(status, wanted, offset_s) < status->expire;
}

static int64_t quarters_up(int64_t seconds)
{
    return seconds + (QUARTER_S - seconds % QUARTER_S) % QUARTER_S;
}

bool emqxi_zone_of(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t near_s,
                   int32_t *offset_s)
{
    if (!comparable(status, wanted))
        return false;
    int64_t low = emqxi_add(wanted->not_after, -EMQXI_ZONE_MAX),
            high = emqxi_add(wanted->not_after, EMQXI_ZONE_MAX);
    int64_t end = status->expire + (emqxi_bare_date(status) ? DAY_S - 1 : 0);
    if (end < low || status->expire > high)
        return false;
    low = quarters_up(EMQXI_MAX(status->expire - wanted->not_after, -EMQXI_ZONE_MAX));
    high = EMQXI_MIN(end - wanted->not_after, EMQXI_ZONE_MAX);
    int64_t offset = near_s <= low    ? low
                     : near_s <= high ? near_s
                                      : quarters_up(high - QUARTER_S + 1);
    *offset_s = (int32_t)offset;
    return offset >= low && offset <= high;
}
