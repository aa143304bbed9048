/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "platform.h"

#include <string.h>
#include <time.h>

#define ZONE_S 28800

emqxi_identity cert_identities[CERTS];
static emqx_tls_status statuses[TELLINGS][CERTS][CERTS][EMQX_TLS_STATE_OTHER];

static const struct {
    int64_t end;
    uint8_t mark; /* what fingerprints begin with */
} certs[CERTS] = {[CERT_WANTED] = {1931913600, 1},
                  [CERT_TWIN] = {1931913600, 2},
                  [CERT_SHORTER] = {1900000000, 3},
                  [CERT_LONGER] = {1990000000, 4}};

static void set_state(emqx_tls_status *s, enum telling telling, uint32_t state)
{
    static const char *const words[] = {[EMQX_TLS_STATE_PENDING] = "pending",
                                        [EMQX_TLS_STATE_RUNNING] = "running",
                                        [EMQX_TLS_STATE_FAILED] = "failed",
                                        [EMQX_TLS_STATE_TERMINATED] = "terminated"};
    bool other = telling == TELLS_OTHER_STATES && state == EMQX_TLS_STATE_PENDING;
    s->state = other ? EMQX_TLS_STATE_OTHER : state;
    strcpy(s->state_text, other ? "creating" : words[state]);
}

static void set_end(emqx_tls_status *s, enum telling telling, enum cert cert)
{
    struct tm tm;
    if (telling == TELLS_NO_END || cert == CERT_NONE)
        return;
    time_t end = (time_t)(certs[cert].end + (telling == TELLS_OTHER_ZONE ? ZONE_S : 0));
    s->expire = end;
    gmtime_r(&end, &tm);
    strftime(s->expire_text, sizeof s->expire_text, "%Y-%m-%d %H:%M:%S", &tm);
}

static void set_status(emqx_tls_status *s, enum telling telling, const holding *h)
{
    emqx_tls_status_init(s);
    s->state = EMQX_TLS_STATE_ABSENT;
    if (h->state == EMQX_TLS_STATE_ABSENT || h->cert == CERT_NONE)
        return;
    set_state(s, telling, h->state);
    s->type = EMQX_TLS_TYPE_ONE_WAY;
    strcpy(s->type_text, "one-way");
    bool old = telling == TELLS_END_WHEN_RUNNING && h->state == EMQX_TLS_STATE_PENDING;
    set_end(s, telling, old ? h->runs : h->cert);
}

void certs_set_up(void)
{
    for (int c = CERT_WANTED; c < CERTS; c++) {
        emqxi_identity *i = &cert_identities[c];
        i->type = EMQX_TLS_TYPE_ONE_WAY;
        i->readable = true;
        i->not_after = certs[c].end;
        i->leaf_sha256[0] = i->spki_sha256[0] = i->chain_sha256[0] = certs[c].mark;
    }
    for (int t = 0; t < TELLINGS; t++)
        for (uint8_t c = 0; c < CERTS; c++)
            for (uint8_t r = 0; r < CERTS; r++)
                for (uint8_t s = EMQX_TLS_STATE_ABSENT; s < EMQX_TLS_STATE_OTHER; s++)
                    set_status(&statuses[t][c][r][s], t, &(holding){c, s, r, 0});
}

const emqx_tls_status *platform_tells(const platform *p, const holding *h)
{
    return &statuses[p->telling][h->cert][h->runs][h->state];
}

/* Can no status tell the wanted one from what is there? */
static bool looks_wanted(const platform *p)
{
    const holding *h = &p->now;
    return h->state != EMQX_TLS_STATE_ABSENT &&
           (h->cert == CERT_WANTED || h->cert == CERT_TWIN || p->telling == TELLS_NO_END ||
            (h->runs != CERT_NONE && h->runs <= CERT_TWIN));
}

int platform_take(platform *p, uint32_t op, enum cert cert)
{
    holding *h = &p->now;
    bool there = h->state != EMQX_TLS_STATE_ABSENT, leaves = h->state == EMQX_TLS_STATE_TERMINATED;
    if (op == EMQX_TLS_OP_CREATE && there)
        return leaves ? 409 : 422;
    if (op != EMQX_TLS_OP_CREATE && (!there || leaves))
        return 404;
    bool unclear = looks_wanted(p);
    p->before = *h;
    if (op == EMQX_TLS_OP_DELETE) {
        h->state = EMQX_TLS_STATE_TERMINATED;
        return 204;
    }
    h->cert = (uint8_t)cert;
    h->state = EMQX_TLS_STATE_PENDING;
    h->unclear = unclear;
    return 200;
}

void platform_finish(platform *p, bool fails)
{
    holding *h = &p->now;
    if (h->state == EMQX_TLS_STATE_TERMINATED) {
        *h = (holding){.state = EMQX_TLS_STATE_ABSENT};
    } else if (h->state == EMQX_TLS_STATE_PENDING) {
        h->state = fails ? EMQX_TLS_STATE_FAILED : EMQX_TLS_STATE_RUNNING;
        h->runs = fails ? h->runs : h->cert;
    }
}

void platform_age(platform *p, unsigned ticks)
{
    p->lag = p->lag > ticks ? (uint8_t)(p->lag - ticks) : 0;
    if (p->lag == 0)
        p->before = (holding){0};
}
