/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a Redis that is away, started again, emptied or set up otherwise does to the quota.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "peer.h"
#include "real_clock.h"
#include "server.h"

#include "limiter/limiter.h"
#include "redis/link.h"

#include <emqxtls/redis.h>

static server s;
static emqx_tls_error error;

static emqx_tls_limiter *open_limiter(const char *url, const char *prefix, uint32_t flags)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *limiter = NULL;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    config.flags = flags;
    if (emqx_tls_limiter_open_redis(url, prefix, &config, &limiter, &error) != EMQX_TLS_OK)
        assert_null(limiter);
    return limiter;
}

static emqx_tls_code reserve(emqx_tls_limiter *limiter, uint32_t op, emqxi_reserve *r)
{
    emqxi_waiter waiter = {0};
    *r = (emqxi_reserve){.op = op, .deployment_id = "d1", .lease_ms = 1000};
    emqxi_error own;
    emqxi_error_clear(&own);
    emqx_tls_code code = emqxi_limiter_reserve(limiter, r, &waiter, &own);
    emqx_tls_error_init(&error);
    emqxi_error_out(&error, &own);
    return r->busy ? EMQX_TLS_E_STORE : code;
}

static int setup(void **state)
{
    (void)state;
    server_new(&s, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_free(&s);
    return 0;
}

static void two_hosts_share_one_quota_and_every_key_expires(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqx_tls_limiter *a = open_limiter(s.socket_url, "p", 0),
                     *b = open_limiter(s.socket_url, "p", 0);
    assert_non_null(a);
    assert_non_null(b);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(reserve(i % 2 ? a : b, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_OK);
        assert_true(r.granted);
    }
    assert_int_equal(reserve(a, EMQX_TLS_OP_DELETE, &r), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(reserve(b, EMQX_TLS_OP_DELETE, &r), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(server_command(&s, "DBSIZE"), 2); /* the writes, and the epoch */
    assert_true(server_command(&s, "PTTL p:writes") > 3600000);
    assert_true(server_command(&s, "PTTL p:epoch") > 3600000);
    emqx_tls_limiter_unref(a);
    emqx_tls_limiter_unref(b);
}

static void away_refuses_and_comes_back_by_itself(void **state)
{
    (void)state;
    emqxi_reserve r, held;
    emqx_tls_limiter *limiter = open_limiter(s.tcp_url, NULL, 0);
    assert_non_null(limiter);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &held), EMQX_TLS_OK);
    server_kill(&s);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "127.0.0.1"));
    assert_null(strstr(error.message, "p@ss"));
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_GET, &r), EMQX_TLS_E_STORE);
    assert_int_equal(
        emqxi_limiter_settle(limiter, held.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL),
        EMQX_TLS_E_STORE);

    server_start(&s); /* it kept its data */
    emqx_tls_code code = EMQX_TLS_E_STORE;
    for (int64_t end = real_ms() + PATIENCE_MS; code != EMQX_TLS_OK && real_ms() < end;) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        code = reserve(limiter, EMQX_TLS_OP_UPDATE, &r);
    }
    assert_int_equal(code, EMQX_TLS_OK);
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_UPDATE, NULL, &quota, &error),
                     EMQX_TLS_OK);
    assert_int_equal(quota.used, 2);
    emqx_tls_limiter_unref(limiter);
}

static void reads_go_on_without_it_if_so_set(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqx_tls_limiter *limiter = open_limiter(s.socket_url, NULL, EMQX_TLS_READS_WITHOUT_STORE);
    assert_non_null(limiter);
    server_kill(&s);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(reserve(limiter, EMQX_TLS_OP_GET, &r), EMQX_TLS_OK);
        assert_int_equal(
            emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL),
            EMQX_TLS_OK);
    }
    /* but not without end */
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_GET, &r), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_E_STORE);
    emqx_tls_limiter_unref(limiter);
}

static void lost_data_is_never_an_empty_quota(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqx_tls_limiter *limiter = open_limiter(s.socket_url, NULL, 0);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_OK);
    server_command(&s, "FLUSHALL");
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "lost"));
    emqx_tls_limiter *other = open_limiter(s.socket_url, NULL, 0); /* who comes later is told too */
    assert_null(other);
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
    emqx_tls_limiter_unref(limiter);
}

