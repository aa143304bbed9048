/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure without receipts: every state that it can begin with, what it writes, and what it says.
 */
#include "support/provision_world.h"

#include <openssl/pem.h>

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

/* -- the state that it begins with ------------------------------------------------------------- */

static void absent_is_created(void **state)
{
    (void)state;
    get_is("{}");
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
}

static void a_404_is_absent(void **state)
{
    (void)state;
    get_says(404);
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
}

static void the_same_running_is_left_alone(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING);
    assert_string_equal(w.f->status.expire_text, END_TEXT);
}

static void another_running_is_updated(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void another_type_is_updated(void **state)
{
    (void)state;
    get_is("{\"tlsType\":\"two-way\",\"status\":\"running\",\"expire\":\"" END_TEXT "\"}");
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void another_name_is_updated(void **state)
{
    (void)state;
    get_is("{\"tlsType\":\"one-way\",\"status\":\"running\",\"expire\":\"" END_TEXT
           "\",\"cn\":\"other.example\"}");
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void the_same_pending_is_not_written_again(void **state)
{
    (void)state;
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    w.options.wait_ms = MINUTES(10);
    gets_are(3, SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 4, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING);
}

static void another_pending_is_updated(void **state)
{
    (void)state;
    get_is(OLD_PENDING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void failed_gets_one_write(void **state)
{
    (void)state;
    get_is(TLS("failed", END_TEXT));
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    w.options.wait_ms = MINUTES(10);
    get_is(TLS("failed", END_TEXT));
    put_is(SAME_PENDING);
    get_is(TLS("failed", END_TEXT));
    expect_end(EMQX_TLS_E_FAILED, UPDATED, 2, 1);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_FAILED);
}

static void pending_that_fails_gets_one_write(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(SAME_PENDING);
    get_is(TLS("failed", END_TEXT));
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
}

static void terminated_is_waited_out_and_created(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    gets_are(2, TLS("terminated", END_TEXT));
    get_is("{}");
    post_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, CREATED, 4, 1);
}

static void terminated_without_waiting_writes_nothing(void **state)
{
    (void)state;
    get_is(TLS("terminated", END_TEXT));
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_TERMINATED);
    assert_non_null(strstr(w.f->error.message, "call again"));
}

static void states_that_are_not_known_are_taken_for_unfinished(void **state)
{
    (void)state;
    get_is(TLS("deploying", END_TEXT));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    get_is(TLS("deploying", OLD_TEXT));
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is("{\"tlsType\":\"one-way\",\"expire\":\"" OLD_TEXT "\"}");
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    w.options.wait_ms = MINUTES(10);
    gets_are(2, TLS("deploying", END_TEXT));
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 3, 0);
}

static void pending_without_an_end_is_waited_for_until_it_can_be_told(void **state)
{
    (void)state;
    get_is(BARE("pending"));
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    w.options.wait_ms = MINUTES(10);
    gets_are(2, BARE("pending"));
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 3, 0);
    gets_are(2, BARE("pending"));
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 4, 1);
}

