/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure with receipts: what they make certain, and what is kept of what did not happen.
 */
#include "support/receipt_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

static void a_write_leaves_a_receipt_and_unchanged_is_certain(void **state)
{
    (void)state;
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    static const char *const bare[] = {BARE("running"), BARE("pending")};
    for (size_t i = 0; i < 2; i++) { /* what the status does not tell, the receipt does */
        get_is(bare[i]);
        expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
        certainly(1);
    }
}

static void without_a_receipt_unchanged_is_what_the_status_tells(void **state)
{
    (void)state;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(0);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_NONE);
}

static void a_new_key_with_the_same_end_is_written(void **state)
{
    (void)state;
    char *second = make_leaf(NAME, END);
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    w.f->request.cert = second;
    w.f->request.cert_len = strlen(second);
    get_is(SAME_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    w.f->request.cert = w.leaf; /* and back, while that one is pending */
    w.f->request.cert_len = strlen(w.leaf);
    get_is(SAME_PENDING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(second);
}

static void a_new_client_ca_is_written(void **state)
{
    (void)state;
    static const char running[] =
        "{\"tlsType\":\"two-way\",\"status\":\"running\",\"expire\":\"" END_TEXT "\"}";
    char *first = make_leaf("first CA", END), *second = make_leaf("second CA", END);
    w.f->request.type = EMQX_TLS_TYPE_TWO_WAY;
    w.f->request.cacert = first;
    w.f->request.cacert_len = strlen(first);
    get_is("{}");
    write_is("POST", 200, running);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    get_is(running);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    w.f->request.cacert = second;
    w.f->request.cacert_len = strlen(second);
    get_is(running);
    write_is("PUT", 200, running);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(first);
    free(second);
}

static void a_receipt_of_what_somebody_else_replaced_counts_for_nothing(void **state)
{
    (void)state;
    char *old = make_leaf(NAME, END - 86400 * 90);
    const char *wanted = w.f->request.cert;
    size_t wanted_len = w.f->request.cert_len;
    w.f->request.cert = old;
    w.f->request.cert_len = strlen(old);
    get_is("{}");
    write_is("POST", 200, BARE("pending"));
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    w.f->request.cert = wanted;
    w.f->request.cert_len = wanted_len;
    get_is(SAME_RUNNING); /* written by another way than this folder */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(0);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(old);
}

static void a_write_that_does_not_show_yet_is_not_repeated(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    w.options.wait_ms = MINUTES(10);
    gets_are(2, OLD_RUNNING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 3, 0);
    w.options.wait_ms = 0;
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(30));
    get_is(OLD_RUNNING); /* half an hour is enough: somebody put the old one back */
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(TLS("running", "2026-07-01 00:00:00")); /* and this is neither the old one nor ours */
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void nor_after_the_clock_was_set_back(void **state)
{
    (void)state;
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    emqx_tls_test_clock_set_wall(w.f->clock, 1767225600000 - MINUTES(60)); /* it was an hour fast */
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    /* counted from then: it does not hold it up for good */
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(30));
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

/* Reads may lag behind writes: what was taken less than 2 minutes ago is not written again though
 * nothing shows, and what comes back is not the status of what was there before. */
static void nothing_there_right_after_a_write_is_no_reason_to_write(void **state)
{
    (void)state;
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    emqx_tls_test_clock_advance(w.f->clock, 60000);
    get_is("{}");
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    w.options.wait_ms = MINUTES(10);
    gets_are(2, "{}");
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 3, 0);
    char *next = make_leaf(NAME, END + 86400);
    w.f->request.cert = next;
    w.f->request.cert_len = strlen(next);
    w.options.wait_ms = 0;
    get_is("{}"); /* another one is coming: neither POST nor PUT is right yet */
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    free(next);
    w.f->request.cert = w.leaf;
    w.f->request.cert_len = strlen(w.leaf);
    emqx_tls_test_clock_advance(w.f->clock, 120000);
    get_is("{}"); /* now somebody has deleted it */
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
}

static void the_one_before_that_still_runs_is_not_told_as_running(void **state)
{
    (void)state;
    char *second = make_leaf(NAME, END);
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(5));
    w.f->request.cert = second; /* with the same end: the status can't tell the two */
    w.f->request.cert_len = strlen(second);
    get_is(SAME_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    emqx_tls_test_clock_advance(w.f->clock, 30000);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    w.options.wait_ms = MINUTES(10);
    int64_t began = now(w.f);
    gets_are(5, SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 5, 0);
    assert_in_range(now(w.f) - began, 31000, 45000); /* a minute after the write */
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_RUNNING);
    w.options.wait_ms = 0;
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.f->status.state, EMQX_TLS_STATE_PENDING);
    assert_string_equal(w.f->status.expire_text, "");
    free(second);
}

