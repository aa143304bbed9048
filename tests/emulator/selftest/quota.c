/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The emulator's count of requests, at the edges of its windows. Windows are long and the time is
 * moved on, so that the moment at which a request is sent does not matter.
 */
#include "plain.h"

static int get(const emulator_run *e)
{
    return plain(e, "GET", "a", NULL).status;
}

static void a_sliding_window_frees_each_slot_in_its_turn(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, (const char *[]){"--reads", "2", "--window", "1000", NULL});
    assert_int_equal(get(&e), 200); /* 0 s */
    emulator_advance(&e, 400000);
    assert_int_equal(get(&e), 200); /* 400 s */
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 580000); /* 980 s */
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 20000); /* 1000 s: the first is out of the window */
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 400000); /* 1400 s */
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 429);
    assert_int_equal(emulator_count(&e, "over_quota"), 4);
    emulator_end(&e);
}

static void rejected_requests_may_count_too(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e,
                   (const char *[]){"--reads", "2", "--window", "1000", "--count-rejected", NULL});
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 200);
    emulator_advance(&e, 500000);
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 500000); /* one that was rejected is in the window */
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 429);
    emulator_end(&e);
}

static void fixed_windows_begin_at_their_offset(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, (const char *[]){"--reads", "2", "--window", "1000", "--window-kind",
                                        "fixed", "--window-offset", "300", NULL});
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 200);
    emulator_advance(&e, 280000);
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 20000); /* 300 s: twice as many in a moment */
    assert_int_equal(get(&e), 200);
    assert_int_equal(get(&e), 200);
    emulator_advance(&e, 980000);
    assert_int_equal(get(&e), 429);
    emulator_advance(&e, 20000);
    assert_int_equal(get(&e), 200);
    emulator_end(&e);
}

static void reads_and_writes_are_counted_apart(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, (const char *[]){"--reads", "1", "--writes", "2", NULL});
    assert_int_equal(plain(&e, "DELETE", "a", NULL).status, 404);
    /* refused, and counted all the same */
    assert_int_equal(plain(&e, "PUT", "b", "{}").status, 404);
    assert_int_equal(plain(&e, "POST", "c", "{}").status, 429);
    assert_int_equal(plain(&e, "GET", "a", NULL).status, 200);
    assert_int_equal(plain(&e, "GET", "b", NULL).status, 429);
    emulator_end(&e);
}

static void methods_and_deployments_may_be_counted_apart(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, (const char *[]){"--writes", "1", "--scope", "method", NULL});
    assert_int_equal(plain(&e, "DELETE", "a", NULL).status, 404);
    assert_int_equal(plain(&e, "PUT", "a", "{}").status, 404);
    assert_int_equal(plain(&e, "PUT", "b", "{}").status, 429);
    emulator_end(&e);
    emulator_start(&e, (const char *[]){"--writes", "1", "--scope", "deployment", NULL});
    assert_int_equal(plain(&e, "DELETE", "a", NULL).status, 404);
    assert_int_equal(plain(&e, "PUT", "b", "{}").status, 404);
    assert_int_equal(plain(&e, "PUT", "a", "{}").status, 429);
    emulator_end(&e);
}

static void keys_are_counted_apart(void **state)
{
    (void)state;
    emulator_run e;
    char path[] = "/tmp/emqxtls-credentials.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "a:1\nb:2:3\n", 10), 10);
    close(fd);
    emulator_start(&e, (const char *[]){"--reads", "1", "--credentials-file", path, NULL});
    assert_int_equal(plain_request(&e, "GET", "/deployments/x/tls", "a:1", NULL).status, 200);
    assert_int_equal(plain_request(&e, "GET", "/deployments/x/tls", "a:1", NULL).status, 429);
    assert_int_equal(plain_request(&e, "GET", "/deployments/x/tls", "b:2:3", NULL).status, 200);
    assert_int_equal(plain_request(&e, "GET", "/deployments/x/tls", "b:2", NULL).status, 401);
    assert_int_equal(plain_request(&e, "GET", "/deployments/x/tls", NULL, NULL).status, 401);
    emulator_end(&e);
    unlink(path);
}

static void retry_after_tells_when_a_request_may_pass(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(
        &e, (const char *[]){"--reads", "1", "--window", "1000", "--retry-after", "seconds", NULL});
    get(&e);
    emulator_advance(&e, 400000);
    reply r = plain(&e, "GET", "a", NULL);
    assert_in_range(atoi(r.retry_after), 580, 600);
    emulator_end(&e);
    emulator_start(
        &e, (const char *[]){"--reads", "1", "--window", "1000", "--retry-after", "date", NULL});
    get(&e);
    emulator_advance(&e, 400000);
    r = plain(&e, "GET", "a", NULL);
    assert_in_range(curl_getdate(r.retry_after, NULL) - curl_getdate(r.date, NULL), 580, 601);
    emulator_end(&e);
    emulator_start(&e, (const char *[]){"--reads", "1", NULL});
    get(&e);
    assert_string_equal(plain(&e, "GET", "a", NULL).retry_after, "");
    emulator_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sliding_window_frees_each_slot_in_its_turn),
        cmocka_unit_test(rejected_requests_may_count_too),
        cmocka_unit_test(fixed_windows_begin_at_their_offset),
        cmocka_unit_test(reads_and_writes_are_counted_apart),
        cmocka_unit_test(methods_and_deployments_may_be_counted_apart),
        cmocka_unit_test(keys_are_counted_apart),
        cmocka_unit_test(retry_after_tells_when_a_request_may_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
