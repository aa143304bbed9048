/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/ensure.h"

#include <string.h>

#define LOCK_AGAIN_MS 100
#define TRIES_MAX     2

int32_t emqxi_ensure_zone(const emqxi_ensure *m)
{
    return m->receipt.zone_known ? m->receipt.zone_s : m->zone_s;
}

static bool is_dry(const emqxi_ensure *m)
{
    return m->flags & EMQX_TLS_DRY_RUN;
}

/* -- the receipt ------------------------------------------------------------------------------- */

static enum emqxi_recorded recorded(const emqxi_ensure *m)
{
    return emqxi_recorded(&m->receipt, m->wanted, &m->watch.status, emqxi_ensure_zone(m));
}

/* How long after the recorded write the status was asked for; a clock that went back does not tell.
 */
static int64_t age_s(const emqxi_ensure *m, const emqxi_event *e)
{
    int64_t age_s =
        m->watch.fate >= EMQXI_FATE_ACCEPTED
            ? (m->watch.read_ms - m->written_ms) / 1000
            : e->wall_s - m->receipt.time_s - (e->now_ms - m->watch.read_ms + 999) / 1000;
    return EMQXI_MAX(age_s, 0);
}

/* May what ran before that write still run? Whole seconds. */
static bool is_young(const emqxi_ensure *m, const emqxi_event *e)
{
    return age_s(m, e) <= EMQXI_STRAY_MS / 1000;
}

static void write_down(emqxi_ensure *m, uint32_t state, int64_t wall_s)
{
    m->receipt.state = state;
    m->receipt.identity = *m->wanted;
    m->receipt.time_s = wall_s;
}

static enum emqxi_likeness likeness(const emqxi_ensure *m, const emqxi_identity *to)
{
    const char *cn = emqxi_receipt_is_of(&m->receipt, m->wanted) ? m->receipt.cn : "";
    return emqxi_compare(&m->watch.status, to, emqxi_ensure_zone(m), cn);
}

/* Learns how the platform tells what it took: its zone, its spelling of the name. */
static void learn(emqxi_ensure *m, const emqxi_event *e, bool own_reply)
{
    const emqx_tls_status *s = &m->watch.status;
    emqxi_sight sight = {
        .own_reply = own_reply,
        .recent = own_reply || age_s(m, e) < EMQXI_RECENT_S,
        .settled = own_reply ? s->state == EMQX_TLS_STATE_PENDING
                             : m->watch.fate == EMQXI_FATE_SETTLED || !is_young(m, e),
    };
    emqxi_receipt_learn(&m->receipt, m->wanted, s, emqxi_ensure_zone(m), &sight);
}

/* -- waiting ----------------------------------------------------------------------------------- */

/* Something is to be waited for that may take minutes: looks again at until_ms at the latest.
 * `text`: no time to wait is given. */
static emqxi_action wait_for(emqxi_ensure *m, int64_t until_ms, const char *text)
{
    if (is_dry(m))
        return emqxi_end(EMQX_TLS_OK, "");
    if (emqxi_waits(&m->watch))
        return emqxi_poll(&m->watch, EMQXI_ACT_READ, until_ms);
    if (m->watch.fate == EMQXI_FATE_LOST)
        return emqxi_end_as(EMQXI_OF_WRITE, NULL);
    emqxi_action end = emqxi_end(EMQX_TLS_E_TIMEOUT, text);
    end.until_ms = until_ms;
    return end;
}

/* A read proves nothing that began while the write could still arrive, though its answer came
 * later. */
static bool in_doubt(const emqxi_ensure *m)
{
    return m->watch.read_ms < m->doubt_ms;
}

static emqxi_action wait_out_doubt(emqxi_ensure *m, const emqxi_event *e)
{
    if (e->now_ms >= m->doubt_ms)
        return emqxi_do(EMQXI_ACT_READ);
    return wait_for(m, m->doubt_ms,
                    "a write of an earlier ensure of deployment {id} may still arrive: call again "
                    "in {left} s, or with wait_ms");
}