/* It would be written at each run. */
static void running_without_an_end_is_refused_since_it_can_not_be_told(void **state)
{
    (void)state;
    get_is(BARE("running"));
    expect_end(EMQX_TLS_E_INVALID, NONE, 1, 0);
    assert_non_null(strstr(w.f->error.message, "receipt_dir"));
    assert_non_null(strstr(w.f->error.message, "probe_host"));
    assert_non_null(strstr(w.f->error.message, "FORCE"));
    w.options.wait_ms = MINUTES(10);
    gets_are(2, BARE("pending"));
    get_is(BARE("running"));
    expect_end(EMQX_TLS_E_INVALID, NONE, 3, 0);
    w.options.wait_ms = 0;
    w.options.flags = EMQX_TLS_FORCE;
    get_is(BARE("running"));
    put_is(BARE("pending"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    w.options.flags = 0;
    w.options.receipt_dir = w.folder; /* knows of the write the next time */
    get_is(BARE("running"));
    put_is(BARE("pending"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(60));
    get_is(BARE("running"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
}

/* -- waiting for it to run --------------------------------------------------------------------- */

static void the_old_certificate_that_still_runs_is_no_success(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    gets_are(3, OLD_RUNNING);
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 6, 1);
    assert_in_range(came_at(2), 5000, 5500);
    assert_in_range(came_at(3), 10000, 11000);
    assert_in_range(came_at(4), 20000, 22000);
    assert_in_range(came_at(5), 40000, 44000);
    assert_in_range(came_at(6), 100000, 110000);
}

static void at_the_deadline_it_says_what_it_knows(void **state)
{
    (void)state;
    w.options.wait_ms = 30000;
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    gets_are(4, SAME_PENDING); /* after 5, 10 and 20 s, and a last look */
    expect_end(EMQX_TLS_E_TIMEOUT, UPDATED, 5, 1);
    assert_int_equal(now(w.f), 1030000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    assert_non_null(strstr(w.f->error.message, "took the write"));
    get_is(SAME_PENDING); /* and the next call goes on */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 2, 0);
}

static void a_deadline_ends_a_read_that_hangs(void **state)
{
    (void)state;
    emqx_tls_test_step hangs = {.method = "GET", .flags = EMQX_TLS_TEST_NEVER, .times = 2};
    w.options.wait_ms = 12000;
    get_is(SAME_PENDING);
    expect(w.f, &hangs);
    /* an exchange gets at most half of the time, so there are two */
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 3, 0);
    assert_int_equal(now(w.f), 1012000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
}

static void failed_after_the_write_ends_at_once(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    post_is(SAME_PENDING);
    get_is(TLS("failed", END_TEXT));
    expect_end(EMQX_TLS_E_FAILED, CREATED, 2, 1);
    get_is("{}");
    post_is(TLS("failed", END_TEXT));
    w.options.wait_ms = 0;
    expect_end(EMQX_TLS_E_FAILED, CREATED, 1, 1);
}

static void what_runs_at_the_last_look_is_seen(void **state)
{
    (void)state;
    w.options.wait_ms = 100000;
    w.options.flags = EMQX_TLS_FORCE;
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    gets_are(4, SAME_PENDING); /* the last after 40 s */
    get_is(SAME_RUNNING);      /* since 45 s */
    expect_end(EMQX_TLS_OK, UPDATED, 6, 1);
}

/* Reads may lag behind the write: then what they do not show is no end, and nothing to write. */
static void nothing_there_after_the_write_is_waited_out_for_2_minutes(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    post_is(SAME_PENDING);
    gets_are(2, "{}");
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, CREATED, 5, 1);
    int64_t began = now(w.f);
    get_is("{}");
    post_is(SAME_PENDING);
    get_is(TLS("terminated", END_TEXT));
    gets_are(5, "{}");
    expect_end(EMQX_TLS_E_NOT_FOUND, CREATED, 7, 1);
    assert_in_range(now(w.f) - began, 120000, 186000);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_ABSENT);
}

static void an_empty_reply_to_a_write_is_not_absence(void **state)
{
    (void)state;
    get_is("{}");
    post_is("");
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_UNKNOWN);
}

static void one_that_looks_alike_must_be_seen_to_move_or_have_time(void **state)
{
    (void)state;
    w.options.flags = EMQX_TLS_FORCE;
    w.options.wait_ms = MINUTES(10);
    get_is(SAME_RUNNING);
    put_is(SAME_PENDING);
    get_is(SAME_RUNNING); /* the one before, perhaps */
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 4, 1);
    int64_t began = now(w.f);
    get_is(SAME_RUNNING);
    put_is(SAME_PENDING);
    gets_are(5, SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 6, 1);
    assert_true(now(w.f) - began >= 60000);
    w.options.wait_ms = 30000; /* too short for that: it must not be called the one before */
    get_is(SAME_RUNNING);
    put_is(SAME_PENDING);
    gets_are(4, SAME_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, UPDATED, 5, 1);
    assert_non_null(strstr(w.f->error.message, "can't be told yet"));
    get_is(OLD_RUNNING);
    put_is(SAME_PENDING);
    gets_are(4, OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, UPDATED, 5, 1);
    assert_non_null(strstr(w.f->error.message, "the certificate before it"));
}

/* -- rules ------------------------------------------------------------------------------------- */

static void an_earlier_end_is_refused(void **state)
{
    (void)state;
    static const char *const states[] = {TLS("running", NEW_TEXT), TLS("pending", NEW_TEXT),
                                         TLS("failed", NEW_TEXT), TLS("deploying", NEW_TEXT)};
    for (size_t i = 0; i < 4; i++) {
        w.options.flags = i == 0 ? EMQX_TLS_FORCE : 0;
        get_is(states[i]);
        expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
        assert_non_null(strstr(w.f->error.message, "ALLOW_EARLIER"));
    }
    w.options.flags = EMQX_TLS_ALLOW_EARLIER;
    get_is(states[0]);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

/* The check is on, and the certificate has 40 days left where the policy wants 60. */
static char *with_the_check(void)
{
    char *key, *copy;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, w.made.key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &key);
    copy = strndup(key, (size_t)len);
    BIO_free(bio);
    w.f->request.key = copy;
    w.f->request.key_len = strlen(copy);
    emqx_tls_client_free(w.f->client);
    w.f->config.flags = 0;
    open_client(w.f);
    emqx_tls_test_clock_set_wall(w.f->clock, (END - 40 * 86400) * INT64_C(1000));
    return copy;
}

