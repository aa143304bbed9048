/* SPDX-License-Identifier: MIT */
#include "provision/decide.h"

#include <string.h>
#include <strings.h>

#define DAY_S     86400
#define QUARTER_S 900

/* -- likeness ---------------------------------------------------------------------------------- */

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
                                  int32_t offset_s)
{
    if (status->type_text[0] && status->type != wanted->type)
        return EMQXI_DIFFERENT;
    if (status->common_name[0] && wanted->common_name[0] &&
        strcasecmp(status->common_name, wanted->common_name) != 0)
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

/* -- decisions --------------------------------------------------------------------------------- */

static emqxi_decision update(const emqxi_facts *f)
{
    emqxi_decision d = {.verdict = EMQXI_UPDATE};
    if (f->earlier && !(f->flags & EMQX_TLS_ALLOW_EARLIER))
        d.verdict = EMQXI_EARLIER;
    return d;
}

/* After this call's write was accepted. */
static emqxi_decision after_write(const emqxi_facts *f)
{
    emqxi_decision d = {.verdict = EMQXI_COMING, .certain = f->record == EMQXI_RECORD_OURS};
    bool old = f->likeness == EMQXI_DIFFERENT;
    if (f->state == EMQX_TLS_STATE_ABSENT)
        d.verdict = EMQXI_VANISHED;
    else if (f->state == EMQX_TLS_STATE_FAILED && !(old && f->before_failed))
        d.verdict = EMQXI_BROKEN;
    else if (f->state == EMQX_TLS_STATE_RUNNING && !old &&
             (f->before == EMQXI_BEFORE_DIFFERENT || f->settled))
        d.verdict = EMQXI_IN_PLACE;
    return d;
}

static emqxi_decision running(const emqxi_facts *f)
{
    emqxi_decision in_place = {.verdict = EMQXI_IN_PLACE, .certain = true};
    emqxi_decision d;
    if (f->likeness == EMQXI_DIFFERENT || f->record == EMQXI_RECORD_OTHER)
        return update(f);
    if (f->record == EMQXI_RECORD_OURS)
        return in_place;
    in_place.carried_out = f->record == EMQXI_RECORD_INTENT;
    if (in_place.carried_out && f->likeness == EMQXI_SAME && f->before == EMQXI_BEFORE_DIFFERENT)
        return in_place;
    if (f->probe == EMQXI_PROBE_PROVES)
        return in_place;
    if (f->probe == EMQXI_PROBE_DISPROVES)
        return update(f);
    if (f->record == EMQXI_RECORD_NONE && f->likeness == EMQXI_SAME)
        d = (emqxi_decision){.verdict = EMQXI_IN_PLACE};
    else if (f->lost)
        d = (emqxi_decision){.verdict = EMQXI_UNSURE};
    else if (!f->readable)
        d = (emqxi_decision){.verdict = EMQXI_ILLEGIBLE};
    else
        d = update(f);
    d.probe_helps = true;
    return d;
}

/* Pending, or a state that is not told or not known. */
static emqxi_decision unfinished(const emqxi_facts *f)
{
    emqxi_decision d = {.verdict = EMQXI_COMING, .certain = f->record == EMQXI_RECORD_OURS};
    if (f->likeness == EMQXI_DIFFERENT && f->record == EMQXI_RECORD_INTENT && f->fresh) {
        d.verdict = EMQXI_UNCLEAR; /* it may be that write, with the end of what was before it */
        return d;
    }
    if (f->likeness == EMQXI_DIFFERENT || f->record == EMQXI_RECORD_OTHER)
        return update(f);
    if (f->likeness == EMQXI_UNTOLD && f->record != EMQXI_RECORD_OURS) {
        bool useless = !f->readable && !f->lost;
        d.verdict = useless ? EMQXI_ILLEGIBLE : EMQXI_UNCLEAR;
    } else if (f->record == EMQXI_RECORD_INTENT && f->before != EMQXI_BEFORE_ALIKE_UNFINISHED) {
        d.carried_out = d.certain = true;
    }
    return d;
}

emqxi_decision emqxi_decide(const emqxi_facts *f)
{
    if (f->accepted)
        return after_write(f);
    if (f->state == EMQX_TLS_STATE_ABSENT)
        return (emqxi_decision){.verdict = EMQXI_CREATE};
    if (f->state == EMQX_TLS_STATE_TERMINATED)
        return (emqxi_decision){.verdict = EMQXI_LEAVING};
    if ((f->flags & EMQX_TLS_FORCE) && !f->lost)
        return update(f);
    if (f->state == EMQX_TLS_STATE_FAILED) {
        if (f->lost && f->likeness != EMQXI_DIFFERENT)
            return (emqxi_decision){.verdict = EMQXI_BROKEN};
        return update(f);
    }
    if (f->likeness == EMQXI_DIFFERENT && f->record == EMQXI_RECORD_OURS && f->fresh)
        return (emqxi_decision){.verdict = EMQXI_COMING, .certain = true};
    return f->state == EMQX_TLS_STATE_RUNNING ? running(f) : unfinished(f);
}