static emqxi_action end_locked(void)
{
    return emqxi_end(EMQX_TLS_E_STORE, "another ensure of deployment {id} holds the lock in "
                                       "receipt_dir {dir}: wait for it, or see whether it was "
                                       "stopped");
}

static emqxi_action end_unproven(void)
{
    return emqxi_end_as(EMQXI_OF_PROBE, "deployment {id} runs by its status, but {probe}");
}

#define TOOK "wait_ms is over: deployment {id} took the write, but is still {state}"

/* How it ends at the deadline. */
static emqxi_action late(const emqxi_watch *watch)
{
    const emqxi_ensure *m = (const emqxi_ensure *)watch;
    const emqx_tls_status *s = &m->watch.status;
    const char *text = TOOK;
    if (m->watch.then == EMQXI_ACT_LOAD)
        return end_locked();
    if (m->probe == EMQXI_PROBE_SILENT || m->probe == EMQXI_PROBE_DISPROVES)
        return end_unproven();
    if (!m->watch.seen)
        return emqxi_late_unread(watch);
    if (m->watch.fate == EMQXI_FATE_LOST)
        text = "wait_ms is over before a write to deployment {id} was answered: call again, it "
               "reads first";
    else if (m->watch.fate < EMQXI_FATE_ACCEPTED)
        text = "wait_ms is over: deployment {id} is still {state}, nothing was written; call again";
    else if (s->state == EMQX_TLS_STATE_RUNNING)
        text = likeness(m, m->wanted) == EMQXI_DIFFERENT ? TOOK " with the certificate before it"
                                                         : TOOK
                   ", and with which certificate can't be told yet";
    return emqxi_end(EMQX_TLS_E_TIMEOUT, text);
}

/* -- verdicts ---------------------------------------------------------------------------------- */

/* What is wanted is there, or on its way. */
static emqxi_action succeed(emqxi_ensure *m, const emqxi_event *e, bool certain)
{
    bool proven = m->probe == EMQXI_PROBE_PROVES;
    if (proven && recorded(m) != EMQXI_RECORD_OURS)
        write_down(m, EMQXI_RECEIPT_DONE, e->wall_s);
    if (m->action == EMQX_TLS_ACTION_NONE)
        m->action = EMQX_TLS_ACTION_UNCHANGED;
    m->proof = proven                         ? EMQXI_PROOF_PROBE
               : certain && m->keeps_receipts ? EMQXI_PROOF_RECEIPT
                                              : EMQXI_PROOF_NONE;
    return emqxi_end(EMQX_TLS_OK, "");
}

/* It was written, and does not run yet; but the status may still show what was there before. */
static emqxi_action promise(emqxi_ensure *m, const emqxi_event *e, const emqxi_facts *f,
                            bool certain)
{
    emqx_tls_status *s = &m->watch.status;
    bool old = f->state == EMQX_TLS_STATE_ABSENT || f->state == EMQX_TLS_STATE_RUNNING ||
               f->likeness == EMQXI_DIFFERENT;
    if (old && f->record == EMQXI_RECORD_OURS) {
        emqx_tls_status_init(s);
        s->state = EMQX_TLS_STATE_PENDING;
        strcpy(s->state_text, "pending");
    }
    return succeed(m, e, certain);
}

/* It runs by its status: the last step is to see it served. */
static emqxi_action see_it_served(emqxi_ensure *m, const emqxi_event *e, bool certain)
{
    if (!m->probes || is_dry(m) || m->probe >= EMQXI_PROBE_MATCHES)
        return succeed(m, e, certain);
    if (m->probe == EMQXI_PROBE_UNASKED) {
        m->watch.polls = 0;
        return emqxi_do(EMQXI_ACT_PROBE);
    }
    return emqxi_waits(&m->watch) ? emqxi_poll(&m->watch, EMQXI_ACT_PROBE, INT64_MAX)
                                  : end_unproven();
}

