/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "store_suite_private.h"

#include <stdio.h>

static void the_limit_is_given_and_not_one_more(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 0; i < READS; i++)
        rig_take(&b, EMQX_TLS_OP_GET);
    assert_false(rig_ask(&b, EMQX_TLS_OP_GET, "d1", 0).granted);
    for (int i = 0; i < WRITES; i++)
        rig_take(&b, EMQX_TLS_OP_UPDATE);
    assert_false(rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", 0).granted);
    rig_close(&b);
}

static void a_slot_frees_one_window_after_its_answer_and_no_sooner(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 0; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_UPDATE);
    emqx_tls_grant grant = rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", 0);
    assert_false(grant.granted);
    assert_int_equal(grant.reason, 0);
    assert_ms(grant.early_ms, b.held, b.held);
    assert_ms(grant.late_ms, b.held, b.held);
    rig_pass(&b, b.held - b.subject->slack_ms - 1);
    assert_false(rig_free(&b, EMQX_TLS_OP_UPDATE));
    rig_pass(&b, b.subject->slack_ms + 1);
    assert_true(rig_free(&b, EMQX_TLS_OP_UPDATE));
    rig_close(&b);
}

static void the_window_begins_with_the_answer_not_with_the_reservation(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant grants[WRITES];
    for (int i = 0; i < WRITES; i++)
        grants[i] = rig_take(&b, EMQX_TLS_OP_UPDATE);
    rig_pass(&b, LEASE / 2);
    for (int i = 0; i < WRITES; i++)
        rig_settle(&b, &grants[i], EMQX_TLS_OUTCOME_ANSWERED);
    assert_ms(rig_query(&b, EMQX_TLS_OP_UPDATE).next_ms, b.held, b.held);
    rig_close(&b);
}

static void each_slot_frees_at_its_own_time(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 0; i < WRITES; i++) {
        rig_use(&b, EMQX_TLS_OP_UPDATE);
        rig_pass(&b, 300);
    }
    rig_pass(&b, b.held - 300 * WRITES);
    for (int i = 0; i < WRITES; i++) {
        assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, WRITES - 1 - i);
        rig_pass(&b, 300);
    }
    rig_close(&b);
}

static void a_lost_request_holds_its_slot_60_s_longer(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant lost = rig_take(&b, EMQX_TLS_OP_UPDATE);
    rig_settle(&b, &lost, EMQX_TLS_OUTCOME_LOST);
    for (int i = 1; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_UPDATE);
    assert_ms(rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", WRITES - 1).late_ms, b.held + STRAY,
              b.held + STRAY);
    rig_needs(&b, b.held + STRAY);
    rig_pass(&b, b.held + STRAY - b.subject->slack_ms - 1);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 1);
    rig_pass(&b, b.subject->slack_ms + 1);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 0);
    rig_close(&b);
}

static void a_holder_that_died_ended_60_s_after_its_lease(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_take(&b, EMQX_TLS_OP_UPDATE);
    rig_needs(&b, LEASE + STRAY + b.held);
    rig_pass(&b, LEASE + STRAY + b.held - 1);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 1);
    rig_pass(&b, 1);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 0);
    rig_close(&b);
}

static void an_answer_after_lease_and_60_s_changes_nothing(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant grant = rig_take(&b, EMQX_TLS_OP_UPDATE);
    rig_needs(&b, LEASE + STRAY + b.held);
    rig_pass(&b, LEASE + STRAY);
    rig_settle(&b, &grant, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 1);
    rig_pass(&b, b.held);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_UPDATE).used, 0);
    rig_close(&b);
}

static void what_was_not_sent_is_free_at_once(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant grant = rig_take(&b, EMQX_TLS_OP_CREATE);
    for (int i = 1; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_CREATE);
    assert_false(rig_free(&b, EMQX_TLS_OP_CREATE));
    rig_settle(&b, &grant, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_true(rig_free(&b, EMQX_TLS_OP_CREATE));
    rig_close(&b);
}

static void a_ticket_can_be_settled_only_once(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_grant grant = rig_take(&b, EMQX_TLS_OP_CREATE), none = {.size = sizeof none};
    rig_settle(&b, &grant, EMQX_TLS_OUTCOME_ANSWERED);
    rig_settle(&b, &grant, EMQX_TLS_OUTCOME_NOT_SENT);
    rig_settle(&b, &none, EMQX_TLS_OUTCOME_NOT_SENT);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_CREATE).used, 1);
    rig_close(&b);
}

static void slots_in_flight_bound_the_wait_on_both_sides(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 0; i < WRITES; i++) {
        rig_take(&b, EMQX_TLS_OP_DELETE);
        rig_pass(&b, 100);
    }
    int64_t lease_left = LEASE - 100 * WRITES;
    emqx_tls_grant grant = rig_ask(&b, EMQX_TLS_OP_DELETE, "d1", 0);
    assert_int_equal(grant.reason, EMQX_TLS_QUOTA_IN_FLIGHT);
    assert_int_equal(grant.early_ms, b.held);
    assert_ms(grant.late_ms, lease_left + STRAY + b.held, lease_left + STRAY + b.held);
    grant = rig_ask(&b, EMQX_TLS_OP_DELETE, "d1", 2);
    assert_ms(grant.late_ms, lease_left + 200 + STRAY + b.held, lease_left + 200 + STRAY + b.held);
    rig_close(&b);
}