static void a_fresh_redis_that_keeps_nothing_may_have_forgotten(void **state)
{
    (void)state;
    server fresh;
    server_new(&fresh, false);
    assert_null(open_limiter(fresh.socket_url, NULL, 0));
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "appendonly"));
    server_free(&fresh);
}

/* Else what grew old in Redis while this machine was suspended would look lost. */
static void time_in_which_this_machine_is_suspended_counts(void **state)
{
    (void)state;
#ifdef CLONE_NEWTIME
    int status;
    const int64_t before = emqxi_link_now();
    pid_t child = fork();
    if (child == 0) {
        static const char offset[] = "boottime 7200 0"; /* as if suspended for 2 h */
        int fd = unshare(CLONE_NEWUSER | CLONE_NEWTIME) == 0
                     ? open("/proc/self/timens_offsets", O_WRONLY)
                     : -1;
        if (fd < 0 || write(fd, offset, sizeof offset - 1) != sizeof offset - 1)
            _exit(77);
        pid_t inside = fork(); /* only children are in it */
        if (inside == 0)
            _exit(emqxi_link_now() - before < 7200000);
        _exit(waitpid(inside, &status, 0) == inside && status == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not allowed here */
    assert_int_equal(status, 0);
#else
    skip();
#endif
}

static void other_settings_under_one_prefix_are_told(void **state)
{
    (void)state;
    emqx_tls_limiter_config config;
    emqx_tls_limiter *other = NULL, *limiter = open_limiter(s.socket_url, NULL, 0);
    emqx_tls_limiter_config_init(&config);
    config.writes = 7;
    assert_int_equal(emqx_tls_limiter_open_redis(s.socket_url, NULL, &config, &other, &error),
                     EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "60/6/3600000/0"));
    assert_null(other);
    emqx_tls_limiter_unref(limiter);
}

static void a_wrong_password_is_told_at_once_and_not_shown(void **state)
{
    char url[160];
    (void)state;
    snprintf(url, sizeof url, "redis://:hunter22@127.0.0.1:%d", s.port);
    assert_null(open_limiter(url, NULL, 0));
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "password"));
    assert_null(strstr(error.message, "hunter22"));
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", s.port);
    assert_null(open_limiter(url, NULL, 0));
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
}

static void a_429_is_known_to_all_though_redis_has_forgotten_the_script(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqx_tls_quota quota;
    emqx_tls_limiter *limiter = open_limiter(s.socket_url, NULL, 0),
                     *other = open_limiter(s.tcp_url, NULL, 0);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_OK);
    server_command(&s, "SCRIPT FLUSH");
    assert_int_equal(emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_REFUSED, -1, 0, NULL),
                     EMQX_TLS_OK);
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(other, EMQX_TLS_OP_UPDATE, NULL, &quota, &error),
                     EMQX_TLS_OK);
    assert_int_equal(quota.reason, EMQX_TLS_QUOTA_SHUT);
    emqx_tls_limiter_unref(other);
    emqx_tls_limiter_unref(limiter);
}

static void what_others_keep_under_the_prefix_is_said(void **state)
{
    (void)state;
    static const char *const keys[] = {"epoch", "writes"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        server_command(&s, "RPUSH shared%d:%s x", (int)i, keys[i]);
        char prefix[16];
        snprintf(prefix, sizeof prefix, "shared%d", (int)i);
        assert_null(open_limiter(s.socket_url, prefix, 0));
        assert_int_equal(error.code, EMQX_TLS_E_STORE);
        assert_non_null(strstr(error.message, "another prefix"));
    }
}

/* -- something at the address that is not Redis ------------------------------------------------ */

static void an_answer_that_redis_would_not_give_is_store(void **state)
{
    (void)state;
    static const char *const answers[] = {
        ":1\r\n",
        "$-1\r\n",
        "+OK\r\n",
        "*0\r\n",
        "*-1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n:0\r\n",
        "*1\r\n$1\r\nx\r\n",
        "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
        "*1\r\n:-3\r\n",
        "*1\r\n$-1\r\n",
        "*5\r\n:1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "-\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        impostor it;
        impostor_begin(&it, s.folder, answers[i]);
        assert_null(open_limiter(it.url, NULL, 0));
        assert_int_equal(error.code, EMQX_TLS_E_STORE);
        assert_non_null(strstr(error.message, "Redis"));
        impostor_end(&it);
    }
}