static enum emqxi_before before(const emqxi_facts *f)
{
    bool alike = f->likeness != EMQXI_DIFFERENT;
    switch (f->state) {
    case EMQX_TLS_STATE_ABSENT:
        return EMQXI_BEFORE_NOTHING;
    case EMQX_TLS_STATE_RUNNING:
        return alike ? EMQXI_BEFORE_ALIKE : EMQXI_BEFORE_DIFFERENT;
    case EMQX_TLS_STATE_FAILED:
        return alike ? EMQXI_BEFORE_ALIKE_FAILED : EMQXI_BEFORE_DIFFERENT_FAILED;
    default:
        return alike ? EMQXI_BEFORE_ALIKE_UNFINISHED : EMQXI_BEFORE_DIFFERENT_UNFINISHED;
    }
}

/* May this write follow those of this call? After a lost one it has been decided on because that is
 * not there. */
static bool may_follow(const emqxi_ensure *m, uint32_t op)
{
    return m->tries == 0 ||
           (m->tries < TRIES_MAX && (m->watch.fate == EMQXI_FATE_LOST ||
                                     (m->watch.fate == EMQXI_FATE_MISJUDGED && op != m->op)));
}

static emqxi_action write_it(emqxi_ensure *m, const emqxi_event *e, const emqxi_facts *f,
                             uint32_t op)
{
    const emqx_tls_status *s = &m->watch.status;
    if (m->barred)
        return emqxi_end(EMQX_TLS_E_CHECK, "{refusal}");
    m->changes_type = s->type_text[0] && s->type != m->wanted->type;
    if (is_dry(m)) {
        m->action = op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
        return emqxi_end(EMQX_TLS_OK, "");
    }
    if (!may_follow(m, op))
        return emqxi_end_as(EMQXI_OF_WRITE, NULL);
    if (in_doubt(m))
        return wait_out_doubt(m, e);
    if (m->watch.fate != EMQXI_FATE_LOST)
        m->previous = m->receipt;
    m->before = before(f);
    m->op = op;
    m->probe = EMQXI_PROBE_UNASKED; /* it told of what was before */
    return (emqxi_action){.type = EMQXI_ACT_WRITE, .op = op};
}

/* Where the status does not tell when what is in place ends, the receipt of another one may. */
static bool ends_before_written(const emqxi_ensure *m, const emqxi_facts *f)
{
    const emqxi_receipt *r = &m->receipt;
    bool other =
        f->record == EMQXI_RECORD_OTHER || (f->stale && !emqxi_receipt_is_of(r, m->wanted));
    return other && (f->stale || m->watch.status.expire == INT64_MIN) &&
           m->wanted->not_after < r->identity.not_after;
}

#define EARLIER "the certificate would end before the one in place, which ends at {expire}"
#define REPLACE "; set ALLOW_EARLIER to replace it all the same"

static const char *why_earlier(const emqxi_ensure *m, const emqxi_facts *f)
{
    int32_t zone;
    if (ends_before_written(m, f))
        return "the certificate would end before the one that was last written, as its receipt "
               "tells" REPLACE;
    if (emqxi_zone_of(&m->watch.status, m->wanted, emqxi_ensure_zone(m), &zone))
        return EARLIER " (a time zone away: if it is the same one and the platform tells another "
                       "zone than UTC, set expire_offset_s)" REPLACE;
    return EARLIER REPLACE;
}

#define LATER ": nothing was written; call again later, or with wait_ms"

