/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/decide.h"

/* Sets of values, a bit each; 0: any. */
#define OF(value) (1u << (value))
enum {
    ABSENT = OF(EMQX_TLS_STATE_ABSENT),
    TERMINATED = OF(EMQX_TLS_STATE_TERMINATED),
    FAILED = OF(EMQX_TLS_STATE_FAILED),
    RUNNING = OF(EMQX_TLS_STATE_RUNNING),
    OPEN = OF(EMQX_TLS_STATE_PENDING) | OF(EMQX_TLS_STATE_UNKNOWN) | OF(EMQX_TLS_STATE_OTHER),

    DIFFERS = OF(EMQXI_DIFFERENT),
    UNTOLD = OF(EMQXI_UNTOLD),
    SAME = OF(EMQXI_SAME),
    ALIKE = UNTOLD | SAME,

    NONE = OF(EMQXI_RECORD_NONE),
    OURS = OF(EMQXI_RECORD_OURS),
    INTENT = OF(EMQXI_RECORD_INTENT),
    OTHER = OF(EMQXI_RECORD_OTHER),

    NOTHING = OF(EMQXI_BEFORE_NOTHING),
    BROKE = OF(EMQXI_BEFORE_DIFFERENT_FAILED) | OF(EMQXI_BEFORE_ALIKE_FAILED),
    /* or has failed since */
    MAY_FAIL = BROKE | OF(EMQXI_BEFORE_DIFFERENT_UNFINISHED) | OF(EMQXI_BEFORE_ALIKE_UNFINISHED),
    UNLIKE = NOTHING | OF(EMQXI_BEFORE_DIFFERENT) | OF(EMQXI_BEFORE_DIFFERENT_FAILED) |
             OF(EMQXI_BEFORE_DIFFERENT_UNFINISHED),
    /* pending and running say nothing of which of the two it is */
    LOOKED_SO = OF(EMQXI_BEFORE_ALIKE) | OF(EMQXI_BEFORE_ALIKE_UNFINISHED),
    /* it was over: what is pending now is another one */
    FINISHED = NOTHING | BROKE | OF(EMQXI_BEFORE_DIFFERENT) | OF(EMQXI_BEFORE_ALIKE),
    MOVES = UNLIKE | FINISHED,

    LOST = OF(EMQXI_FATE_LOST),
    SETTLED = OF(EMQXI_FATE_SETTLED),
    TAKEN = OF(EMQXI_FATE_ACCEPTED) | OF(EMQXI_FATE_SETTLED),
    FREE = OF(EMQXI_FATE_NONE) | OF(EMQXI_FATE_MISJUDGED),

    PROVES = OF(EMQXI_PROBE_PROVES),
    DISPROVES = OF(EMQXI_PROBE_DISPROVES),
    MATCHES = OF(EMQXI_PROBE_MATCHES),

    /* what else must hold */
    FORCED = 1,
    STALE = 2,
    ILLEGIBLE = 4,
    YOUNG = 8,
    FORGETFUL = 16,

    /* what a verdict says besides */
    CERTAIN = 1,
    CARRIED_OUT = 2,
    PROVEN = CERTAIN | CARRIED_OUT,
    ASK = 4 /* a probe helps */
};