static void those_ahead_come_first(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_use(&b, EMQX_TLS_OP_GET);
    rig_pass(&b, 300);
    rig_use(&b, EMQX_TLS_OP_GET);
    assert_true(rig_ask(&b, EMQX_TLS_OP_GET, "d1", READS - 3).granted); /* takes one more */
    assert_false(rig_ask(&b, EMQX_TLS_OP_GET, "d1", READS - 3).granted);
    emqx_tls_grant second = rig_ask(&b, EMQX_TLS_OP_GET, "d1", READS - 2);
    assert_false(second.granted);
    assert_ms(second.late_ms, b.held, b.held);
    rig_close(&b);
}

/* More in line than there are slots: the last one waits until the same slot has been used by those
 * ahead. */
static void a_line_longer_than_the_limit_waits_for_more_than_one_window(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    for (int i = 0; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_UPDATE);
    emqx_tls_grant grant = rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", WRITES);
    assert_ms(grant.early_ms, 2 * b.held, 2 * b.held);
    grant = rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", UINT32_MAX);
    assert_true(grant.early_ms > 1000 * b.held && grant.late_ms >= grant.early_ms);
    rig_close(&b);
}

static void writes_of_all_deployments_share_one_quota_by_default(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_ask(&b, EMQX_TLS_OP_CREATE, "d1", 0);
    rig_ask(&b, EMQX_TLS_OP_UPDATE, "d2", 0);
    rig_ask(&b, EMQX_TLS_OP_DELETE, "d3", 0);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_DELETE).used, 3);
    assert_int_equal(rig_query(&b, EMQX_TLS_OP_GET).used, 0);
    rig_close(&b);
}

static void per_method_counts_each_write_method_alone(void **state)
{
    rig b;
    rig_open(&b, state, EMQX_TLS_PER_METHOD);
    for (int i = 0; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_CREATE);
    assert_false(rig_free(&b, EMQX_TLS_OP_CREATE));
    assert_true(rig_free(&b, EMQX_TLS_OP_UPDATE));
    assert_true(rig_free(&b, EMQX_TLS_OP_DELETE));
    rig_close(&b);
}

static void per_deployment_counts_each_deployment_alone(void **state)
{
    rig b;
    rig_open(&b, state, EMQX_TLS_PER_DEPLOYMENT);
    for (int i = 0; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_CREATE);
    assert_false(rig_ask(&b, EMQX_TLS_OP_UPDATE, "d1", 0).granted);
    assert_true(rig_ask(&b, EMQX_TLS_OP_UPDATE, "d2", 0).granted);
    rig_close(&b);
}

static void many_deployments_keep_their_own_counts(void **state)
{
    enum { DEPLOYMENTS = 500 };
    rig b;
    char name[16];
    rig_open(&b, state, EMQX_TLS_PER_DEPLOYMENT);
    for (int round = 0; round < WRITES; round++)
        for (int i = 0; i < DEPLOYMENTS; i++) {
            snprintf(name, sizeof name, "d%d", i);
            assert_true(rig_ask(&b, EMQX_TLS_OP_UPDATE, name, 0).granted);
        }
    for (int i = 0; i < DEPLOYMENTS; i++) {
        snprintf(name, sizeof name, "d%d", i);
        assert_false(rig_ask(&b, EMQX_TLS_OP_UPDATE, name, 0).granted);
    }
    rig_close(&b);
}

static void a_query_tells_and_takes_nothing(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    emqx_tls_quota quota = rig_query(&b, EMQX_TLS_OP_UPDATE);
    assert_int_equal(quota.limit, WRITES);
    assert_int_equal(quota.used, 0);
    assert_int_equal(quota.remaining, WRITES);
    assert_int_equal(quota.next_ms, 0);
    for (int i = 0; i < WRITES; i++)
        rig_use(&b, EMQX_TLS_OP_UPDATE);
    for (int i = 0; i < 3; i++)
        quota = rig_query(&b, EMQX_TLS_OP_UPDATE);
    assert_int_equal(quota.used, WRITES);
    assert_int_equal(quota.remaining, 0);
    assert_ms(quota.next_ms, b.held, b.held);
    assert_int_equal(quota.reason, 0);
    rig_close(&b);
}

