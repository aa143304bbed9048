/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "call_world.h"

#include "support/self_signed.h"

static const char *const ends[CERTS] = {[CERT_WANTED] = "2031-03-22 02:40:00",
                                        [CERT_TWIN] = "2031-03-22 02:40:00",
                                        [CERT_OTHER] = "2028-01-01 00:00:00"};
static const int64_t end_seconds[CERTS] = {
    [CERT_WANTED] = 1931913600, [CERT_TWIN] = 1931913600, [CERT_OTHER] = 1830297600};

char *cert_pem[CERTS], *key_pem[CERTS];

void certs_make(void)
{
    for (int c = CERT_WANTED; c < CERTS; c++) {
        made m = make("mqtt.example", end_seconds[c], 0);
        cert_pem[c] = made_pem(&m);
        key_pem[c] = made_key_pem(&m);
        made_free(&m);
    }
}

int64_t now_ms(void)
{
    return emqx_tls_test_clock_now(w.clock);
}

static void finish(deployment *p)
{
    holding *h = &p->now;
    if (h->state == EMQX_TLS_STATE_TERMINATED) {
        *h = (holding){.state = EMQX_TLS_STATE_ABSENT};
    } else if (h->state == EMQX_TLS_STATE_PENDING) {
        h->state = w.fails ? EMQX_TLS_STATE_FAILED : EMQX_TLS_STATE_RUNNING;
        h->runs = w.fails ? h->runs : h->cert;
    }
    p->ready_ms = INT64_MAX;
}

static bool looks_like(const holding *h, enum cert cert)
{
    return h->state != EMQX_TLS_STATE_ABSENT && cert != CERT_NONE &&
           end_seconds[h->cert] == end_seconds[cert];
}

int platform_take(int d, uint32_t op, enum cert cert, bool own)
{
    deployment *p = &w.deployments[d];
    bool there = p->now.state != EMQX_TLS_STATE_ABSENT;
    bool leaves = p->now.state == EMQX_TLS_STATE_TERMINATED;
    if (op == EMQX_TLS_OP_CREATE && there)
        return leaves ? 409 : 422;
    if (op != EMQX_TLS_OP_CREATE && (!there || leaves))
        return 404;
    p->before = p->now;
    p->lag_until = 0;
    p->ready_ms = now_ms() + PENDING_MS;
    if (own && p->act.active)
        p->act.carried_out++;
    if (op == EMQX_TLS_OP_DELETE) {
        p->now.state = EMQX_TLS_STATE_TERMINATED;
        return 204;
    }
    p->now.unclear = looks_like(&p->now, cert);
    p->now.cert = cert;
    p->now.state = EMQX_TLS_STATE_PENDING;
    return 200;
}

void platform_lags(int d)
{
    if (w.lags)
        w.deployments[d].lag_until = now_ms() + LAG_MS;
}

static void stray_arrives(stray *s)
{
    stray it = *s;
    s->at_ms = 0;
    held_by_arrival(it.op);
    if (it.op != EMQX_TLS_OP_GET)
        platform_take(it.d, it.op, it.cert, it.own);
}

/* What is due first. */
static stray *next_stray(int64_t until)
{
    stray *first = NULL;
    for (size_t i = 0; i < STRAYS_MAX; i++) {
        stray *s = &w.strays[i];
        if (s->at_ms > 0 && s->at_ms <= until && (!first || s->at_ms < first->at_ms))
            first = s;
    }
    return first;
}

void platform_goes_on(void)
{
    for (stray *s; (s = next_stray(now_ms()));)
        stray_arrives(s);
    for (int d = 0; d < DEPLOYMENTS; d++)
        if (w.deployments[d].ready_ms <= now_ms())
            finish(&w.deployments[d]);
}

void platform_stray(int d, uint32_t op, enum cert cert, int64_t after_ms)
{
    for (size_t i = 0; i < STRAYS_MAX; i++)
        if (w.strays[i].at_ms == 0) {
            w.strays[i] = (stray){now_ms() + after_ms, d, op, cert, true};
            return;
        }
}

void platform_tell(int d, char *body, size_t size)
{
    static const char *const states[] = {[EMQX_TLS_STATE_PENDING] = "pending",
                                         [EMQX_TLS_STATE_RUNNING] = "running",
                                         [EMQX_TLS_STATE_FAILED] = "failed",
                                         [EMQX_TLS_STATE_TERMINATED] = "terminated"};
    const deployment *p = &w.deployments[d];
    const holding *h = p->lag_until > now_ms() && !w.well ? &p->before : &p->now;
    if (h->state == EMQX_TLS_STATE_ABSENT)
        snprintf(body, size, "{}");
    else
        snprintf(body, size, "{\"tlsType\":\"one-way\",\"status\":\"%s\",\"expire\":\"%s\"}",
                 states[h->state], ends[h->cert]);
}
