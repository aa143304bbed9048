/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure with receipts: what they make certain, and what a crash at any step leaves to the next
 * call.
 */
#include "support/provision_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "provision/receipt_file.h"

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define CREATED   EMQX_TLS_ACTION_CREATED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

static int set_up(void **state)
{
    int code = world_set_up(state);
    w.options.receipt_dir = w.folder;
    return code;
}

/* The receipt as it is now. */
static emqxi_receipt receipt(void)
{
    emqxi_receipt_file file;
    emqxi_receipt r;
    bool damaged;
    assert_int_equal(emqxi_receipt_open(&file, w.folder, "d1", NULL), EMQX_TLS_OK);
    assert_int_equal(emqxi_receipt_load(&file, &r, &damaged, NULL), EMQX_TLS_OK);
    assert_false(damaged);
    emqxi_receipt_close(&file);
    return r;
}

static void path_of(const char *ending, char to[256])
{
    emqxi_receipt_file file;
    assert_int_equal(emqxi_receipt_open(&file, w.folder, "d1", NULL), EMQX_TLS_OK);
    snprintf(to, 256, "%s/%s%s", w.folder, file.name, ending);
    emqxi_receipt_close(&file);
}

static void copy_file(const char *from, const char *to)
{
    char text[4096];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n = read(in, text, sizeof text);
    assert_true(n > 0);
    assert_int_equal(write(out, text, (size_t)n), n);
    close(in);
    close(out);
}

/* Looks at the folder while the write is on its way, and keeps what a crash would leave. */
static const char *intent_is_written(void *context, const emqx_tls_exchange *x)
{
    char path[256], kept[300];
    (void)context;
    (void)x;
    if (receipt().state != EMQXI_RECEIPT_INTENT)
        return "no intent is in the folder";
    path_of(".json", path);
    snprintf(kept, sizeof kept, "%s/kept", w.folder);
    copy_file(path, kept);
    return NULL;
}

static void write_is(const char *method, int32_t status, const char *body)
{
    emqx_tls_test_step step = {
        .method = method, .http_status = status, .body = body, .check = intent_is_written};
    expect(w.f, &step);
}

/* As if the process had died after its write left. */
static void crash(void)
{
    char path[256], kept[300];
    path_of(".json", path);
    snprintf(kept, sizeof kept, "%s/kept", w.folder);
    assert_int_equal(rename(kept, path), 0);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_INTENT);
}

static void certainly(uint32_t certain)
{
    assert_int_equal(w.result.certain, certain);
}

/* -- certainty --------------------------------------------------------------------------------- */

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
    get_is(BARE("running")); /* what the status does not tell, the receipt does */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
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

/* -- crashes ----------------------------------------------------------------------------------- */

static void write_over_old_and_crash(void)
{
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
}

static void after_a_crash_a_write_that_shows_is_done(void **state)
{
    (void)state;
    write_over_old_and_crash();
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
    /* so that the old one again is not that write's own delay */
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(30));
    write_over_old_and_crash();
    get_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void after_a_crash_nothing_is_written_while_the_old_write_may_arrive(void **state)
{
    (void)state;
    write_over_old_and_crash();
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0); /* it would have to wait */
    assert_non_null(strstr(w.f->error.message, "may still arrive"));
    w.options.wait_ms = MINUTES(10);
    size_t first = emqx_tls_test_transport_count(w.f->script);
    /* at once, 5, 10, 20, 40, 90 s: its 30 s, and 60 s for it to arrive */
    gets_are(6, OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UPDATED, 7, 1);
    assert_true(came_at(first + 6) >= 90000);
    assert_true(came_at(first + 5) >= 90000);
}

static void after_a_crash_what_is_pending_is_waited_for(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, MINUTES(10));
    /* the write, or something else, is on its way: it does not tell which end it will have */
    get_is(OLD_PENDING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    w.options.wait_ms = MINUTES(10);
    gets_are(3, OLD_PENDING);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 4, 0);
    certainly(1);
}

