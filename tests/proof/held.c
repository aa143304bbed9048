/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "world.h"

#define HELD(condition, what)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            explore_broken(x, what);                                                               \
    } while (0)

static bool is_good(const emqxi_action *a)
{
    return a->type == EMQXI_ACT_END && a->of == EMQXI_OF_MACHINE && a->code == EMQX_TLS_OK;
}

/* The wanted certificate is in place or on its way, and was put there by a write that this call knows
 * of or could know of, and can be told from what was there before. */
static bool shows_in_time(const world *w)
{
    const holding *h = &w->platform.now;
    return h->cert == CERT_WANTED && !h->unclear &&
           (h->state == EMQX_TLS_STATE_PENDING || h->state == EMQX_TLS_STATE_RUNNING);
}

/* `all`: one of an earlier call too. */
static bool may_arrive(const world *w, bool all)
{
    const uint8_t *by_op = all ? w->stray : w->own;
    return by_op[EMQX_TLS_OP_CREATE] || by_op[EMQX_TLS_OP_UPDATE];
}

static void held_by_writes(explorer *x, const world *before, const world *after,
                           const emqxi_event *e, const emqxi_action *a)
{
    const emqxi_ensure *m = &after->machine.ensure;
    bool forced = (m->flags & EMQX_TLS_FORCE) && before->carried_out == 0;
    /* Of an earlier call's write too. But by force a certificate is written over itself: a probe
     * that sees it served, or a late read of the write before, is taken for the proof that this was
     * done. */
    bool blurred = (m->flags & EMQX_TLS_FORCE) && (the_setting->probes || the_setting->lags);
    bool all = the_setting->receipts && !before->others && !blurred;
    if (e->type != EMQXI_EVENT_DEPARTING || a->type != EMQXI_ACT_SEND)
        return;
    HELD(!may_arrive(before, all), "a write leaves while the one before it may still arrive");
    HELD(!(all || before->carried_out) || forced || !shows_in_time(before),
         "a write leaves though the one before it was carried out");
    HELD(before->sent < 2, "a third write leaves");
    HELD(!(m->flags & EMQX_TLS_DRY_RUN), "a dry run writes");
    HELD(!the_setting->receipts || m->receipt.state == EMQXI_RECEIPT_INTENT,
         "a write leaves without a trace");
}

static void held_by_good_end(explorer *x, const world *w)
{
    const emqxi_ensure *m = &w->machine.ensure;
    const holding *h = &w->platform.now;
    bool dry = m->flags & EMQX_TLS_DRY_RUN;
    bool there = h->cert == CERT_WANTED && (h->runs == CERT_WANTED || the_setting->wait_ms == 0);
    HELD(m->proof != EMQXI_PROOF_PROBE || h->runs == CERT_WANTED,
         "certain by a probe, and it is not served");
    HELD(m->proof != EMQXI_PROOF_RECEIPT || there || dry,
         "certain by the receipt, and it is not there");
    HELD(m->action != EMQX_TLS_ACTION_NONE || dry, "a good end without an action");
    HELD(dry || m->action < EMQX_TLS_ACTION_CREATED || w->carried_out || h->cert == CERT_WANTED,
         "written, and it was not");
    HELD(m->action != EMQX_TLS_ACTION_UNCHANGED || !w->carried_out,
         "unchanged, and it was written");
    bool looks = h->cert == CERT_TWIN || w->platform.telling == TELLS_NO_END;
    HELD(dry || there || looks || w->platform.lag, "a good end, and it is not there");
}

static void held_by_end(explorer *x, const world *w, const emqxi_action *a)
{
    const emqxi_ensure *m = &w->machine.ensure;
    if (w->others) /* what it writes may be taken for ours, and the other way round */
        return;
    if (is_good(a))
        held_by_good_end(x, w);
    HELD(m->watch.fate != EMQXI_FATE_NONE || (!w->carried_out && !may_arrive(w, false)),
         "no write is told, and there was one");
    /* an earlier call's write may be taken for this one's */
    HELD(m->watch.fate < EMQXI_FATE_ACCEPTED || w->carried_out ||
             w->platform.now.cert == CERT_WANTED,
         "a write is told, and there was none");
    HELD(w->carried_out <= 1, "written twice");
}

/* A good end of wait and remove; what lags may have shown another state. */
static void held_by_watching(explorer *x, const world *w, const emqxi_action *a)
{
    const holding *h = &w->platform.now;
    bool removes = the_setting->machine == &emqxi_remove_machine;
    bool gone = h->state == EMQX_TLS_STATE_ABSENT || h->state == EMQX_TLS_STATE_TERMINATED;
    HELD(w->sent <= 1, "a second DELETE leaves");
    if (!is_good(a) || w->platform.lag || w->others)
        return;
    HELD(!removes || gone, "removed, and it is there");
    HELD(removes || h->state == EMQX_TLS_STATE_RUNNING, "waited for, and it does not run");
    HELD(removes || !the_setting->expects || h->runs == CERT_WANTED || h->runs == CERT_TWIN,
         "waited for, and another one runs");
}

void held_after(explorer *x, const world *before, const world *after, const emqxi_event *e,
                const emqxi_action *a)
{
    bool late = NOW >= before->machine.watch.deadline_ms;
    HELD(!late || a->type == EMQXI_ACT_END || a->type == EMQXI_ACT_SEND,
         "it goes on behind its deadline");
    HELD(a->type != EMQXI_ACT_PAUSE || a->until_ms > NOW, "a pause without an end in time");
    HELD(after->steps < 24, "it goes round without time going on");
    bool ends = a->type == EMQXI_ACT_END;
    if (the_setting->machine == &emqxi_ensure_machine) {
        held_by_writes(x, before, after, e, a);
        if (ends)
            held_by_end(x, after, a);
    } else if (ends) {
        held_by_watching(x, after, a);
    }
}
