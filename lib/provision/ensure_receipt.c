/* SPDX-License-Identifier: MIT */
#include "provision/ensure.h"

#include <stdlib.h>
#include <string.h>

#include "call/request.h"

/* so long the platform may need to show a write that it took: its own tools wait as long */
#define FRESH_S  (30 * 60)
#define SUMMER_S 3600 /* summer time moves a zone by at most so much */

static int64_t wall_s(const emqxi_ensure *e)
{
    return emqxi_wall_s(e->job.call.client);
}

static void warn(const emqxi_ensure *e, const char *what, const char *why)
{
    emqxi_log(e->job.call.client, EMQX_TLS_LOG_WARNING, "ensure of %s: %s%s%s",
              e->job.deployment_id, what, why[0] ? ": " : "", why);
}

int32_t emqxi_ensure_zone(const emqxi_ensure *e)
{
    return e->receipt.zone_known ? e->receipt.zone_s : e->option_offset_s;
}

static bool is_ours(const emqxi_ensure *e)
{
    const emqxi_receipt *r = &e->receipt;
    return e->intended || emqxi_identity_equal(&r->identity, &e->wanted);
}

enum emqxi_record emqxi_ensure_record(const emqxi_ensure *e)
{
    const emqxi_receipt *r = &e->receipt;
    const emqx_tls_status *s = &e->job.call.status;
    if (r->state == EMQXI_RECEIPT_NONE || s->state == EMQX_TLS_STATE_ABSENT)
        return EMQXI_RECORD_NONE;
    if (is_ours(e))
        return r->state == EMQXI_RECEIPT_DONE ? EMQXI_RECORD_OURS : EMQXI_RECORD_INTENT;
    bool alike = emqxi_compare(s, &r->identity, emqxi_ensure_zone(e)) != EMQXI_DIFFERENT;
    return alike ? EMQXI_RECORD_OTHER : EMQXI_RECORD_NONE;
}

static bool is_recent(const emqxi_ensure *e)
{
    int64_t age = wall_s(e) - e->receipt.time_s;
    return e->receipt.state != EMQXI_RECEIPT_NONE && is_ours(e) && age >= 0 && age < FRESH_S;
}

bool emqxi_ensure_is_fresh(const emqxi_ensure *e)
{
    return is_recent(e) && e->receipt.was[0] &&
           strcmp(e->receipt.was, e->job.call.status.expire_text) == 0;
}

static emqx_tls_code save(emqxi_ensure *e, emqxi_error *error)
{
    return e->locked ? emqxi_receipt_save(&e->file, &e->receipt, error) : EMQX_TLS_OK;
}

static void save_or_warn(emqxi_ensure *e, const char *what)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    e->unsaved = save(e, &error) != EMQX_TLS_OK;
    if (e->unsaved)
        warn(e, what, error.message);
}

/* A wall clock that went back does not tell how long ago the write was: then it counts from now
 * on. */
static void correct_time(emqxi_ensure *e)
{
    int64_t now = wall_s(e);
    if (e->receipt.state == EMQXI_RECEIPT_NONE || now >= e->receipt.time_s)
        return;
    e->receipt.time_s = now;
    save_or_warn(e, "the receipt's time could not be corrected");
}

/* How long the write of a receipt's intent may still arrive. */
static int64_t doubt_ms(const emqxi_ensure *e)
{
    const emqxi_receipt *r = &e->receipt;
    int64_t left = r->lease_s + EMQXI_STRAY_MS / 1000 - (wall_s(e) - r->time_s);
    return left > 0 ? left * 1000 : 0;
}

emqx_tls_code emqxi_ensure_load(emqxi_ensure *e, emqxi_error *error)
{
    bool damaged;
    emqx_tls_code code = emqxi_receipt_load(&e->file, &e->receipt, &damaged, error);
    if (code != EMQX_TLS_OK)
        return code;
    if (damaged)
        warn(e, "the receipt is damaged and counts as none", "");
    correct_time(e);
    if (e->receipt.state == EMQXI_RECEIPT_INTENT)
        e->doubt_until = emqxi_job_now(&e->job) + doubt_ms(e);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_ensure_intend(emqxi_ensure *e, int64_t lease_ms, emqxi_error *error)
{
    emqxi_receipt *r = &e->receipt;
    if (!e->intended)
        e->previous = *r;
    r->state = EMQXI_RECEIPT_INTENT;
    r->identity = e->wanted;
    r->before = e->before;
    strcpy(r->was, e->job.call.status.expire_text);
    r->time_s = wall_s(e);
    r->lease_s = (lease_ms + 999) / 1000;
    emqx_tls_code code = save(e, error);
    if (code == EMQX_TLS_OK)
        e->intended = true;
    else if (!e->intended)
        *r = e->previous;
    return code;
}

void emqxi_ensure_done(emqxi_ensure *e)
{
    emqxi_receipt *r = &e->receipt;
    r->state = EMQXI_RECEIPT_DONE;
    r->identity = e->wanted;
    r->time_s = wall_s(e);
    save_or_warn(e, "the write was carried out, but the receipt could not be written");
}

void emqxi_ensure_undo(emqxi_ensure *e)
{
    if (!e->intended)
        return;
    e->intended = false;
    e->receipt = e->previous;
    save_or_warn(e, "nothing was written, but the receipt could not be put back");
}

void emqxi_ensure_learn_zone(emqxi_ensure *e, const emqx_tls_status *status, bool own_reply)
{
    emqxi_receipt *r = &e->receipt;
    int32_t zone;
    int32_t before = emqxi_ensure_zone(e);
    bool ours = r->state != EMQXI_RECEIPT_NONE && is_ours(e);
    if (!ours || strcmp(status->expire_text, r->was) == 0)
        return; /* the same text as before: that of the certificate before, perhaps */
    if (!emqxi_zone_of(status, &e->wanted, before, &zone))
        return;
    bool by_day = emqxi_bare_date(status);
    if (zone == before && (r->zone_known || by_day)) /* a date that fits proves no zone */
        return;
    /* What was learned from a write before this one may differ by summer time; by more, it is
     * another certificate. Dates come nearer to the zone with every write. */
    bool near = !r->zone_known || by_day || abs(zone - before) <= SUMMER_S;
    if (!own_reply && (r->zone_known || by_day) && !(near && is_recent(e)))
        return;
    r->zone_known = true;
    r->zone_s = zone;
    if (r->state == EMQXI_RECEIPT_DONE)
        save_or_warn(e, "the zone of `expire` could not be kept in the receipt");
}
