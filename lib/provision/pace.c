/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision/machine.h"

#define EVERY_MS     60000
#define LAST_LOOK_MS 2000 /* so long before the deadline */

static const int64_t first_gaps[] = {5000, 5000, 10000, 20000};
#define FIRST_GAPS (sizeof first_gaps / sizeof first_gaps[0])

static int64_t gap(unsigned poll)
{
    return poll <= FIRST_GAPS ? first_gaps[poll - 1] : EVERY_MS;
}

/* So many polls fit into `left` when nothing stretches them. */
static int64_t polls_in(int64_t left, unsigned poll)
{
    int64_t count = 0;
    for (; poll <= FIRST_GAPS && left > gap(poll); poll++, count++)
        left -= gap(poll);
    return poll <= FIRST_GAPS ? count : count + left / EVERY_MS;
}

int64_t emqxi_pace(unsigned poll, int64_t left, const emqx_tls_quota *quota, uint64_t random)
{
    int64_t pause = gap(poll);
    if (quota) {
        if (quota->remaining > 0 && quota->remaining < polls_in(left, poll))
            pause = EMQXI_MAX(pause, left / ((int64_t)quota->remaining + 1));
        /* Where no more read fits in, the next one says so, and when, at once and not at the
         * end. */
        pause = quota->next_ms < left ? EMQXI_MAX(pause, quota->next_ms) : 0;
    }
    pause += (int64_t)(random % (uint64_t)(pause / 10 + 1));
    return quota && left > LAST_LOOK_MS ? EMQXI_MIN(pause, left - LAST_LOOK_MS) : pause;
}
