/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A 429 although there was room: somebody else uses the key, or the platform estimates. The group
 * is shut for a while; then we hold as many passed requests as we held when the 429 came (our
 * share) without a thought, and try for more by one probe at a time, ever more rarely while that
 * ends in a 429.
 */
#include "limiter/core.h"

/* Added to a block, never taken away: 0 to 10 % of it. */
static int64_t with_jitter(int64_t ms, uint64_t random)
{
    return ms + (int64_t)(((uint64_t)ms / 10 * (random >> 32)) >> 32);
}

static int64_t step_ms(const emqxi_limits *limits)
{
    return EMQXI_MAX((limits->window_ms + limits->slots - 1) / limits->slots, 1);
}

bool emqxi_throttle_over(const emqxi_view *v, int64_t time)
{
    int64_t window = v->limits->window_ms;
    return time > emqxi_add(v->log->throttle.refused_ms, window + window / 10);
}

/* When the n-th slot is released of those that the platform may have let pass; INT64_MAX: not so
 * many are held. */
static int64_t release_of(const emqxi_view *v, uint64_t n)
{
    const emqxi_log *log = v->log;
    for (uint32_t i = 0, j = log->first; i < log->count;
         i++, j = j + 1 == log->capacity ? 0 : j + 1)
        if (v->slots[j].state != EMQXI_SLOT_REFUSED && --n == 0)
            return v->slots[j].release_ms;
    return INT64_MAX;
}

emqxi_wait emqxi_throttle_wait(const emqxi_view *v, uint32_t ahead, bool *probe)
{
    const emqxi_throttle *t = &v->log->throttle;
    /* lost ones and those in flight may have passed */
    uint64_t wanted = (uint64_t)v->log->count - v->log->refused + ahead;
    bool below = wanted < t->share, probing = t->probe_id != 0 && v->now < t->probe_end_ms;
    int64_t early = v->now, late = v->now;
    if (!below) {
        int64_t release = release_of(v, wanted - t->share + 1);
        /* one probe after the other */
        int64_t behind = EMQXI_MIN((int64_t)ahead, 100000) * step_ms(v->limits);
        early = EMQXI_MAX(v->now, t->probe_ms);
        late = emqxi_add(probing ? EMQXI_MAX(early, t->probe_end_ms) : early, behind);
        early = EMQXI_MIN(early, release);
        late = EMQXI_MIN(late, release);
    }
    early = EMQXI_MAX(early, t->shut_ms);
    late = EMQXI_MAX(late, t->shut_ms);
    *probe = !below && late <= v->now;
    return (emqxi_wait){early - v->now, late - v->now};
}

void emqxi_throttle_refused(const emqxi_view *v, int64_t left_ms, int64_t retry_after_ms,
                            uint64_t random)
{
    emqxi_throttle *t = &v->log->throttle;
    /* it left before the last 429 was seen */
    bool known = t->refused && left_ms <= t->refused_ms;
    t->share = t->refused ? EMQXI_MIN(t->share, v->log->passed) : v->log->passed;
    if (known)
        return;

    /* Measured from when the request left, so that a probe at the longest distance does not find
     * its own k forgotten. */
    if (t->refused && emqxi_throttle_over(v, left_ms))
        t->k = 0;
    int64_t window = v->limits->window_ms, step = step_ms(v->limits), shut = step;
    if (retry_after_ms != -1)
        shut = retry_after_ms < 0 ? window : EMQXI_MIN(retry_after_ms, window);
    int64_t probe = t->k == 0 ? shut : step;
    for (uint32_t k = 0; k < t->k && probe < window; k++)
        probe *= 2;
    probe = EMQXI_MIN(EMQXI_MAX(probe, shut), window);

    if (!t->refused)
        t->shut_ms = t->probe_ms = v->now;
    t->refused = 1;
    t->refused_ms = v->now;
    t->shut_ms = EMQXI_MAX(t->shut_ms, emqxi_add(v->now, with_jitter(shut, random)));
    t->probe_ms = EMQXI_MAX(t->probe_ms, emqxi_add(v->now, with_jitter(probe, random)));
    t->k = EMQXI_MIN(t->k + 1, 31);
}