/* A pending one that tells only its state: the receipt knows when it ends. */
static void an_earlier_end_than_that_of_the_receipt_is_refused(void **state)
{
    (void)state;
    char *later = make_leaf(NAME, END + 86400);
    w.f->request.cert = later;
    w.f->request.cert_len = strlen(later);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, BARE("pending"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    w.f->request.cert = w.leaf;
    w.f->request.cert_len = strlen(w.leaf);
    get_is(BARE("pending"));
    expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
    assert_non_null(strstr(w.f->error.message, "ALLOW_EARLIER"));
    get_is(OLD_RUNNING); /* it does not show yet */
    expect_end(EMQX_TLS_E_CHECK, NONE, 1, 0);
    w.options.flags = EMQX_TLS_ALLOW_EARLIER;
    get_is(BARE("pending"));
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    free(later);
}

#define NAMED(status, expire, cn)                                                                  \
    "{\"tlsType\":\"one-way\",\"status\":\"" status "\",\"expire\":\"" expire "\",\"cn\":\"" cn    \
    "\"}"

/* How the platform spells the name decides nothing, and what it told of our own write is known. */
static void a_name_that_is_told_otherwise_is_no_reason_to_write(void **state)
{
    (void)state;
    static const char *const alike[] = {
        NAMED("running", END_TEXT, "CN=" NAME), NAMED("running", END_TEXT, NAME "."),
        NAMED("running", END_TEXT, "MQTT.EXAMPLE"), NAMED("running", END_TEXT, "CN=" NAME ",O=x")};
    for (size_t i = 0; i < 4; i++) {
        get_is(alike[i]);
        expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    }
    w.options.wait_ms = MINUTES(10);
    get_is(NAMED("running", END_TEXT, "my broker (1)")); /* another one with this end, perhaps */
    write_is("PUT", 200, NAMED("pending", END_TEXT, "my broker (1)"));
    get_is(NAMED("pending", END_TEXT, "my broker (1)"));
    get_is(NAMED("running", END_TEXT, "my broker (1)"));
    expect_end(EMQX_TLS_OK, UPDATED, 3, 1);
    assert_string_equal(receipt().cn, "my broker (1)");
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(60));
    get_is(NAMED("running", END_TEXT, "my broker (1)"));
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    w.options.wait_ms = 0;
    get_is(NAMED("running", END_TEXT, "my broker (2)")); /* but this is not it */
    write_is("PUT", 200, NAMED("pending", END_TEXT, "my broker (1)"));
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void there_is_nothing_secret_in_it(void **state)
{
    (void)state;
    char path[256], text[4096] = "";
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    path_of(".json", path);
    int fd = open(path, O_RDONLY);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    assert_null(strstr(text, "c2VjcmV0"));
    assert_null(strstr(text, "PRIVATE"));
    assert_null(strstr(text, API_SECRET));
}

/* -- what did not happen is not kept ----------------------------------------------------------- */

static void a_refused_write_puts_the_receipt_back(void **state)
{
    (void)state;
    emqx_tls_test_step not_sent = {.method = "PUT",
                                   .code = EMQX_TLS_E_TRANSPORT,
                                   .delivery = EMQX_TLS_DELIVERY_NOT_SENT,
                                   .times = 3};
    get_is("{}");
    write_is("POST", 422, "");
    get_is("{}");
    expect_end(EMQX_TLS_E_UNPROCESSABLE, NONE, 2, 1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_NONE);
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    emqxi_receipt before = receipt();
    w.options.flags = EMQX_TLS_FORCE;
    get_is(SAME_RUNNING);
    write_is("PUT", 401, "");
    expect_end(EMQX_TLS_E_UNAUTHORIZED, NONE, 1, 1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
    get_is(SAME_RUNNING);
    expect(w.f, &not_sent);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 1, 0);
    emqxi_receipt after = receipt();
    assert_memory_equal(&after, &before, sizeof after);
}

static void without_quota_nothing_is_written_into_the_folder(void **state)
{
    (void)state;
    expect_many(w.f, 6, "PUT", 200, SAME_PENDING);
    for (int i = 0; i < 6; i++)
        assert_int_equal(update(w.f), EMQX_TLS_OK);
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_RATE_LIMITED, NONE, 1, 0);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_NONE);
}