/* Verdicts that only wait, where no time to wait is given, or end. */
static const struct {
    emqx_tls_code code;
    const char *text;
} endings[] = {
    [EMQXI_COMING] = {EMQX_TLS_E_TIMEOUT, "deployment {id} is {state}" LATER},
    [EMQXI_UNCLEAR] = {EMQX_TLS_E_TIMEOUT, "deployment {id} is {state}, and it can't be told with "
                                           "which certificate" LATER},
    [EMQXI_LEAVING] = {EMQX_TLS_E_TIMEOUT,
                       "deployment {id} is {state}, that is, being deleted" LATER},
    [EMQXI_ILLEGIBLE] = {EMQX_TLS_E_INVALID,
                         "whether deployment {id} has this certificate can't be told: its leaf "
                         "can't be read (is the build without OpenSSL?); set FORCE to write it "
                         "all the same"},
    [EMQXI_INCOMPARABLE] = {EMQX_TLS_E_INVALID,
                            "whether deployment {id} has this certificate can't be told: the "
                            "platform tells no `expire`. Set receipt_dir, so that ensure knows "
                            "what it wrote, or probe_host, so that it looks at the port, or FORCE "
                            "to write it all the same"},
    [EMQXI_BROKEN] = {EMQX_TLS_E_FAILED, "the platform took the certificate for deployment {id} "
                                         "and put it into \"failed\": check it, then call again"},
    [EMQXI_VANISHED] = {EMQX_TLS_E_NOT_FOUND, "deployment {id} took the certificate, and has none "
                                              "any more: somebody deleted it; call again"},
};

static emqxi_action act(emqxi_ensure *m, const emqxi_event *e, const emqxi_facts *f,
                        const emqxi_decision *d)
{
    bool waits = emqxi_waits(&m->watch) || m->watch.fate == EMQXI_FATE_LOST;
    switch (d->verdict) {
    case EMQXI_IN_PLACE:
        return see_it_served(m, e, d->certain);
    case EMQXI_COMING:
        return waits && !is_dry(m) ? wait_for(m, INT64_MAX, endings[EMQXI_COMING].text)
                                   : promise(m, e, f, d->certain);
    case EMQXI_UNCLEAR:
    case EMQXI_LEAVING:
        if (d->verdict == EMQXI_LEAVING && is_dry(m))
            m->action = EMQX_TLS_ACTION_CREATED;
        return wait_for(m, INT64_MAX, endings[d->verdict].text);
    case EMQXI_CREATE:
        return write_it(m, e, f, EMQX_TLS_OP_CREATE);
    case EMQXI_UPDATE:
        return write_it(m, e, f, EMQX_TLS_OP_UPDATE);
    case EMQXI_UNSURE:
        return in_doubt(m) ? wait_out_doubt(m, e) : emqxi_end_as(EMQXI_OF_WRITE, NULL);
    case EMQXI_EARLIER:
        return emqxi_end(EMQX_TLS_E_CHECK, why_earlier(m, f));
    default:
        return emqxi_end(endings[d->verdict].code, endings[d->verdict].text);
    }
}

/* The write is known to have been carried out: no other follows. */
static void carried_out(emqxi_ensure *m, const emqxi_event *e, enum emqxi_fate fate)
{
    m->watch.fate = fate;
    m->action = m->op == EMQX_TLS_OP_CREATE ? EMQX_TLS_ACTION_CREATED : EMQX_TLS_ACTION_UPDATED;
    write_down(m, EMQXI_RECEIPT_DONE, e->wall_s);
}

