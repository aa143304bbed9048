/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/receipt.h"

#include <stdlib.h>
#include <string.h>

#define LAG_S    120  /* so long a read may show what was there before a write that it took */
#define SUMMER_S 3600 /* summer time moves a zone by at most so much */

bool emqxi_receipt_is_of(const emqxi_receipt *r, const emqxi_identity *wanted)
{
    return r->state != EMQXI_RECEIPT_NONE && emqxi_identity_equal(&r->identity, wanted);
}

enum emqxi_recorded emqxi_recorded(const emqxi_receipt *r, const emqxi_identity *wanted,
                                   const emqx_tls_status *status, int32_t zone_s)
{
    if (r->state == EMQXI_RECEIPT_NONE)
        return EMQXI_RECORD_NONE;
    if (emqxi_receipt_is_of(r, wanted))
        return r->state == EMQXI_RECEIPT_DONE ? EMQXI_RECORD_OURS : EMQXI_RECORD_INTENT;
    bool alike = emqxi_compare(status, &r->identity, zone_s, r->cn) != EMQXI_DIFFERENT;
    return alike ? EMQXI_RECORD_OTHER : EMQXI_RECORD_NONE;
}

bool emqxi_receipt_is_stale(const emqxi_receipt *r, const emqx_tls_status *status, int64_t age_s)
{
    bool absent = status->state == EMQX_TLS_STATE_ABSENT;
    bool as_before = !absent && strcmp(r->was, status->expire_text) == 0;
    if (r->state == EMQXI_RECEIPT_DONE && age_s < LAG_S)
        return absent || as_before;
    bool failed = status->state == EMQX_TLS_STATE_FAILED; /* what is still to come has not */
    return r->state != EMQXI_RECEIPT_NONE && as_before && r->was[0] && !failed &&
           age_s < EMQXI_RECENT_S;
}

static bool learns_zone(const emqxi_receipt *r, const emqx_tls_status *status, int32_t old_s,
                        int32_t new_s, const emqxi_sight *sight)
{
    bool by_day = emqxi_bare_date(status);
    if (new_s == old_s && (r->zone_known || by_day)) /* a date that fits proves no zone */
        return false;
    /* What was learned from a write before this one may differ by summer time; by more, it is
     * another certificate. Dates come nearer to the zone with every write. */
    bool near = !r->zone_known || by_day || abs(new_s - old_s) <= SUMMER_S;
    return sight->own_reply || (!r->zone_known && !by_day) || (near && sight->recent);
}

void emqxi_receipt_learn(emqxi_receipt *r, const emqxi_identity *wanted,
                         const emqx_tls_status *status, int32_t zone_s, const emqxi_sight *sight)
{
    const char *cn = status->common_name;
    int32_t zone;
    bool as_before = strcmp(status->expire_text, r->was) == 0;
    if (!emqxi_receipt_is_of(r, wanted))
        return;
    if (!as_before && emqxi_zone_of(status, wanted, zone_s, &zone) &&
        learns_zone(r, status, zone_s, zone, sight)) {
        r->zone_known = true;
        r->zone_s = zone_s = zone;
    }
    if (r->state == EMQXI_RECEIPT_DONE && sight->recent && (sight->settled || !as_before) && *cn &&
        !emqxi_names_have(&wanted->names, cn) &&
        emqxi_compare(status, wanted, zone_s, cn) == EMQXI_SAME)
        strcpy(r->cn, cn);
}