/* The first row that fits decides. */
/* clang-format off */
#define ROW(fate, state, looks, record, before, probe, when, verdict, also) \
    {fate, state, looks, record, before, probe, when, EMQXI_##verdict, also}
static const struct {
    uint8_t fate, state, looks, record, before, probe, when, verdict, also;
} table[] = {
  /*  fate     state       looks    record  before     probe      when       verdict       also */
  /* This call's write was accepted: no other follows. */
  ROW(TAKEN,   ABSENT,     0,       0,      0,         0,         STALE,     COMING,       CERTAIN),
  ROW(TAKEN,   ABSENT,     0,       0,      0,         0,         0,         VANISHED,     0),
  ROW(TAKEN,   FAILED,     DIFFERS, 0,      MAY_FAIL,  0,         0,         COMING,       CERTAIN),
  ROW(TAKEN,   FAILED,     0,       0,      0,         0,         0,         BROKEN,       0),
  ROW(TAKEN,   RUNNING,    ALIKE,   0,      UNLIKE,    0,         0,         IN_PLACE,     CERTAIN),
  ROW(SETTLED, RUNNING,    ALIKE,   0,      0,         0,         0,         IN_PLACE,     CERTAIN),
  ROW(TAKEN,   0,          0,       0,      0,         0,         0,         COMING,       CERTAIN),
  /* Nothing is there, or will be; or what the platform took does not show yet. */
  ROW(0,       ABSENT,     0,       OURS,   0,         0,         STALE,     COMING,       CERTAIN),
  ROW(0,       ABSENT,     0,       OTHER,  0,         0,         STALE,     UNCLEAR,      0),
  ROW(0,       ABSENT,     0,       0,      0,         0,         0,         CREATE,       0),
  ROW(0,       TERMINATED, 0,       0,      0,         0,         0,         LEAVING,      0),
  ROW(FREE,    0,          0,       0,      0,         0,         FORCED,    UPDATE,       0),
  ROW(LOST,    FAILED,     ALIKE,   0,      BROKE,     0,         0,         UNSURE,       0),
  ROW(LOST,    FAILED,     ALIKE,   0,      0,         0,         0,         BROKEN,       0),
  ROW(0,       FAILED,     0,       OURS,   MAY_FAIL,  0,         STALE,     COMING,       CERTAIN),
  ROW(0,       FAILED,     0,       0,      0,         0,         0,         UPDATE,       0),
  /* It shows something else. A write that the platform took, or may have, may not show yet. */
  ROW(0,       0,          DIFFERS, OURS,   0,         0,         STALE,     COMING,       CERTAIN),
  ROW(0,       OPEN,       DIFFERS, INTENT, 0,         0,         STALE,     UNCLEAR,      0),
  ROW(0,       0,          DIFFERS, 0,      0,         0,         0,         UPDATE,       0),
  ROW(0,       0,          0,       OTHER,  0,         0,         0,         UPDATE,       0),
  /* What runs is alike. */
  ROW(0,       RUNNING,    0,       OURS,   LOOKED_SO, 0,         YOUNG,     COMING,       CERTAIN),
  ROW(0,       RUNNING,    0,       OURS,   0,         0,         0,         IN_PLACE,     CERTAIN),
  ROW(0,       RUNNING,    SAME,    INTENT, UNLIKE,    0,         0,         IN_PLACE,     PROVEN),
  ROW(0,       RUNNING,    0,       INTENT, BROKE,     0,         0,         IN_PLACE,     PROVEN),
  ROW(0,       RUNNING,    0,       INTENT, NOTHING,   0,         0,         IN_PLACE,     PROVEN),
  ROW(0,       RUNNING,    0,       INTENT, 0,         PROVES,    0,         IN_PLACE,     PROVEN),
  ROW(0,       RUNNING,    0,       0,      0,         PROVES,    0,         IN_PLACE,     CERTAIN),
  ROW(0,       RUNNING,    0,       0,      0,         DISPROVES, 0,         UPDATE,       0),
  ROW(0,       RUNNING,    SAME,    NONE,   0,         0,         0,         IN_PLACE,     ASK),
  ROW(0,       RUNNING,    0,       NONE,   0,         MATCHES,   0,         IN_PLACE,     0),
  ROW(LOST,    RUNNING,    0,       0,      0,         0,         0,         UNSURE,       ASK),
  ROW(0,       RUNNING,    0,       0,      0,         0,         ILLEGIBLE, ILLEGIBLE,    ASK),
  ROW(0,       RUNNING,    0,       NONE,   0,         0,         FORGETFUL, INCOMPARABLE, 0),
  ROW(0,       RUNNING,    0,       0,      0,         0,         0,         UPDATE,       ASK),
  /* What does not run yet is alike. */
  ROW(0,       0,          0,       OURS,   0,         0,         0,         COMING,       CERTAIN),
  ROW(FREE,    0,          UNTOLD,  0,      0,         0,         ILLEGIBLE, ILLEGIBLE,    0),
  ROW(0,       0,          UNTOLD,  INTENT, FINISHED,  0,         0,         COMING,       PROVEN),
  ROW(0,       0,          UNTOLD,  0,      0,         0,         0,         UNCLEAR,      0),
  ROW(0,       0,          0,       INTENT, MOVES,     0,         0,         COMING,       PROVEN),
  ROW(0,       0,          0,       0,      0,         0,         0,         COMING,       0),
};
/* clang-format on */

static bool has(uint8_t set, unsigned value)
{
    return !set || set & OF(value);
}

static bool fits(size_t i, const emqxi_facts *f)
{
    return has(table[i].fate, f->fate) && has(table[i].state, f->state) &&
           has(table[i].looks, f->likeness) && has(table[i].record, f->record) &&
           has(table[i].before, f->before) && has(table[i].probe, f->probe);
}

emqxi_decision emqxi_decide(const emqxi_facts *f)
{
    size_t i = 0;
    unsigned holds = (f->flags & EMQX_TLS_FORCE ? FORCED : 0) | (f->stale ? STALE : 0) |
                     (f->readable ? 0 : ILLEGIBLE) | (f->young ? YOUNG : 0) |
                     (f->forgetful ? FORGETFUL : 0);
    while (!fits(i, f) || (table[i].when & ~holds))
        i++;
    emqxi_decision d = {.verdict = table[i].verdict,
                        .certain = table[i].also & CERTAIN,
                        .carried_out = table[i].also & CARRIED_OUT,
                        .probe_helps = table[i].also & ASK};
    if (d.verdict == EMQXI_UPDATE && f->earlier && !(f->flags & EMQX_TLS_ALLOW_EARLIER))
        d.verdict = EMQXI_EARLIER;
    return d;
}