static emqxi_action judge(emqxi_ensure *m, const emqxi_event *e)
{
    const emqx_tls_status *s = &m->watch.status;
    int32_t zone_s = emqxi_ensure_zone(m);
    emqxi_facts facts = {
        .state = s->state,
        .flags = m->flags,
        .likeness = likeness(m, m->wanted),
        .record = recorded(m),
        .before = m->receipt.before,
        .fate = m->watch.fate,
        .probe = m->probe,
        .readable = m->wanted->readable,
        .stale = emqxi_receipt_is_stale(&m->receipt, s, age_s(m, e)),
        .young = is_young(m, e),
        .forgetful =
            !m->keeps_receipts && (!m->probes || m->probe != EMQXI_PROBE_UNASKED || is_dry(m)),
    };
    facts.earlier = emqxi_earlier(s, m->wanted, zone_s) || ends_before_written(m, &facts);
    emqxi_decision d = emqxi_decide(&facts);
    if (d.carried_out && m->watch.fate == EMQXI_FATE_LOST)
        carried_out(m, e, EMQXI_FATE_SETTLED);
    else if (d.carried_out)
        write_down(m, EMQXI_RECEIPT_DONE, e->wall_s);
    if (d.probe_helps && d.verdict != EMQXI_IN_PLACE && m->probes && !is_dry(m) &&
        m->probe == EMQXI_PROBE_UNASKED)
        return emqxi_do(EMQXI_ACT_PROBE);
    return act(m, e, &facts, &d);
}

/* -- events ------------------------------------------------------------------------------------ */

static emqxi_action on_busy(emqxi_ensure *m, const emqxi_event *e)
{
    if (!emqxi_waits(&m->watch) && e->now_ms >= m->patience_ms)
        return end_locked();
    return (emqxi_action){.type = EMQXI_ACT_PAUSE, .until_ms = e->now_ms + LOCK_AGAIN_MS};
}

static emqxi_action on_loaded(emqxi_ensure *m, const emqxi_event *e)
{
    emqxi_receipt *r = &m->receipt;
    *r = *e->receipt;
    m->watch.then = EMQXI_ACT_READ;
    /* A wall clock that went back does not tell how long ago the write was: then it counts from now
     * on. */
    if (r->state != EMQXI_RECEIPT_NONE)
        r->time_s = EMQXI_MIN(r->time_s, e->wall_s);
    if (r->state == EMQXI_RECEIPT_INTENT) /* both are whole seconds */
        m->doubt_ms =
            e->now_ms + EMQXI_STRAY_MS + (r->lease_s - (e->wall_s - r->time_s) + 1) * 1000;
    return emqxi_do(EMQXI_ACT_READ);
}

static emqxi_action on_read(emqxi_ensure *m, const emqxi_event *e)
{
    m->probe = EMQXI_PROBE_UNASKED;
    bool moved = m->watch.status.state != EMQX_TLS_STATE_RUNNING ||
                 m->watch.read_ms - m->written_ms >= EMQXI_STRAY_MS;
    if (m->watch.fate == EMQXI_FATE_ACCEPTED && moved)
        m->watch.fate = EMQXI_FATE_SETTLED;
    learn(m, e, false);
    return judge(m, e);
}

static emqxi_action on_unread(emqxi_ensure *m, const emqxi_event *e)
{
    const char *text = "a write to deployment {id} may have been carried out, and its status can't "
                       "be read: {answer}";
    return emqxi_try_again(&m->watch, e, m->watch.fate == EMQXI_FATE_LOST ? text : NULL);
}

static emqxi_action on_departing(emqxi_ensure *m, const emqxi_event *e)
{
    write_down(m, EMQXI_RECEIPT_INTENT, e->wall_s);
    m->receipt.before = m->before;
    strcpy(m->receipt.was, m->watch.status.expire_text);
    m->receipt.lease_s = (e->lease_ms + 999) / 1000;
    return emqxi_do(EMQXI_ACT_SEND);
}

static emqxi_action on_accepted(emqxi_ensure *m, const emqxi_event *e)
{
    m->watch.status = *e->status;
    if (e->status->state == EMQX_TLS_STATE_ABSENT) /* {}: nothing was told */
        m->watch.status.state = EMQX_TLS_STATE_UNKNOWN;
    bool settled = e->status->state == EMQX_TLS_STATE_RUNNING ||
                   m->before == EMQXI_BEFORE_ALIKE_FAILED ||
                   m->before == EMQXI_BEFORE_DIFFERENT_FAILED;
    carried_out(m, e, settled ? EMQXI_FATE_SETTLED : EMQXI_FATE_ACCEPTED);
    learn(m, e, true);
    m->watch.polls = 0;
    return judge(m, e);
}

