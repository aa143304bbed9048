/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter_use.h"

emqx_tls_code reserve(emqx_tls_limiter *limiter, uint32_t op, const char *deployment,
                      emqxi_reserve *r, emqxi_error *error)
{
    emqxi_waiter waiter = {0};
    *r = (emqxi_reserve){.op = op, .deployment_id = deployment, .lease_ms = LEASE_MS};
    emqxi_error_clear(error);
    return emqxi_limiter_reserve(limiter, r, &waiter, error);
}

void use(emqx_tls_limiter *limiter, uint32_t op)
{
    emqxi_reserve r;
    emqxi_error error;
    if (reserve(limiter, op, "d1", &r, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    assert_true(r.granted);
    assert_int_equal(
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, &error),
        EMQX_TLS_OK);
}

static emqx_tls_quota quota(emqx_tls_limiter *limiter, uint32_t op)
{
    emqx_tls_quota q;
    emqx_tls_error error;
    emqx_tls_quota_init(&q);
    emqx_tls_error_init(&error);
    if (emqx_tls_limiter_query(limiter, op, "d1", &q, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    return q;
}

uint32_t used(emqx_tls_limiter *limiter, uint32_t op)
{
    return quota(limiter, op).used;
}

int64_t next_ms(emqx_tls_limiter *limiter, uint32_t op)
{
    return quota(limiter, op).next_ms;
}
