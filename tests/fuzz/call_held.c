/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What every whole call holds, whatever became of it.
 */
#include "call_world.h"

static bool may_arrive(int d, bool all)
{
    for (size_t i = 0; i < STRAYS_MAX; i++) {
        const stray *s = &w.strays[i];
        if (s->at_ms > 0 && s->d == d && s->op != EMQX_TLS_OP_GET && (s->own || all))
            return true;
    }
    return false;
}

/* What the kind of the call allows, whatever the platform does. */
static void held_by_kind(const act *a, uint32_t op)
{
    HOLDS(!a->op || (a->op == op && a->writes == 0)); /* once, whatever became of it */
    HOLDS(!a->removes || (a->writes == 0 && op == EMQX_TLS_OP_DELETE));
    HOLDS(!a->ensures || op == EMQX_TLS_OP_CREATE || op == EMQX_TLS_OP_UPDATE);
    HOLDS(!a->ensures || (a->writes < 2 && !(a->flags & EMQX_TLS_DRY_RUN)));
}

void held_by_departure(int d, uint32_t op)
{
    const deployment *p = &w.deployments[d];
    const act *a = &p->act;
    const holding *h = &p->now;
    bool all = w.receipts && !p->others && !p->mixed;
    bool forced = (a->flags & EMQX_TLS_FORCE) && a->writes == 0;
    bool shows = h->cert == a->cert && !h->unclear &&
                 (h->state == EMQX_TLS_STATE_PENDING || h->state == EMQX_TLS_STATE_RUNNING);
    held_by_kind(a, op);
    if (!a->ensures || w.lied)
        return;
    HOLDS(!may_arrive(d, all));
    HOLDS(!a->carried_out || p->others || forced || !shows);
}

/* No more arrive in any window than the platform takes. */
void held_by_arrival(uint32_t op)
{
    int class = op != EMQX_TLS_OP_GET;
    uint32_t most = class ? w.writes : w.reads, n = 1;
    size_t *count = &w.arrived[class];
    if (w.own_store)
        return;
    for (size_t i = 0; i < ARRIVALS_MAX && i < *count; i++)
        n += now_ms() - w.arrivals[class][i] < WINDOW_MS;
    HOLDS(n <= most);
    w.arrivals[class][(*count)++ % ARRIVALS_MAX] = now_ms();
}

/* Did it end in time? Waiting for one look at a store that is busy is not counted so finely. Of one
 * that was submitted it is the program that says when it is looked at. */
static void held_by_time(const act *a)
{
    if (a->call)
        return;
    int64_t took = now_ms() - a->begun_ms, slack = 3000;
    if (a->op)
        HOLDS(took <= (int64_t)TIMEOUT_MS + w.quota_wait_ms + slack);
    else if (a->wait_ms > 0)
        HOLDS(took <= (int64_t)a->wait_ms + slack);
}

static void held_by_operation(const act *a, emqx_tls_code code, const emqx_tls_error *e)
{
    HOLDS(e->attempts == a->started);
    HOLDS(code != EMQX_TLS_OK || a->answered);
    HOLDS(code != EMQX_TLS_OK || (e->http_status >= 200 && e->http_status < 300));
    HOLDS(e->delivery != EMQX_TLS_DELIVERY_NOT_SENT || (!a->carried_out && !a->may_have_left));
    HOLDS(e->delivery != EMQX_TLS_DELIVERY_ANSWERED || a->answered);
    HOLDS(!e->http_status || e->http_status == a->http_status);
}

/* A good end of ensure is true of the platform at that moment. */
static void held_by_good_ensure(int d, const emqx_tls_ensure_result *r)
{
    const deployment *p = &w.deployments[d];
    const act *a = &p->act;
    const holding *h = &p->now;
    bool there = h->cert == a->cert && (h->runs == a->cert || a->wait_ms == 0);
    bool twins = h->cert != CERT_NONE && h->cert != CERT_OTHER && a->cert != CERT_OTHER;
    HOLDS(r->action != EMQX_TLS_ACTION_NONE);
    HOLDS(!r->certain || there || p->mixed);
    HOLDS(r->action < EMQX_TLS_ACTION_CREATED || a->carried_out || h->cert == a->cert);
    HOLDS(r->action != EMQX_TLS_ACTION_UNCHANGED || !a->carried_out);
    HOLDS(there || twins || p->lag_until > now_ms());
}

static void held_by_ensure(int d, emqx_tls_code code, const emqx_tls_error *e,
                           const emqx_tls_ensure_result *r)
{
    const deployment *p = &w.deployments[d];
    const act *a = &p->act;
    bool dry = a->flags & EMQX_TLS_DRY_RUN;
    HOLDS(r->writes >= a->writes || r->writes > 0 || !a->writes);
    HOLDS(r->writes > 0 || (!a->carried_out && !may_arrive(d, false)));
    if (p->others || w.lied)
        return;
    HOLDS(a->carried_out <= 1);
    HOLDS(code == EMQX_TLS_OK || e->delivery == EMQX_TLS_DELIVERY_MAYBE || !may_arrive(d, false));
    if (code == EMQX_TLS_OK && !dry)
        held_by_good_ensure(d, r);
}

static void held_by_watching(int d, emqx_tls_code code)
{
    const deployment *p = &w.deployments[d];
    uint32_t state = p->now.state;
    bool gone = state == EMQX_TLS_STATE_ABSENT || state == EMQX_TLS_STATE_TERMINATED;
    if (code != EMQX_TLS_OK || p->others || w.lied || p->lag_until > now_ms())
        return;
    HOLDS(p->act.removes ? gone : state == EMQX_TLS_STATE_RUNNING);
}

void held_by_end(int d, emqx_tls_code code, const emqx_tls_error *e, const emqx_tls_status *status,
                 const emqx_tls_ensure_result *result)
{
    act *a = &w.deployments[d].act;
    platform_goes_on();
    HOLDS(a->active);
    HOLDS(e->code == code && (code == EMQX_TLS_OK) == (e->message[0] == '\0'));
    HOLDS(emqxi_utf8_ok(e->message, strlen(e->message)));
    HOLDS(code >= EMQX_TLS_OK && code <= EMQX_TLS_E_FAILED);
    HOLDS(!status || memchr(status->state_text, '\0', sizeof status->state_text));
    held_by_time(a);
    if (a->op)
        held_by_operation(a, code, e);
    else if (a->ensures)
        held_by_ensure(d, code, e, result);
    else
        held_by_watching(d, code);
    a->active = false;
    for (size_t i = 0; i < STRAYS_MAX; i++)
        if (w.strays[i].d == d)
            w.strays[i].own = false;
}
