/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/machine.h"

#define OF(event) (1u << EMQXI_EVENT_##event)

/* With which events an action ends. */
static const unsigned endings[] = {
    [EMQXI_ACT_NOTHING] = OF(BEGUN),
    [EMQXI_ACT_LOAD] = OF(LOADED) | OF(BUSY) | OF(UNUSABLE),
    [EMQXI_ACT_READ] = OF(READ) | OF(UNREAD) | OF(UNUSABLE),
    [EMQXI_ACT_WRITE] = OF(DEPARTING) | OF(REFUSED) | OF(UNUSABLE),
    [EMQXI_ACT_SEND] =
        OF(DEPARTING) | OF(ACCEPTED) | OF(REFUSED) | OF(MISJUDGED) | OF(LOST) | OF(UNUSABLE),
    [EMQXI_ACT_PROBE] = OF(PROBED) | OF(UNUSABLE),
    [EMQXI_ACT_PAUSE] = OF(TIME),
    [EMQXI_ACT_END] = 0,
};

emqxi_action emqxi_next(const emqxi_machine *machine, emqxi_watch *w, const emqxi_event *e)
{
    if (!(endings[w->doing] >> e->type & 1))
        return emqxi_do(EMQXI_ACT_NOTHING);
    if (e->type == EMQXI_EVENT_READ) {
        w->status = *e->status;
        w->seen = true;
        w->troubled = false;
    }
    if (e->type == EMQXI_EVENT_UNREAD && e->error->code != EMQX_TLS_E_CANCELLED)
        w->troubled = true;
    bool timed = e->type == EMQXI_EVENT_BEGUN || e->type == EMQXI_EVENT_TIME;
    emqxi_action a = timed ? emqxi_do(w->then) : machine->on_event(w, e);
    bool goes_on = a.type != EMQXI_ACT_END && a.type != EMQXI_ACT_SEND;
    if (goes_on && e->now_ms >= w->deadline_ms)
        a = machine->late(w);
    if (a.type == EMQXI_ACT_READ)
        w->read_ms = e->now_ms;
    w->doing = a.type;
    return a;
}

emqxi_action emqxi_poll(emqxi_watch *w, enum emqxi_action_type then, int64_t until_ms)
{
    w->then = then;
    return (emqxi_action){.type = EMQXI_ACT_PAUSE,
                          .poll = ++w->polls,
                          .free = then == EMQXI_ACT_PROBE,
                          .until_ms = until_ms};
}

/* Can what failed so be another way in a while? Of writes only what never left is tried again. */
static bool may_pass(const emqxi_watch *w, const emqxi_event *event)
{
    const emqxi_error *e = event->error;
    bool read = event->type == EMQXI_EVENT_UNREAD;
    if (e->code == EMQX_TLS_E_CANCELLED)
        return true; /* by the deadline, which ends the pause at once */
    if (!read && e->delivery != EMQX_TLS_DELIVERY_NOT_SENT)
        return false;
    switch (e->code) {
    case EMQX_TLS_E_TRANSPORT:
    case EMQX_TLS_E_TIMEOUT:
    case EMQX_TLS_E_STORE:
        return event->type != EMQXI_EVENT_UNUSABLE && !e->permanent;
    case EMQX_TLS_E_PROTOCOL:
        return w->seen;
    case EMQX_TLS_E_HTTP:
        return e->http_status >= 500 || e->http_status == 408 || e->http_status == 425;
    case EMQX_TLS_E_RATE_LIMITED: /* by the platform: the limiter knows now when there is room */
        return e->http_status == 429 &&
               emqxi_add(event->now_ms, e->retry_after_ms) < w->deadline_ms;
    default:
        return false;
    }
}

emqxi_action emqxi_try_again(emqxi_watch *w, const emqxi_event *e, const char *text)
{
    if (emqxi_waits(w) && may_pass(w, e))
        return emqxi_poll(w, EMQXI_ACT_READ, INT64_MAX);
    return emqxi_end_as(EMQXI_OF_ANSWER, text);
}

emqxi_action emqxi_late_unread(const emqxi_watch *w)
{
    if (w->troubled)
        return emqxi_end_as(EMQXI_OF_READ, "wait_ms is over, and the status of deployment {id} "
                                           "could not be read: {read}");
    return emqxi_end(EMQX_TLS_E_TIMEOUT,
                     "wait_ms is over, and the status of deployment {id} could not be read");
}

enum emqxi_event_type emqxi_outcome(uint32_t op, const emqxi_error *e)
{
    bool ok = e->code == EMQX_TLS_OK;
    if (op == EMQX_TLS_OP_GET)
        return ok || e->code == EMQX_TLS_E_NOT_FOUND ? EMQXI_EVENT_READ : EMQXI_EVENT_UNREAD;
    if (e->delivery == EMQX_TLS_DELIVERY_NOT_SENT)
        return EMQXI_EVENT_REFUSED;
    if (ok)
        return EMQXI_EVENT_ACCEPTED;
    if (e->delivery != EMQX_TLS_DELIVERY_ANSWERED || e->http_status < 300 || e->http_status >= 500)
        return EMQXI_EVENT_LOST;
    emqx_tls_code misjudged =
        op == EMQX_TLS_OP_CREATE ? EMQX_TLS_E_UNPROCESSABLE : EMQX_TLS_E_NOT_FOUND;
    return e->code == misjudged ? EMQXI_EVENT_MISJUDGED : EMQXI_EVENT_REFUSED;
}