/* Compared first: the policy refuses only what would be written. */
static void what_is_in_place_is_unchanged_whatever_the_policy_says(void **state)
{
    (void)state;
    char *key = with_the_check();
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.warnings, 1);
    assert_non_null(strstr(w.result.warning, "days"));
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    static const char *const other[] = {"{}", OLD_RUNNING, TLS("failed", END_TEXT)};
    for (size_t i = 0; i < 3; i++) {
        w.options.flags = i == 1 ? EMQX_TLS_DRY_RUN : 0;
        get_is(other[i]);
        expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
        assert_non_null(strstr(w.f->error.message, "days"));
        assert_int_equal(w.result.warnings, 1);
    }
    w.options.flags = EMQX_TLS_FORCE;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
    w.options.flags = 0;
    emqx_tls_test_clock_set_wall(w.f->clock, (END + 1) * INT64_C(1000));
    expect_end(EMQX_TLS_E_CHECK, NONE, 0, 0); /* expired: nothing is sent */
    free(key);
}

static void what_the_check_warns_of_comes_with_the_result(void **state)
{
    (void)state;
    emqx_tls_policy policy;
    emqx_tls_policy_init(&policy);
    policy.days_left = EMQX_TLS_WARN;
    w.options.policy = &policy;
    char *key = with_the_check();
    get_is("{}");
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.result.warnings, 1);
    assert_non_null(strstr(w.result.warning, "days"));
    free(key);
}

static void a_change_of_the_type_is_told(void **state)
{
    (void)state;
    static const char two_way[] =
        "{\"tlsType\":\"two-way\",\"status\":\"running\",\"expire\":\"" OLD_TEXT "\"}";
    w.options.flags = EMQX_TLS_DRY_RUN;
    get_is(two_way);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 0);
    assert_int_equal(w.result.type_changes, 1);
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 0);
    assert_int_equal(w.result.type_changes, 0);
    w.options.flags = 0;
    get_is(two_way);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    assert_int_equal(w.result.type_changes, 1);
    assert_int_equal(w.result.warnings, 0);
}

static void force_writes_what_looks_unchanged(void **state)
{
    (void)state;
    w.options.flags = EMQX_TLS_FORCE;
    get_is(SAME_RUNNING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(SAME_PENDING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is("{}");
    post_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
}

static void a_dry_run_reads_once_and_says_what_it_would_do(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint32_t action;
    } cases[] = {{"{}", CREATED},
                 {SAME_RUNNING, UNCHANGED},
                 {SAME_PENDING, UNCHANGED},
                 {OLD_RUNNING, UPDATED},
                 {OLD_PENDING, UPDATED},
                 {TLS("failed", END_TEXT), UPDATED},
                 {TLS("terminated", END_TEXT), CREATED},
                 {BARE("pending"), NONE}};
    w.options.flags = EMQX_TLS_DRY_RUN;
    w.options.wait_ms = MINUTES(10);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        get_is(cases[i].body);
        expect_end(EMQX_TLS_OK, cases[i].action, 1, 0);
    }
    get_is(TLS("running", NEW_TEXT));
    expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
    assert_int_equal(now(w.f), 1000000);
}

static void the_zone_is_seen_in_the_reply_to_the_write(void **state)
{
    (void)state;
    get_is("{}");
    post_is(TLS("pending", "2031-03-22 10:40:00"));
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    assert_int_equal(w.result.expire_offset_s, 8 * 3600);
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    put_is(BARE("pending"));
    get_is(OLD_RUNNING);
    get_is(TLS("running", "2031-03-22 10:40:00"));
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
    assert_int_equal(w.result.expire_offset_s, 8 * 3600);
}