static void where_the_intent_can_not_be_written_nothing_is_sent(void **state)
{
    (void)state;
    struct rlimit old, none;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    none = old;
    none.rlim_cur = 100;
    get_is("{}");
    setrlimit(RLIMIT_FSIZE, &none);
    emqx_tls_code code = ensure();
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(code, EMQX_TLS_E_STORE);
    assert_int_equal(w.result.writes, 0);
    assert_non_null(strstr(w.f->error.message, w.folder));
    assert_int_equal(quota(w.f, EMQX_TLS_OP_CREATE).used, 0); /* the slot was given back */
}

static struct rlimit old_limit;

static const char *disk_is_full(void *context, const emqx_tls_exchange *x)
{
    struct rlimit none;
    (void)context;
    (void)x;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit);
    none = old_limit;
    none.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &none);
    return NULL;
}

static void where_done_can_not_be_written_it_is_done_but_not_certain(void **state)
{
    (void)state;
    emqx_tls_test_step taken = {
        .method = "POST", .http_status = 200, .body = SAME_PENDING, .check = disk_is_full};
    get_is("{}");
    expect(w.f, &taken);
    emqx_tls_code code = ensure();
    setrlimit(RLIMIT_FSIZE, &old_limit);
    assert_int_equal(code, EMQX_TLS_OK);
    assert_int_equal(w.result.action, CREATED);
    certainly(0);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_INTENT);
    get_is(SAME_RUNNING); /* the next call sees that it was carried out */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void a_dry_run_leaves_the_folder_as_it_is(void **state)
{
    (void)state;
    char path[256];
    w.options.flags = EMQX_TLS_DRY_RUN;
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 0);
    path_of(".json", path);
    assert_int_equal(access(path, F_OK), -1);
    path_of(".lock", path);
    assert_int_equal(access(path, F_OK), -1);
}

/* -- two at once ------------------------------------------------------------------------------- */

static void one_that_is_stopped_does_not_hang_the_next(void **state)
{
    (void)state;
    emqxi_receipt_file other;
    bool busy;
    assert_int_equal(emqxi_receipt_open(&other, &emqxi_malloc, w.folder, "d1", NULL), EMQX_TLS_OK);
    assert_int_equal(emqxi_receipt_lock(&other, &busy, NULL), EMQX_TLS_OK);
    expect_end(EMQX_TLS_E_STORE, NONE, 0, 0);
    assert_in_range(now(w.f), 1030000, 1030200); /* timeout_ms */
    assert_non_null(strstr(w.f->error.message, w.folder));
    w.options.wait_ms = 5000;
    expect_end(EMQX_TLS_E_STORE, NONE, 0, 0);
    assert_in_range(now(w.f), 1035000, 1035400);
    emqxi_receipt_close(&other);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
}

static void two_at_once_spend_one_write(void **state)
{
    (void)state;
    ended first = {0}, second = {0};
    w.options.wait_ms = MINUTES(10);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    get_is(SAME_PENDING);
    get_is(SAME_RUNNING);
    get_is(SAME_RUNNING); /* the second one's */
    start_ensure(&first);
    start_ensure(&second);
    run_all();
    assert_int_equal(first.count + second.count, 2);
    assert_int_equal(first.code, EMQX_TLS_OK);
    assert_int_equal(second.code, EMQX_TLS_OK);
    assert_int_equal(first.result.writes + second.result.writes, 1);
    assert_true(first.result.certain && second.result.certain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_leaves_a_receipt_and_unchanged_is_certain),
        TEST(without_a_receipt_unchanged_is_what_the_status_tells),
        TEST(a_new_key_with_the_same_end_is_written),
        TEST(a_new_client_ca_is_written),
        TEST(a_receipt_of_what_somebody_else_replaced_counts_for_nothing),
        TEST(a_write_that_does_not_show_yet_is_not_repeated),
        TEST(nor_after_the_clock_was_set_back),
        TEST(nothing_there_right_after_a_write_is_no_reason_to_write),
        TEST(the_one_before_that_still_runs_is_not_told_as_running),
        TEST(an_earlier_end_than_that_of_the_receipt_is_refused),
        TEST(a_name_that_is_told_otherwise_is_no_reason_to_write),
        TEST(there_is_nothing_secret_in_it),
        TEST(a_refused_write_puts_the_receipt_back),
        TEST(without_quota_nothing_is_written_into_the_folder),
        TEST(where_the_intent_can_not_be_written_nothing_is_sent),
        TEST(where_done_can_not_be_written_it_is_done_but_not_certain),
        TEST(a_dry_run_leaves_the_folder_as_it_is),
        TEST(one_that_is_stopped_does_not_hang_the_next),
        TEST(two_at_once_spend_one_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