static void a_query_tells_when_slot_behind_slot_frees(void **state)
{
    rig b;
    emqx_tls_quota quota;
    emqx_tls_error error;
    rig_open(&b, state, 0);
    emqx_tls_error_init(&error);
    rig_needs(&b, INT64_MAX);
    const uint32_t free = 2;
    for (uint32_t i = free; i < WRITES; i++) {
        rig_use(&b, EMQX_TLS_OP_UPDATE);
        rig_pass(&b, 1000);
    }
    for (uint32_t ahead = 0; ahead < WRITES; ahead++) {
        emqx_tls_quota_init(&quota);
        quota.ahead = ahead;
        assert_int_equal(b.store.query(b.store.context, EMQX_TLS_OP_UPDATE, "d1", &quota, &error),
                         EMQX_TLS_OK);
        assert_int_equal(quota.ahead, ahead);
        assert_int_equal(quota.remaining, free);
        int64_t used_before_ms = (int64_t)(WRITES - ahead) * 1000;
        assert_int_equal(quota.next_ms, ahead < free ? 0 : b.held - used_before_ms);
    }
    rig_close(&b);
}

/* What the store should hold, as simply as can be said. */
typedef struct expected_slot {
    int64_t release; /* if it is not settled before */
    emqx_tls_grant grant;
    bool in_flight;
} expected_slot;

static int expected_used(const expected_slot *slots, int64_t now, int64_t *next)
{
    int used = 0;
    *next = INT64_MAX;
    for (int i = 0; i < READS; i++) {
        used += slots[i].release > now;
        *next = slots[i].release < *next ? slots[i].release : *next;
    }
    *next = used < READS ? 0 : *next - now;
    return used;
}

/* Thousands of steps, each of which may reserve, settle somehow, or let time pass; the schedule is
 * the same in every run. */
static void any_schedule_ends_in_what_a_simple_model_says(void **state)
{
    rig b;
    rig_open(&b, state, 0);
    rig_needs(&b, INT64_MAX);
    expected_slot slots[READS] = {0};
    int64_t now = 1, next;
    uint64_t random = 1;
    for (int step = 0; step < 20000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int64_t pick = (int64_t)(random >> 33);
        expected_slot *slot = &slots[pick % READS];
        if (slot->in_flight && slot->release - b.held > now && pick % 3 != 0) {
            uint32_t outcome = pick % 2
                                   ? EMQX_TLS_OUTCOME_ANSWERED
                                   : (pick % 5 ? EMQX_TLS_OUTCOME_LOST : EMQX_TLS_OUTCOME_NOT_SENT);
            int64_t end = outcome == EMQX_TLS_OUTCOME_LOST ? now + STRAY : now;
            rig_settle(&b, &slot->grant, outcome);
            slot->in_flight = false;
            if (slot->release > end + b.held)
                slot->release = end + b.held;
            if (outcome == EMQX_TLS_OUTCOME_NOT_SENT)
                slot->release = 0;
        } else if (slot->release <= now && pick % 2) {
            emqx_tls_grant grant = rig_ask(&b, EMQX_TLS_OP_GET, "d1", 0);
            assert_int_equal(grant.granted, 1);
            *slot = (expected_slot){now + LEASE + STRAY + b.held, grant, true};
        } else {
            int64_t ms = pick % 4 ? pick % 1000 : pick % (b.window / 2);
            rig_pass(&b, ms);
            now += ms;
        }
        int used = expected_used(slots, now, &next);
        emqx_tls_quota quota = rig_query(&b, EMQX_TLS_OP_GET);
        assert_int_equal(quota.used, used);
        assert_int_equal(quota.next_ms, next);
    }
    rig_close(&b);
}

const struct CMUnitTest store_suite_slots[] = {
    cmocka_unit_test(the_limit_is_given_and_not_one_more),
    cmocka_unit_test(a_slot_frees_one_window_after_its_answer_and_no_sooner),
    cmocka_unit_test(the_window_begins_with_the_answer_not_with_the_reservation),
    cmocka_unit_test(each_slot_frees_at_its_own_time),
    cmocka_unit_test(a_lost_request_holds_its_slot_60_s_longer),
    cmocka_unit_test(a_holder_that_died_ended_60_s_after_its_lease),
    cmocka_unit_test(an_answer_after_lease_and_60_s_changes_nothing),
    cmocka_unit_test(what_was_not_sent_is_free_at_once),
    cmocka_unit_test(a_ticket_can_be_settled_only_once),
    cmocka_unit_test(slots_in_flight_bound_the_wait_on_both_sides),
    cmocka_unit_test(those_ahead_come_first),
    cmocka_unit_test(a_line_longer_than_the_limit_waits_for_more_than_one_window),
    cmocka_unit_test(writes_of_all_deployments_share_one_quota_by_default),
    cmocka_unit_test(per_method_counts_each_write_method_alone),
    cmocka_unit_test(per_deployment_counts_each_deployment_alone),
    cmocka_unit_test(many_deployments_keep_their_own_counts),
    cmocka_unit_test(a_query_tells_and_takes_nothing),
    cmocka_unit_test(a_query_tells_when_slot_behind_slot_frees),
    cmocka_unit_test(any_schedule_ends_in_what_a_simple_model_says),
};
const size_t store_suite_slots_count = sizeof store_suite_slots / sizeof store_suite_slots[0];