static void later_it_is_written_at_once(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_clock_that_went_back_does_not_shorten_that_nor_hold_it_up_for_good(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_set_wall(w.f->clock, 0); /* 1970 */
    get_is(OLD_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_write_of_one_that_looks_alike_is_made_again_after_a_crash(void **state)
{
    (void)state;
    w.options.flags = EMQX_TLS_FORCE;
    get_is(SAME_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    w.options.flags = 0;
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(SAME_RUNNING); /* which of the two? */
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    crash();
    get_is(SAME_PENDING); /* it was running, so this is the write */
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_DONE);
}

static void failed_after_a_crash_gets_one_write(void **state)
{
    (void)state;
    write_over_old_and_crash();
    emqx_tls_test_clock_advance(w.f->clock, 91000);
    get_is(TLS("failed", END_TEXT));
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
}

static void a_call_cancelled_on_its_way_is_as_a_crash(void **state)
{
    (void)state;
    emqx_tls_test_step hangs = {
        .method = "PUT", .flags = EMQX_TLS_TEST_NEVER, .check = intent_is_written};
    w.options.wait_ms = 10000;
    get_is(OLD_RUNNING);
    expect(w.f, &hangs);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 1);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_INTENT);
    w.options.wait_ms = 0;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(1);
}

static int warnings;

static void count_warnings(void *user, int32_t level, const char *line)
{
    (void)user;
    warnings += level == EMQX_TLS_LOG_WARNING && strstr(line, "damaged") != NULL;
}

static void a_damaged_receipt_counts_as_none_and_is_logged(void **state)
{
    (void)state;
    char path[256];
    get_is("{}");
    write_is("POST", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, CREATED, 1, 1);
    path_of(".json", path);
    assert_int_equal(truncate(path, 50), 0);
    emqx_tls_client_free(w.f->client);
    w.f->config.log = count_warnings;
    open_client(w.f);
    warnings = 0;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    certainly(0);
    assert_int_equal(warnings, 1);
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1);
    certainly(1);
}

/* -- zone -------------------------------------------------------------------------------------- */

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

/* -- two at once ------------------------------------------------------------------------------- */

static void one_that_is_stopped_does_not_hang_the_next(void **state)
{
    (void)state;
    emqxi_receipt_file other;
    bool busy;
    assert_int_equal(emqxi_receipt_open(&other, w.folder, "d1", NULL), EMQX_TLS_OK);
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

typedef struct ended {
    int count;
    emqx_tls_code code;
    emqx_tls_ensure_result result;
} ended;

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    ended *e = user;
    e->count++;
    e->code = code;
    emqx_tls_ensure_result_init(&e->result);
    emqx_tls_call_ensure_result(call, &e->result);
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
    assert_int_equal(emqx_tls_submit_ensure(w.f->client, "d1", &w.f->request, &w.options, note,
                                            &first, NULL, NULL),
                     EMQX_TLS_OK);
    assert_int_equal(emqx_tls_submit_ensure(w.f->client, "d1", &w.f->request, &w.options, note,
                                            &second, NULL, NULL),
                     EMQX_TLS_OK);
    while (emqx_tls_client_pending(w.f->client) > 0)
        assert_int_equal(emqx_tls_client_run(w.f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(first.count + second.count, 2);
    assert_int_equal(first.code, EMQX_TLS_OK);
    assert_int_equal(second.code, EMQX_TLS_OK);
    assert_int_equal(first.result.writes + second.result.writes, 1);
    assert_true(first.result.certain && second.result.certain);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

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
        TEST(there_is_nothing_secret_in_it),
        TEST(a_refused_write_puts_the_receipt_back),
        TEST(without_quota_nothing_is_written_into_the_folder),
        TEST(where_the_intent_can_not_be_written_nothing_is_sent),
        TEST(where_done_can_not_be_written_it_is_done_but_not_certain),
        TEST(a_dry_run_leaves_the_folder_as_it_is),
        TEST(after_a_crash_a_write_that_shows_is_done),
        TEST(after_a_crash_nothing_is_written_while_the_old_write_may_arrive),
        TEST(after_a_crash_what_is_pending_is_waited_for),
        TEST(later_it_is_written_at_once),
        TEST(a_clock_that_went_back_does_not_shorten_that_nor_hold_it_up_for_good),
        TEST(a_write_of_one_that_looks_alike_is_made_again_after_a_crash),
        TEST(failed_after_a_crash_gets_one_write),
        TEST(a_call_cancelled_on_its_way_is_as_a_crash),
        TEST(a_damaged_receipt_counts_as_none_and_is_logged),
        TEST(the_zone_is_kept),
        TEST(summer_time_moves_the_zone_by_an_hour),
        TEST(a_zone_that_moves_the_day_is_learned_too),
        TEST(the_zone_is_learned_also_after_a_crash),
        TEST(one_that_is_stopped_does_not_hang_the_next),
        TEST(two_at_once_spend_one_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
