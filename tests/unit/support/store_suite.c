/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "store_suite_private.h"

#include <stdio.h>
#include <stdlib.h>

void rig_open(rig *b, void **state, uint32_t flags)
{
    emqx_tls_limiter_config config;
    memset(b, 0, sizeof *b);
    b->subject = *state;
    b->window = (int64_t)b->subject->window_ms;
    b->held = b->window + 1000 + (b->window + 1999) / 2000;
    emqx_tls_limiter_config_init(&config);
    config.flags = flags;
    config.reads = READS;
    config.writes = WRITES;
    config.window_ms = b->subject->window_ms;
    emqx_tls_store_init(&b->store);
    assert_int_equal(b->subject->open(b->subject->context, &config, &b->store), EMQX_TLS_OK);
}

void rig_close(rig *b)
{
    b->store.destroy(b->store.context);
}

void rig_needs(rig *b, int64_t ms)
{
    if (ms <= b->subject->patience_ms)
        return;
    rig_close(b); /* skip() does not return */
    skip();
}

void rig_pass(const rig *b, int64_t ms)
{
    b->subject->advance(b->subject->context, ms);
}

emqx_tls_grant rig_ask(rig *b, uint32_t op, const char *deployment, uint32_t ahead)
{
    emqx_tls_ask ask = {.size = sizeof ask,
                        .op = op,
                        .deployment_id = deployment,
                        .lease_ms = LEASE,
                        .ahead = ahead};
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(b->store.reserve(b->store.context, &ask, &grant, &error), EMQX_TLS_OK);
    assert_int_equal(grant.busy, 0);
    if (!grant.granted)
        assert_true(grant.early_ms <= grant.late_ms && grant.late_ms > 0);
    return grant;
}

emqx_tls_grant rig_take(rig *b, uint32_t op)
{
    emqx_tls_grant grant = rig_ask(b, op, "d1", 0);
    assert_int_equal(grant.granted, 1);
    return grant;
}

void rig_settle(rig *b, const emqx_tls_grant *grant, uint32_t outcome)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(b->store.settle(b->store.context, grant->ticket, outcome, -1, &error),
                     EMQX_TLS_OK);
}

void rig_refuse(rig *b, const emqx_tls_grant *grant, int64_t retry_after_ms)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    assert_int_equal(b->store.settle(b->store.context, grant->ticket, EMQX_TLS_OUTCOME_REFUSED,
                                     retry_after_ms, &error),
                     EMQX_TLS_OK);
}

void rig_use(rig *b, uint32_t op)
{
    emqx_tls_grant grant = rig_take(b, op);
    rig_settle(b, &grant, EMQX_TLS_OUTCOME_ANSWERED);
}

/* Looks by taking a slot and giving it back. */
bool rig_free(rig *b, uint32_t op)
{
    emqx_tls_grant grant = rig_ask(b, op, "d1", 0);
    if (grant.granted)
        rig_settle(b, &grant, EMQX_TLS_OUTCOME_NOT_SENT);
    return grant.granted;
}

emqx_tls_quota rig_query(rig *b, uint32_t op)
{
    emqx_tls_quota quota;
    emqx_tls_error error;
    emqx_tls_quota_init(&quota);
    emqx_tls_error_init(&error);
    assert_int_equal(b->store.query(b->store.context, op, "d1", &quota, &error), EMQX_TLS_OK);
    return quota;
}

int store_suite_run(const store_subject *subject)
{
    size_t count = store_suite_slots_count + store_suite_refusals_count;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!tests)
        return 1;
    memcpy(tests, store_suite_slots, store_suite_slots_count * sizeof *tests);
    memcpy(tests + store_suite_slots_count, store_suite_refusals,
           store_suite_refusals_count * sizeof *tests);
    for (size_t i = 0; i < count; i++)
        tests[i].initial_state = (void *)(uintptr_t)subject;
    int failed = _cmocka_run_group_tests(subject->name, tests, count, NULL, NULL);
    free(tests);
    return failed;
}