static emqxi_action on_lost(emqxi_ensure *m, const emqxi_event *e)
{
    m->watch.fate = EMQXI_FATE_LOST;
    m->doubt_ms = e->now_ms + EMQXI_STRAY_MS;
    m->watch.polls = 0;
    return emqxi_waits(&m->watch) ? emqxi_poll(&m->watch, EMQXI_ACT_READ, m->doubt_ms)
                                  : emqxi_do(EMQXI_ACT_READ);
}

/* It was not carried out: the receipt is what it was before. */
static emqxi_action on_refused(emqxi_ensure *m, const emqxi_event *e)
{
    bool misjudged = e->type == EMQXI_EVENT_MISJUDGED;
    emqxi_action a = emqxi_try_again(&m->watch, e, NULL);
    if (a.type == EMQXI_ACT_PAUSE && m->watch.fate == EMQXI_FATE_LOST)
        return a; /* the one before it is in doubt still */
    m->receipt = m->previous;
    m->watch.fate = misjudged ? EMQXI_FATE_MISJUDGED : EMQXI_FATE_NONE;
    return misjudged && m->tries < TRIES_MAX ? emqxi_do(EMQXI_ACT_READ) : a;
}

static emqxi_action on_written(emqxi_ensure *m, const emqxi_event *e)
{
    m->written_ms = e->now_ms;
    m->tries += e->error->delivery != EMQX_TLS_DELIVERY_NOT_SENT;
    switch (e->type) {
    case EMQXI_EVENT_ACCEPTED:
        return on_accepted(m, e);
    case EMQXI_EVENT_LOST:
        return on_lost(m, e);
    default:
        return on_refused(m, e);
    }
}

static emqxi_action on_probed(emqxi_ensure *m, const emqxi_event *e)
{
    bool first = m->probe == EMQXI_PROBE_UNASKED;
    m->probe = EMQXI_PROBE_SILENT;
    if (e->served && memcmp(e->served->leaf_sha256, m->wanted->leaf_sha256, 32) == 0) {
        bool one_way = m->wanted->type == EMQX_TLS_TYPE_ONE_WAY;
        m->probe = one_way ? EMQXI_PROBE_PROVES : EMQXI_PROBE_MATCHES;
    } else if (e->served && first) {
        /* Only a leaf that may be what the status shows tells something of this deployment: another
         * one may be another server's. */
        emqxi_identity served = {
            .type = m->wanted->type, .readable = true, .not_after = e->served->not_after};
        if (likeness(m, &served) != EMQXI_DIFFERENT)
            m->probe = EMQXI_PROBE_DISPROVES;
    }
    return judge(m, e);
}

static emqxi_action on_event(emqxi_watch *watch, const emqxi_event *e)
{
    emqxi_ensure *m = (emqxi_ensure *)watch;
    switch (e->type) {
    case EMQXI_EVENT_LOADED:
        return on_loaded(m, e);
    case EMQXI_EVENT_BUSY:
        return on_busy(m, e);
    case EMQXI_EVENT_READ:
        return on_read(m, e);
    case EMQXI_EVENT_UNREAD:
        return on_unread(m, e);
    case EMQXI_EVENT_DEPARTING:
        return on_departing(m, e);
    case EMQXI_EVENT_PROBED:
        return on_probed(m, e);
    default:
        return m->watch.doing == EMQXI_ACT_WRITE || m->watch.doing == EMQXI_ACT_SEND
                   ? on_written(m, e)
                   : emqxi_end_as(EMQXI_OF_ANSWER, NULL);
    }
}

const emqxi_machine emqxi_ensure_machine = {.name = "ensure", .on_event = on_event, .late = late};
