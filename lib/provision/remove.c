/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/machine.h"

/* How it ends at the deadline. */
static emqxi_action late(const emqxi_watch *w)
{
    if (!w->seen)
        return emqxi_late_unread(w);
    if (w->fate == EMQXI_FATE_ACCEPTED)
        return emqxi_end(EMQX_TLS_E_TIMEOUT, "wait_ms is over: the certificate of deployment {id} "
                                             "is being deleted, but is still {state}");
    return emqxi_end(EMQX_TLS_E_TIMEOUT, "wait_ms is over: deployment {id} is still {state}, and "
                                         "whether it will be deleted is not known; call again");
}

static emqxi_action wait_until_gone(emqxi_watch *w)
{
    if (emqxi_waits(w))
        return emqxi_poll(w, EMQXI_ACT_READ, INT64_MAX);
    return w->fate == EMQXI_FATE_LOST ? emqxi_end_as(EMQXI_OF_WRITE, NULL)
                                      : emqxi_end(EMQX_TLS_OK, "");
}

static emqxi_action on_read(emqxi_watch *w)
{
    if (w->status.state == EMQX_TLS_STATE_ABSENT)
        return emqxi_end(EMQX_TLS_OK, "");
    if (w->status.state == EMQX_TLS_STATE_TERMINATED)
        w->fate = EMQXI_FATE_ACCEPTED;
    switch (w->fate) {
    case EMQXI_FATE_NONE:
        return (emqxi_action){.type = EMQXI_ACT_WRITE, .op = EMQX_TLS_OP_DELETE};
    case EMQXI_FATE_MISJUDGED:
        return emqxi_end(
            EMQX_TLS_E_NOT_FOUND,
            "deployment {id} is {state}, but its DELETE was answered with 404: call again");
    default:
        return wait_until_gone(w);
    }
}

static emqxi_action on_event(emqxi_watch *w, const emqxi_event *e)
{
    switch (e->type) {
    case EMQXI_EVENT_READ:
        return on_read(w);
    case EMQXI_EVENT_ACCEPTED:
    case EMQXI_EVENT_LOST:
        w->fate = e->type == EMQXI_EVENT_LOST ? EMQXI_FATE_LOST : EMQXI_FATE_ACCEPTED;
        w->polls = 0;
        return wait_until_gone(w);
    case EMQXI_EVENT_MISJUDGED: /* is there really nothing? */
        w->fate = EMQXI_FATE_MISJUDGED;
        return emqxi_do(EMQXI_ACT_READ);
    case EMQXI_EVENT_DEPARTING:
        return emqxi_do(EMQXI_ACT_SEND);
    default:
        return emqxi_try_again(w, e, NULL);
    }
}

const emqxi_machine emqxi_remove_machine = {.name = "remove", .on_event = on_event, .late = late};
