/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "whole.h"

#include "provision/receipt_file.h"

#define HELD(condition, what)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            story_broken(what);                                                                    \
    } while (0)

static bool may_arrive(bool all)
{
    for (int i = 0; i < STRAYS; i++)
        if (w.strays[i].due_ms && (all || w.strays[i].own))
            return true;
    return false;
}

/* As in held.c: it is there or on its way, and can be told from what was there before. */
static bool shows_in_time(void)
{
    const holding *h = &w.platform.now;
    return h->cert == CERT_WANTED && !h->unclear &&
           (h->state == EMQX_TLS_STATE_PENDING || h->state == EMQX_TLS_STATE_RUNNING);
}

/* This call's last read has shown it running, by an end that can be compared. */
static bool was_seen_in_place(void)
{
    const holding *h = &w.shown;
    bool told = the_setting->telling != TELLS_NO_END && the_setting->telling != TELLS_OTHER_ZONE;
    return told && h->state == EMQX_TLS_STATE_RUNNING && h->runs == h->cert &&
           (h->cert == CERT_WANTED || h->cert == CERT_TWIN);
}

static bool has_intent(void)
{
    emqxi_receipt_file file;
    emqxi_receipt r;
    bool damaged = true;
    if (emqxi_receipt_open(&file, &emqxi_malloc, receipts, "d1", NULL) != EMQX_TLS_OK)
        return false;
    bool loaded = emqxi_receipt_load(&file, &r, &damaged, NULL) == EMQX_TLS_OK;
    emqxi_receipt_close(&file);
    return loaded && !damaged && r.state == EMQXI_RECEIPT_INTENT;
}

void held_at_write(uint32_t op)
{
    bool force = the_setting->flags & EMQX_TLS_FORCE, forced = force && w.carried_out == 0;
    bool all = the_setting->receipts && !w.others;
    HELD(the_setting->kind != WAIT, "a wait writes");
    if (op == EMQX_TLS_OP_DELETE) {
        HELD(the_setting->kind == REMOVE && w.writes == 0, "a second DELETE leaves");
        return;
    }
    HELD(!may_arrive(all), "a write leaves while the one before it may still arrive");
    HELD(!(all || w.carried_out) || forced || !shows_in_time(),
         "a write leaves though the one before it was carried out");
    HELD(force || !was_seen_in_place(), "a write leaves though it was seen in place");
    HELD(w.writes < 2, "a third write leaves");
    HELD(!(the_setting->flags & EMQX_TLS_DRY_RUN), "a dry run writes");
    HELD(!the_setting->receipts || has_intent(), "a write leaves without a trace");
}

/* -- ends ---------------------------------------------------------------------------------------- */

static void held_by_code(emqx_tls_code code, const emqx_tls_error *error, bool told)
{
    static const uint32_t by_exchanges =
        1u << EMQX_TLS_E_FORBIDDEN | 1u << EMQX_TLS_E_UNPROCESSABLE | 1u << EMQX_TLS_E_HTTP |
        1u << EMQX_TLS_E_RATE_LIMITED | 1u << EMQX_TLS_E_TRANSPORT | 1u << EMQX_TLS_E_PROTOCOL;
    bool unknown = !told && w.in_doubt && (w.carried_out > 0 || may_arrive(false));
    HELD(error->code == code, "the error names another code");
    HELD(!(by_exchanges >> code & 1) || (w.seen >> code & 1), "no exchange has ended so");
    HELD((code == EMQX_TLS_E_CANCELLED) == w.cancelled, "cancelled, and nobody has; or not");
    HELD(code != EMQX_TLS_E_STORE && code != EMQX_TLS_E_NO_MEMORY, "store or memory, for nothing");
    HELD(code == EMQX_TLS_OK || !unknown || w.others || error->delivery == EMQX_TLS_DELIVERY_MAYBE,
         "that a write may have been carried out is not told");
    HELD(code == EMQX_TLS_OK || error->message[0], "an error without a message");
}

static void held_by_good_ensure(const emqx_tls_ensure_result *r)
{
    const holding *h = &w.platform.now;
    bool dry = the_setting->flags & EMQX_TLS_DRY_RUN;
    bool there = h->cert == CERT_WANTED && (h->runs == CERT_WANTED || the_setting->wait_ms == 0);
    bool looks = h->cert == CERT_TWIN || w.platform.telling == TELLS_NO_END;
    HELD(!r->certain || there || dry, "certain, and it is not there");
    HELD(r->action != EMQX_TLS_ACTION_NONE || dry, "a good end without an action");
    HELD(dry || r->action < EMQX_TLS_ACTION_CREATED || w.carried_out || h->cert == CERT_WANTED,
         "written, and it was not");
    HELD(r->action != EMQX_TLS_ACTION_UNCHANGED || !w.carried_out, "unchanged, and it was written");
    HELD(dry || there || looks || w.now_ms < w.lag_until_ms, "a good end, and it is not there");
}

static void held_by_good_watch(void)
{
    const holding *h = &w.platform.now;
    bool gone = h->state == EMQX_TLS_STATE_ABSENT || h->state == EMQX_TLS_STATE_TERMINATED;
    if (w.others || w.now_ms < w.lag_until_ms)
        return;
    if (the_setting->kind == REMOVE)
        HELD(gone, "removed, and it is there");
    else
        HELD(h->state == EMQX_TLS_STATE_RUNNING && (h->runs == CERT_WANTED || h->runs == CERT_TWIN),
             "waited for, and it does not run");
}

void held_at_end(emqx_tls_code code, const emqx_tls_error *error, const emqx_tls_ensure_result *r)
{
    int64_t took = w.now_ms - w.begun_ms;
    int64_t most =
        the_setting->wait_ms ? the_setting->wait_ms : 30000 * (int64_t)w.exchanges + 31000;
    HELD(took <= most, "a call goes on behind its end");
    held_by_code(code, error, r->action >= EMQX_TLS_ACTION_CREATED);
    if (the_setting->kind != ENSURE) {
        if (code == EMQX_TLS_OK)
            held_by_good_watch();
        return;
    }
    HELD(r->writes == w.writes, "other writes are told than there were");
    if (w.others) /* what it writes may be taken for ours, and the other way round */
        return;
    if (code == EMQX_TLS_OK)
        held_by_good_ensure(r);
    HELD(r->action < EMQX_TLS_ACTION_CREATED || (the_setting->flags & EMQX_TLS_DRY_RUN) ||
             w.carried_out || w.platform.now.cert == CERT_WANTED,
         "a write is told, and there was none");
    HELD(w.carried_out <= 1, "written twice");
}
