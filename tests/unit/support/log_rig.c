/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "log_rig.h"

emqxi_limits limits;
emqxi_log kept;
emqxi_slot slots[64];
int64_t time_ms;

void log_set_up(uint32_t count, int64_t at)
{
    memset(&kept, 0, sizeof kept);
    memset(slots, 0, sizeof slots);
    kept.capacity = count;
    time_ms = at;
    emqxi_limits_set(&limits, count, (uint64_t)HOUR_MS);
}

const emqxi_view *view(void)
{
    static emqxi_view v;
    v = (emqxi_view){.log = &kept, .slots = slots, .limits = &limits, .now = time_ms};
    return &v;
}

emqx_tls_grant ask_behind(uint32_t ahead, emqxi_flight *flight)
{
    const emqx_tls_ask ask = {.size = sizeof ask, .lease_ms = LEASE_MS, .ahead = ahead};
    emqx_tls_grant grant = {.size = sizeof grant};
    emqxi_log_reserve(view(), &ask, &grant, flight);
    return grant;
}

emqxi_flight take(void)
{
    emqxi_flight flight;
    assert_true(ask_behind(0, &flight).granted);
    return flight;
}

void end(emqxi_flight flight, uint32_t outcome)
{
    emqxi_log_settle(view(), &flight, outcome, -1, 0);
}
