/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A quota file in several hands: limiters at once, children, one that is deleted or replaced,
 * locked by a process that has stopped.
 */
#include "support/file_rig.h"

#include <emqxtls/emqxtls.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static emqxi_error error;
static emqx_tls_error told;

static void limiters_that_are_open_at_once_share_it(void **state)
{
    (void)state;
    emqx_tls_limiter *one = file_open(NULL), *two = file_open(NULL);
    for (int i = 0; i < 3; i++) {
        use(one, WRITE);
        use(two, WRITE);
    }
    assert_int_equal(used(one, WRITE), 6);
    assert_int_equal(used(two, WRITE), 6);
    emqx_tls_limiter_unref(one);
    emqx_tls_limiter_unref(two);
}

static void a_file_deleted_under_an_open_limiter_is_made_again_and_shared(void **state)
{
    (void)state;
    emqx_tls_limiter *old = file_open(NULL);
    use(old, WRITE);
    unlink(path);
    emqx_tls_limiter *new = file_open(NULL);
    use(new, WRITE);
    use(new, WRITE);
    assert_int_equal(used(old, WRITE), 2);
    use(old, WRITE);
    assert_int_equal(used(new, WRITE), 3);
    emqx_tls_limiter_unref(old);
    emqx_tls_limiter_unref(new);
}

static void a_ticket_of_a_deleted_file_changes_nothing_in_its_successor(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve before, after;
    assert_int_equal(reserve(limiter, WRITE, "d1", &before, &error), EMQX_TLS_OK);
    unlink(path);
    assert_int_equal(reserve(limiter, WRITE, "d1", &after, &error), EMQX_TLS_OK);
    emqxi_limiter_settle(limiter, before.ticket, EMQX_TLS_OUTCOME_NOT_SENT, -1, 0, &error);
    assert_int_equal(used(limiter, WRITE), 1);
    emqx_tls_limiter_unref(limiter);
}

static void a_file_replaced_by_one_with_other_settings_is_refused(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqx_tls_limiter_config config = defaults();
    emqxi_reserve r;
    config.writes = 7;
    unlink(path);
    emqx_tls_limiter_unref(file_open(&config));
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "writes 7"));
    emqx_tls_limiter_unref(limiter);
}

static void in_child(void (*run)(void *), void *context)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        run(context);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void reserve_in_child(void *limiter)
{
    emqxi_reserve r;
    if (reserve(limiter, WRITE, "d1", &r, &error) != EMQX_TLS_OK || !r.granted)
        _exit(1);
}

static void a_child_uses_its_parents_limiter(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, WRITE);
    in_child(reserve_in_child, limiter);
    assert_int_equal(used(limiter, WRITE), 2);
    emqx_tls_limiter_unref(limiter);
}

static void lock_in_child(void *context)
{
    emqxi_file *file = context;
    if (emqxi_file_lock(file) || file->disk.error.retry_after_ms < 0)
        _exit(1);
}

/* On the parent's descriptor the child would be given the lock that the parent has. */
static void a_lock_of_the_parent_is_not_the_childs(void **state)
{
    (void)state;
    emqx_tls_store store;
    emqxi_settings settings;
    assert_int_equal(emqxi_file_open(path, NULL, NULL, &store, &settings, NULL), EMQX_TLS_OK);
    assert_true(emqxi_file_lock(store.context));
    in_child(lock_in_child, store.context);
    emqxi_file_unlock(store.context);
    store.destroy(store.context);
}

static int lock_file(void)
{
    int fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void a_locked_file_is_busy_and_told_when_to_look_again(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    int fd = lock_file();
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    assert_false(r.granted);
    assert_true(r.busy);
    assert_in_range(r.look_again_ms, 1, 50);
    close(fd);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    assert_true(r.granted);
    emqx_tls_limiter_unref(limiter);
}

static void a_file_that_stays_locked_ends_settling_and_queries_with_store(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    emqx_tls_error_init(&told);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    int fd = lock_file();
    int64_t before = emqx_tls_test_clock_now(timer);
    assert_int_equal(
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 500, &error),
        EMQX_TLS_E_STORE);
    assert_int_equal(emqx_tls_test_clock_now(timer) - before, 500);
    assert_int_equal(emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, &told), EMQX_TLS_E_STORE);
    assert_non_null(strstr(told.message, "locked by another process"));
    close(fd);
    emqx_tls_limiter_unref(limiter);
}

/* -- a call on a locked file ------------------------------------------------------------------- */

static void unlock(void *fd)
{
    close(*(int *)fd);
}

/* The lock goes after unlock_ms, if at all. */
static emqx_tls_code call_on_a_locked_file(int64_t unlock_ms, size_t sent)
{
    emqx_tls_limiter *limiter = file_open(NULL);
    emqx_tls_test_transport *script = emqx_tls_test_transport_new(timer);
    emqx_tls_test_step answer = {.method = "GET", .http_status = 200, .body = "{}"};
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&told);
    config.endpoint = "https://platform.test/v1";
    config.api_key = "key";
    config.api_secret = "secret";
    config.limiter = limiter;
    config.transport = emqx_tls_test_transport_vtable(script);
    config.clock = emqx_tls_test_clock_vtable(timer);
    emqx_tls_test_transport_expect(script, &answer);
    assert_int_equal(emqx_tls_client_new(&config, &client, &told), EMQX_TLS_OK);
    int fd = lock_file();
    int64_t begin = emqx_tls_test_clock_now(timer);
    if (unlock_ms > 0)
        emqx_tls_test_clock_at(timer, begin + unlock_ms, unlock, &fd);
    emqx_tls_code code = emqx_tls_get(client, "d1", NULL, &told);
    assert_true(emqx_tls_test_clock_now(timer) - begin <= (int64_t)config.timeout_ms);
    emqx_tls_client_free(client);
    emqx_tls_limiter_unref(limiter);
    if (unlock_ms == 0)
        close(fd);
    assert_int_equal(emqx_tls_test_transport_count(script), sent);
    emqx_tls_test_transport_free(script);
    return code;
}

static void a_call_waits_for_the_lock_and_goes_on(void **state)
{
    (void)state;
    assert_int_equal(call_on_a_locked_file(2000, 1), EMQX_TLS_OK);
}

static void a_lock_that_is_never_given_back_ends_a_call_at_its_deadline_with_store(void **state)
{
    (void)state;
    assert_int_equal(call_on_a_locked_file(0, 0), EMQX_TLS_E_STORE);
    assert_int_equal(told.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(told.attempts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(limiters_that_are_open_at_once_share_it),
        file_test(a_file_deleted_under_an_open_limiter_is_made_again_and_shared),
        file_test(a_ticket_of_a_deleted_file_changes_nothing_in_its_successor),
        file_test(a_file_replaced_by_one_with_other_settings_is_refused),
        file_test(a_child_uses_its_parents_limiter),
        file_test(a_lock_of_the_parent_is_not_the_childs),
        file_test(a_locked_file_is_busy_and_told_when_to_look_again),
        file_test(a_file_that_stays_locked_ends_settling_and_queries_with_store),
        file_test(a_call_waits_for_the_lock_and_goes_on),
        file_test(a_lock_that_is_never_given_back_ends_a_call_at_its_deadline_with_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