static void an_answer_that_never_ends_is_given_up(void **state)
{
    (void)state;
    impostor it;
    impostor_begin(&it, s.folder, NULL);
    int64_t began = real_ms();
    assert_null(open_limiter(it.url, NULL, 0));
    assert_in_range(real_ms() - began, 0, PATIENCE_MS);
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
    impostor_end(&it);
}

static void wrong_urls_are_invalid(void **state)
{
    (void)state;
    static const char *const urls[] = {NULL,
                                       "",
                                       "http://h",
                                       "redis://",
                                       "redis://h:0",
                                       "redis://h:99999",
                                       "redis://h/x",
                                       "unix://relative",
                                       "unix:///s?x=1",
                                       "redis://:%zz@h",
                                       "redis://user@h",
                                       "redis://[::1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_null(open_limiter(urls[i], NULL, 0));
        assert_int_equal(error.code, EMQX_TLS_E_INVALID);
    }
    assert_null(open_limiter(s.socket_url, "", 0));
    assert_int_equal(error.code, EMQX_TLS_E_INVALID);
    assert_null(open_limiter(s.socket_url, NULL, 0x40));
    assert_int_equal(error.code, EMQX_TLS_E_INVALID);
    if (!emqxi_tls_available) {
        assert_null(open_limiter("rediss://h", NULL, 0));
        assert_int_equal(error.code, EMQX_TLS_E_INVALID);
        assert_non_null(strstr(error.message, "this build has no OpenSSL"));
    }
}

static void urls_are_read_as_written(void **state)
{
    (void)state;
    emqxi_redis_url url;
    assert_int_equal(
        emqxi_redis_url_parse(&emqxi_malloc, "redis://me:a%2Fb@[::1]:7000/3", &url, NULL),
        EMQX_TLS_OK);
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "a/b");
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 7000);
    assert_int_equal(url.database, 3);
    emqxi_redis_url_free(&emqxi_malloc, &url);
    assert_int_equal(emqxi_redis_url_parse(&emqxi_malloc, "redis://host", &url, NULL), EMQX_TLS_OK);
    assert_null(url.password);
    assert_int_equal(url.port, 6379);
    emqxi_redis_url_free(&emqxi_malloc, &url);
    assert_int_equal(emqxi_redis_url_parse(&emqxi_malloc, "unix:///run/r%20s?db=2", &url, NULL),
                     EMQX_TLS_OK);
    assert_string_equal(url.path, "/run/r s");
    assert_int_equal(url.database, 2);
    emqxi_redis_url_free(&emqxi_malloc, &url);
}

static void a_child_of_fork_connects_anew(void **state)
{
    (void)state;
    emqxi_reserve r;
    emqx_tls_limiter *limiter = open_limiter(s.socket_url, NULL, 0);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(reserve(limiter, EMQX_TLS_OP_UPDATE, &r) == EMQX_TLS_OK && r.granted ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_OK);
    assert_int_equal(reserve(limiter, EMQX_TLS_OP_UPDATE, &r), EMQX_TLS_E_RATE_LIMITED);
    emqx_tls_limiter_unref(limiter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_hosts_share_one_quota_and_every_key_expires),
        TEST(away_refuses_and_comes_back_by_itself),
        TEST(reads_go_on_without_it_if_so_set),
        TEST(lost_data_is_never_an_empty_quota),
        TEST(a_fresh_redis_that_keeps_nothing_may_have_forgotten),
        TEST(time_in_which_this_machine_is_suspended_counts),
        TEST(other_settings_under_one_prefix_are_told),
        TEST(a_wrong_password_is_told_at_once_and_not_shown),
        TEST(a_429_is_known_to_all_though_redis_has_forgotten_the_script),
        TEST(what_others_keep_under_the_prefix_is_said),
        TEST(an_answer_that_redis_would_not_give_is_store),
        TEST(an_answer_that_never_ends_is_given_up),
        TEST(wrong_urls_are_invalid),
        TEST(urls_are_read_as_written),
        TEST(a_child_of_fork_connects_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
