/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A receipt, and behind a NUL the body of a status. What is taken is written and read again the
 * same, and ensure can go on from it whatever the platform then tells: it ends, and no write leaves
 * without a trace.
 */
#include "fuzz.h"
#include "provision/ensure.h"

#define NAME  "d1-0123456789abcdef0123456789abcdef"
#define NOW   INT64_C(1000000000)
#define WALL  INT64_C(1800000000)
#define STEPS 64

static const emqxi_identity wanted = {
    .type = EMQX_TLS_TYPE_ONE_WAY, .readable = true, .not_after = 1931913600, .chain_sha256 = {1}};

static void is_whole(const emqxi_receipt *r)
{
    HOLDS(r->state == EMQXI_RECEIPT_INTENT || r->state == EMQXI_RECEIPT_DONE);
    HOLDS(r->identity.type != EMQX_TLS_TYPE_UNKNOWN && r->before < EMQXI_BEFORES);
    HOLDS(memchr(r->was, '\0', sizeof r->was) && memchr(r->cn, '\0', sizeof r->cn));
    HOLDS(emqxi_utf8_ok(r->was, strlen(r->was)) && emqxi_utf8_ok(r->cn, strlen(r->cn)));
    HOLDS(r->lease_s >= 0 && r->zone_s >= -EMQXI_ZONE_MAX && r->zone_s <= EMQXI_ZONE_MAX);
}

static void is_kept(const emqxi_receipt *r)
{
    char text[4096];
    emqxi_receipt again;
    size_t len = emqxi_receipt_encode(r, NAME, text, sizeof text);
    HOLDS(len > 0 && len < sizeof text);
    HOLDS(emqxi_receipt_decode(text, len, NAME, &again) && memcmp(r, &again, sizeof again) == 0);
    HOLDS(!emqxi_receipt_decode(text, len, NAME "0", &again));
}

/* What becomes of an action; `status` is what each read shows. */
static emqxi_event happens(const emqxi_action *a, const emqxi_receipt *r,
                           const emqx_tls_status *status, emqxi_ensure *m)
{
    static const emqxi_error none = {.retry_after_ms = -1};
    switch (a->type) {
    case EMQXI_ACT_LOAD:
        return (emqxi_event){.type = EMQXI_EVENT_LOADED, .receipt = r};
    case EMQXI_ACT_READ:
        return (emqxi_event){.type = EMQXI_EVENT_READ, .status = status, .error = &none};
    case EMQXI_ACT_WRITE:
        return (emqxi_event){.type = EMQXI_EVENT_DEPARTING, .lease_ms = 15000, .error = &none};
    case EMQXI_ACT_SEND:
        HOLDS(m->receipt.state == EMQXI_RECEIPT_INTENT);
        return (emqxi_event){.type = EMQXI_EVENT_LOST, .error = &none};
    case EMQXI_ACT_PROBE:
        return (emqxi_event){.type = EMQXI_EVENT_PROBED, .error = &none};
    default:
        return (emqxi_event){.type = EMQXI_EVENT_TIME, .error = &none};
    }
}

static void ensure_ends(const emqxi_receipt *r, const emqx_tls_status *status, bool probes)
{
    emqxi_ensure m = {
        .wanted = &wanted, .keeps_receipts = true, .probes = probes, .patience_ms = NOW};
    int64_t now = NOW;
    m.watch.deadline_ms = NOW + 20 * 60000;
    m.watch.then = EMQXI_ACT_LOAD;
    emqxi_event e = {.type = EMQXI_EVENT_BEGUN};
    for (int steps = 0;; steps++) {
        HOLDS(steps < STEPS);
        e.now_ms = now;
        e.wall_s = WALL + (now - NOW) / 1000;
        emqxi_action a = emqxi_next(&emqxi_ensure_machine, &m.watch, &e);
        if (a.type == EMQXI_ACT_END)
            return;
        HOLDS(a.type != EMQXI_ACT_PAUSE || a.until_ms > now);
        if (a.type == EMQXI_ACT_PAUSE)
            now = EMQXI_MIN(EMQXI_MIN(a.until_ms, m.watch.deadline_ms), now + 60000);
        e = happens(&a, r, status, &m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char running[] =
        "{\"tlsType\":\"one-way\",\"status\":\"running\",\"expire\":\"2031-03-22 02:40:00\"}";
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t len = nul ? (size_t)(nul - data) : size;
    const char *body = nul ? (const char *)nul + 1 : running;
    emqxi_receipt r, none;
    emqx_tls_status status;
    emqxi_error error;
    memset(&none, 0, sizeof none);
    if (!emqxi_receipt_decode((const char *)data, len, NAME, &r)) {
        HOLDS(memcmp(&r, &none, sizeof r) == 0);
        return 0;
    }
    is_whole(&r);
    is_kept(&r);
    emqxi_error_clear(&error);
    if (emqxi_decode_status(body, nul ? size - len - 1 : strlen(body), &status, &error) ==
        EMQX_TLS_OK) {
        ensure_ends(&r, &status, false);
        ensure_ends(&r, &status, true);
    }
    return 0;
}