static void a_reply_that_still_tells_the_old_end_teaches_no_zone(void **state)
{
    (void)state;
    w.options.wait_ms = MINUTES(10);
    w.options.flags = EMQX_TLS_ALLOW_EARLIER;
    get_is(TLS("running", "2031-03-22 10:40:00")); /* the old one ends 8 h later */
    put_is(TLS("pending", "2031-03-22 10:40:00"));
    get_is(TLS("running", "2031-03-22 10:40:00"));
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
    assert_int_equal(w.result.expire_offset_s, 0);
}

static void the_zone_can_be_told_by_the_caller(void **state)
{
    (void)state;
    get_is(TLS("running", "2031-03-22 10:40:00"));
    expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0); /* it looks later, and the message knows why */
    assert_non_null(strstr(w.f->error.message, "expire_offset_s"));
    w.options.expire_offset_s = 8 * 3600;
    get_is(TLS("running", "2031-03-22 10:40:00"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.expire_offset_s, 8 * 3600);
}

static void a_bare_date_is_enough(void **state)
{
    (void)state;
    get_is(TLS("running", "2031-03-22"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    get_is(TLS("running", "2031-03-21"));
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_leaf_that_can_not_be_read_is_written_only_over_what_differs(void **state)
{
    (void)state;
    w.f->request.cert = CERT_PEM;
    w.f->request.cert_len = strlen(CERT_PEM);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_INVALID, NONE, 1, 0);
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_E_INVALID, NONE, 1, 0);
    get_is("{\"tlsType\":\"two-way\",\"status\":\"running\"}");
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    w.options.wait_ms = MINUTES(10);
    get_is("{}");
    post_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, CREATED, 2, 1);
}

static void wrong_arguments_send_nothing(void **state)
{
    (void)state;
    emqx_tls_ensure_options good = w.options;
    w.options.flags = 0x80;
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
    w.options = good;
    w.options.expire_offset_s = 14 * 3600 + 1;
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
    w.options = good;
    w.options.receipt_dir = "";
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
    w.options = good;
    w.options.probe_host = "h";
    w.options.probe_port = 65536;
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
    w.options = good;
    w.f->request.key_len = 0;
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
    assert_int_equal(emqx_tls_ensure(w.f->client, "..", &w.f->request, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    w.f->request.key_len = strlen(KEY_PEM);
    assert_int_equal(emqx_tls_ensure(w.f->client, "..", &w.f->request, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    w.options.receipt_dir = w.folder;
    w.f->request.cert = CERT_PEM;
    w.f->request.cert_len = strlen(CERT_PEM);
    expect_end(EMQX_TLS_E_INVALID, NONE, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(absent_is_created),
        TEST(a_404_is_absent),
        TEST(the_same_running_is_left_alone),
        TEST(another_running_is_updated),
        TEST(another_type_is_updated),
        TEST(another_name_is_updated),
        TEST(the_same_pending_is_not_written_again),
        TEST(another_pending_is_updated),
        TEST(failed_gets_one_write),
        TEST(pending_that_fails_gets_one_write),
        TEST(terminated_is_waited_out_and_created),
        TEST(terminated_without_waiting_writes_nothing),
        TEST(states_that_are_not_known_are_taken_for_unfinished),
        TEST(pending_without_an_end_is_waited_for_until_it_can_be_told),
        TEST(running_without_an_end_is_refused_since_it_can_not_be_told),
        TEST(the_old_certificate_that_still_runs_is_no_success),
        TEST(at_the_deadline_it_says_what_it_knows),
        TEST(a_deadline_ends_a_read_that_hangs),
        TEST(failed_after_the_write_ends_at_once),
        TEST(what_runs_at_the_last_look_is_seen),
        TEST(nothing_there_after_the_write_is_waited_out_for_2_minutes),
        TEST(an_empty_reply_to_a_write_is_not_absence),
        TEST(one_that_looks_alike_must_be_seen_to_move_or_have_time),
        TEST(an_earlier_end_is_refused),
        TEST(what_is_in_place_is_unchanged_whatever_the_policy_says),
        TEST(what_the_check_warns_of_comes_with_the_result),
        TEST(a_change_of_the_type_is_told),
        TEST(force_writes_what_looks_unchanged),
        TEST(a_dry_run_reads_once_and_says_what_it_would_do),
        TEST(the_zone_is_seen_in_the_reply_to_the_write),
        TEST(a_reply_that_still_tells_the_old_end_teaches_no_zone),
        TEST(the_zone_can_be_told_by_the_caller),
        TEST(a_bare_date_is_enough),
        TEST(a_leaf_that_can_not_be_read_is_written_only_over_what_differs),
        TEST(wrong_arguments_send_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
