/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The zone of `expire`: learned from our own writes, and kept in the receipt.
 */
#include "support/receipt_world.h"

#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

static void the_zone_is_kept(void **state)
{
    (void)state;
    get_is("{}");
    write_is("POST", 200, TLS("pending", "2031-03-21 22:40:00"));
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.result.expire_offset_s, -4 * 3600);
    w.options.expire_offset_s = 3600; /* what was seen goes before what was said */
    get_is(TLS("running", "2031-03-21 22:40:00"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.expire_offset_s, -4 * 3600);
    certainly(1);
    char *next = make_leaf(NAME, END + 86400 * 60); /* a renewal keeps it */
    w.f->request.cert = next;
    w.f->request.cert_len = strlen(next);
    get_is(TLS("running", "2031-03-21 22:40:00"));
    write_is("PUT", 200, BARE("pending"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    assert_int_equal(w.result.expire_offset_s, -4 * 3600);
    get_is(TLS("running", "2031-05-20 22:40:00"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    free(next);
}

/* A zone with summer time tells two ends by two offsets. */
static void summer_time_moves_the_zone_by_an_hour(void **state)
{
    (void)state;
    get_is("{}");
    write_is("POST", 200, TLS("pending", "2031-03-22 03:40:00"));
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.result.expire_offset_s, 3600);
    char *next = make_leaf(NAME, END + 86400 * 60);
    w.f->request.cert = next;
    w.f->request.cert_len = strlen(next);
    get_is(TLS("running", "2031-03-22 03:40:00"));
    write_is("PUT", 200, BARE("pending")); /* the reply does not tell it */
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(TLS("running", "2031-05-21 04:40:00"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.expire_offset_s, 7200);
    certainly(1);
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(30)); /* later it is another certificate */
    get_is(TLS("running", "2031-05-21 03:40:00"));
    write_is("PUT", 200, BARE("pending"));
    w.options.flags = EMQX_TLS_ALLOW_EARLIER;
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(next);
}

/* Of a bare date the zone is seen only where the day is another one. */
static void a_zone_that_moves_the_day_is_learned_too(void **state)
{
    (void)state;
    get_is("{}");
    write_is("POST", 200, TLS("pending", "2031-03-21")); /* it ends on the 22nd, at 2:40 UTC */
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    get_is(TLS("running", "2031-03-21"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    char *next = make_leaf(NAME, END + 86400 * 60 + 3600); /* at 3:40 */
    w.f->request.cert = next;
    w.f->request.cert_len = strlen(next);
    w.options.wait_ms = MINUTES(10);
    get_is(TLS("running", "2031-03-21"));
    write_is("PUT", 200, BARE("pending"));
    get_is(TLS("running", "2031-05-20"));
    expect_end(EMQX_TLS_OK, UPDATED, 2, 1);
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(60));
    get_is(TLS("running", "2031-05-20"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    w.options.flags = EMQX_TLS_ALLOW_EARLIER;
    w.options.wait_ms = 0;
    get_is(TLS("running", "2031-05-21")); /* later it is another certificate */
    write_is("PUT", 200, TLS("pending", "2031-05-20"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(next);
}

static void the_zone_is_learned_also_after_a_crash(void **state)
{
    (void)state;
    write_over_old_and_crash();
    get_is(TLS("running", "2031-03-22 10:40:00"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.expire_offset_s, 8 * 3600);
    certainly(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_zone_is_kept),
        TEST(summer_time_moves_the_zone_by_an_hour),
        TEST(a_zone_that_moves_the_day_is_learned_too),
        TEST(the_zone_is_learned_also_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
