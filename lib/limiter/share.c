/* SPDX-License-Identifier: MIT
 *
 * A 429 although there was room: somebody else uses the key, or the platform estimates. The class
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

bool emqxi_share_over(const emqxi_share *share, const emqxi_limits *limits, int64_t now)
{
    return now > emqxi_add(share->refused_ms, limits->window_ms + limits->window_ms / 10);
}

void emqxi_share_probe(emqxi_share *share, uint32_t id, int64_t end_ms)
{
    share->probe_id = id;
    share->probe_end_ms = end_ms;
}

/* When the n-th slot is released of those that the platform may have let pass; INT64_MAX: not so
 * many are held. */
static int64_t release_of(const emqxi_log *log, const emqxi_slot *slots, uint64_t n)
{
    for (uint32_t i = 0, j = log->first; i < log->count;
         i++, j = j + 1 == log->capacity ? 0 : j + 1)
        if (slots[j].state != EMQXI_SLOT_REFUSED && --n == 0)
            return slots[j].release_ms;
    return INT64_MAX;
}

emqxi_wait emqxi_share_wait(const emqxi_log *log, const emqxi_slot *slots,
                            const emqxi_limits *limits, int64_t now, uint32_t ahead, bool *probe)
{
    const emqxi_share *share = &log->share;
    uint64_t held = log->count - log->refused,
             wanted = held + ahead; /* lost ones and those in flight may have passed */
    bool below = wanted < share->share, probing = share->probe_id != 0 && now < share->probe_end_ms;
    int64_t early = now, late = now;
    if (!below) {
        int64_t release = release_of(log, slots, wanted - share->share + 1);
        /* one probe after the other */
        int64_t behind = EMQXI_MIN((int64_t)ahead, 100000) * step_ms(limits);
        early = EMQXI_MAX(now, share->probe_ms);
        late = emqxi_add(probing ? EMQXI_MAX(early, share->probe_end_ms) : early, behind);
        early = EMQXI_MIN(early, release);
        late = EMQXI_MIN(late, release);
    }
    early = EMQXI_MAX(early, share->shut_ms);
    late = EMQXI_MAX(late, share->shut_ms);
    *probe = !below && late <= now;
    return (emqxi_wait){early - now, late - now};
}

void emqxi_share_refused(emqxi_log *log, const emqxi_limits *limits, int64_t now, int64_t left_ms,
                         int64_t retry_after_ms, uint64_t random)
{
    emqxi_share *share = &log->share;
    /* it left before the last 429 was seen */
    bool known = share->refused && left_ms <= share->refused_ms;
    share->share = share->refused ? EMQXI_MIN(share->share, log->passed) : log->passed;
    if (known)
        return;

    /* Measured from when the request left, so that a probe at the longest distance does not find
     * its own k forgotten. */
    if (share->refused && emqxi_share_over(share, limits, left_ms))
        share->k = 0;
    int64_t window = limits->window_ms, step = step_ms(limits), shut = step;
    if (retry_after_ms != -1)
        shut = retry_after_ms < 0 ? window : EMQXI_MIN(retry_after_ms, window);
    int64_t probe = share->k == 0 ? shut : step;
    for (uint32_t k = 0; k < share->k && probe < window; k++)
        probe *= 2;
    probe = EMQXI_MIN(EMQXI_MAX(probe, shut), window);

    if (!share->refused)
        share->shut_ms = share->probe_ms = now;
    share->refused = 1;
    share->refused_ms = now;
    share->shut_ms = EMQXI_MAX(share->shut_ms, emqxi_add(now, with_jitter(shut, random)));
    share->probe_ms = EMQXI_MAX(share->probe_ms, emqxi_add(now, with_jitter(probe, random)));
    share->k = EMQXI_MIN(share->k + 1, 31);
}
