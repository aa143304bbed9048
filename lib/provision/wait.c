/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/decide.h"

#define ABSENT_MS 45000 /* so long nothing is there before it is taken for that */
#define STILL     "wait_ms is over: deployment {id} is still {state}"

/* How it ends at the deadline, and with what a status that is no success says. */
static emqxi_action late(const emqxi_watch *w)
{
    const emqxi_wait *m = (const emqxi_wait *)w;
    int32_t zone;
    if (!w->seen)
        return emqxi_late_unread(w);
    if (w->status.state != EMQX_TLS_STATE_RUNNING || !m->wanted)
        return emqxi_end(EMQX_TLS_E_TIMEOUT, STILL);
    if (emqxi_zone_of(&w->status, m->wanted, 0, &zone) && zone != 0)
        return emqxi_end(EMQX_TLS_E_TIMEOUT,
                         STILL ", with an `expire` that is a time zone away: the platform may tell "
                               "it in another one than UTC, so wait for any certificate, or use "
                               "ensure with expire_offset_s");
    return emqxi_end(EMQX_TLS_E_TIMEOUT, STILL " with another certificate than the expected one");
}

/* Reads may lag behind a write, so it must have lasted. */
static emqxi_action on_absent(emqxi_wait *m, int64_t now_ms)
{
    if (!m->absent)
        m->absent_ms = now_ms;
    m->absent = true;
    if (emqxi_waits(&m->watch) && now_ms - m->absent_ms < ABSENT_MS)
        return emqxi_poll(&m->watch, EMQXI_ACT_READ, m->absent_ms + ABSENT_MS);
    return emqxi_end(EMQX_TLS_E_NOT_FOUND,
                     "deployment {id} has no certificate, or is not there: nothing to wait for");
}

static emqxi_action on_event(emqxi_watch *w, const emqxi_event *e)
{
    emqxi_wait *m = (emqxi_wait *)w;
    const emqxi_identity *wanted = m->wanted;
    const emqx_tls_status *s = &w->status;
    if (e->type != EMQXI_EVENT_READ)
        return emqxi_try_again(w, e, NULL);
    if (s->state == EMQX_TLS_STATE_ABSENT)
        return on_absent(m, e->now_ms);
    m->absent = false;
    if (s->state == EMQX_TLS_STATE_FAILED)
        return emqxi_end(EMQX_TLS_E_FAILED, "the platform put the certificate of deployment {id} "
                                            "into \"failed\": check it and write it again");
    if (s->state == EMQX_TLS_STATE_RUNNING &&
        (!wanted || emqxi_compare(s, wanted, 0, "") != EMQXI_DIFFERENT))
        return emqxi_end(EMQX_TLS_OK, "");
    return emqxi_waits(w) ? emqxi_poll(w, EMQXI_ACT_READ, INT64_MAX) : late(w);
}

const emqxi_machine emqxi_wait_machine = {.name = "wait", .on_event = on_event, .late = late};
