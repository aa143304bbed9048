/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a Redis that refuses means is said with its mend; what a server that lies can't do.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "free_port.h"
#include "peer.h"
#include "server.h"

#include <emqxtls/redis.h>

#include "limiter/limiter.h"

static server s;
static emqx_tls_error error;

static emqx_tls_limiter *open_limiter(const char *url, const char *prefix)
{
    emqx_tls_limiter *limiter = NULL;
    emqx_tls_error_init(&error);
    return emqx_tls_limiter_open_redis(url, prefix, NULL, &limiter, &error) == EMQX_TLS_OK ? limiter
                                                                                           : NULL;
}

static void assert_refused(const char *url, const char *prefix, const char *why)
{
    assert_null(open_limiter(url, prefix));
    assert_int_equal(error.code, EMQX_TLS_E_STORE);
    if (!strstr(error.message, why))
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
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

static void each_refusal_has_its_own_words_and_its_mend(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"-NOAUTH Authentication required.\r\n", "give it in the URL"},
        {"-WRONGPASS invalid username-password pair\r\n", "does not accept the user and password"},
        {"-NOPERM this user has no permissions\r\n", "+eval +evalsha +get +set +getex +time +info"},
        {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "raise its maxmemory"},
        {"-MISCONF Errors writing to the AOF file\r\n", "look into its log"},
        {"-READONLY You can't write against a read only replica.\r\n", "the primary's address"},
        {"-LOADING Redis is loading the dataset in memory\r\n", "still loading"},
        {"-CLUSTERDOWN The cluster is down\r\n", "is a cluster of which a part is down"},
        {"-MOVED 866 10.0.0.7:7001\r\n", "give 10.0.0.7:7001 instead"},
        {"-MOVED 866 \x1b[2J\r\n", "give that node's address instead"},
        {"-CROSSSLOT Keys in request don't hash to the same slot\r\n", "such as {emqxtls}"},
        {"-BUSY Redis is busy running a script.\r\n", "somebody's script"},
        {"-MASTERDOWN Link with MASTER is down\r\n", "without its primary"},
        {"-NOREPLICAS Not enough good replicas to write.\r\n", "fewer replicas"},
        {"-TRYAGAIN Multiple keys request during rehashing\r\n", "moves these keys"},
        {"-WRONGTYPE Operation against a key\r\n", "another prefix"},
        {"-DENIED Redis is running in protected mode\r\n", "protected mode"},
        {"-ERR unknown command 'EVALSHA'\r\n", "refuses the quota's script (ERR)"},
        {"-the-password-as-it-was-sent\r\n", "refuses the quota's script (?)"},
        {"-MOVED\r\n", "refuses the quota's script (MOVED)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        impostor it;
        impostor_begin(&it, s.folder, cases[i][0]);
        assert_refused(it.url, NULL, cases[i][1]);
        impostor_end(&it);
    }
}

/* Redis refuses so many words of somebody unknown before it looks at them, in other words. */
static void a_url_without_the_password_is_told_so(void **state)
{
    (void)state;
    char url[160];
    snprintf(url, sizeof url, "unix://%s", s.socket);
    assert_refused(url, "emqxtls", "wants a password: give it in the URL");
}

/* The message lists all rights that are needed: with these alone it works. */
static void the_rights_that_a_refusal_lists_are_enough(void **state)
{
    (void)state;
    char url[160];
    snprintf(url, sizeof url, "unix://quota:pw@%s", s.socket);
    server_command(&s, "ACL SETUSER quota on >pw ~other:*");
    assert_refused(url, "p", "gives this user too few rights");
    server_command(&s, "ACL SETUSER quota resetkeys ~p:* -@all +eval +evalsha +get +set +getex "
                       "+time +info");
    emqx_tls_limiter *limiter = open_limiter(url, "p");
    assert_non_null(limiter);
    for (int i = 0; i < 2; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_UPDATE, .deployment_id = "d", .lease_ms = 1000};
        assert_int_equal(emqxi_limiter_reserve(limiter, &r, &waiter, NULL), EMQX_TLS_OK);
        assert_true(r.granted);
        assert_int_equal(
            emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL),
            EMQX_TLS_OK);
    }
    emqx_tls_limiter_unref(limiter);
}

/* Of one node, which has all slots: enough for it to insist on its rules. */
static void in_a_cluster_a_prefix_in_braces_works_and_another_is_told_so(void **state)
{
    (void)state;
    server cluster = s;
    char more[64];
    server_kill(&cluster);
    snprintf(more, sizeof more, "cluster-enabled yes\ncluster-port %d", free_port());
    cluster.more = more;
    cluster.appendonly = true;
    server_start(&cluster);
    s.pid = cluster.pid;
    server_command(&cluster, "CLUSTER ADDSLOTSRANGE 0 16383");
    while (!server_accepts(&cluster, "SET ready yes"))
        ; /* it takes note of its slots after a while */
    assert_refused(cluster.tcp_url, "emqxtls", "put braces into the prefix");
    emqx_tls_limiter *limiter = open_limiter(cluster.tcp_url, "{emqxtls:our-key}");
    if (!limiter)
        fail_msg("%s", error.message);
    emqx_tls_limiter_unref(limiter);
}

/* -- lies -------------------------------------------------------------------------------------- */

static void a_server_that_always_grants_frees_no_more_than_the_limit(void **state)
{
    (void)state;
    impostor it;
    impostor_begin(&it, s.folder, "*5\r\n:1\r\n:5\r\n:4294967295\r\n:-1\r\n:7\r\n");
    emqx_tls_limiter *limiter = open_limiter(it.url, NULL);
    assert_non_null(limiter);
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_UPDATE, NULL, &quota, &error),
                     EMQX_TLS_OK);
    assert_int_equal(quota.used, 5);
    assert_int_equal(quota.remaining, 1);
    assert_int_equal(quota.next_ms, 0);
    it.answer = "*3\r\n:1\r\n:5\r\n:9223372036854775807\r\n";
    for (int i = 0; i < 8; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_UPDATE, .deployment_id = "d", .lease_ms = 1000};
        emqx_tls_code code = emqxi_limiter_reserve(limiter, &r, &waiter, NULL);
        assert_int_equal(code, i < 6 ? EMQX_TLS_OK : EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(r.granted, i < 6);
    }
    emqx_tls_limiter_unref(limiter);
    impostor_end(&it);
}

static void numbers_that_can_not_be_make_no_sum_overflow(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "*2\r\n:-3\r\n:9223372036854775807\r\n",
        "*2\r\n:-3\r\n:-9223372036854775808\r\n",
        "*4\r\n:0\r\n:-9223372036854775808\r\n:9223372036854775807\r\n:-9223372036854775808\r\n",
        "*4\r\n:0\r\n:9223372036854775807\r\n:-9223372036854775808\r\n:9223372036854775807\r\n",
        "*3\r\n:1\r\n:-9223372036854775808\r\n:-9223372036854775808\r\n",
    };
    impostor it;
    impostor_begin(&it, s.folder, "*5\r\n:1\r\n:0\r\n:6\r\n:0\r\n:0\r\n");
    emqx_tls_limiter *limiter = open_limiter(it.url, NULL);
    assert_non_null(limiter);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {
            .op = EMQX_TLS_OP_GET, .deployment_id = "d", .lease_ms = 1000, .wait_ms = 60000};
        it.answer = answers[i];
        emqxi_limiter_reserve(limiter, &r, &waiter, NULL);
        emqxi_limiter_leave(limiter, &waiter);
        while (r.busy) { /* the one before has just been told */
            r.busy = false;
            emqxi_limiter_reserve(limiter, &r, &waiter, NULL);
        }
    }
    emqx_tls_limiter_unref(limiter);
    impostor_end(&it);
}

/* -- descriptors ------------------------------------------------------------------------------- */

static int sockets_that_a_program_would_inherit(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat info;
        int fd = atoi(entry->d_name);
        count += fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) && fd > 2 &&
                 !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    closedir(folder);
    return count;
}

static void no_program_inherits_the_connection(void **state)
{
    (void)state;
    const char *const urls[] = {s.socket_url, s.tcp_url};
    for (int i = 0; i < 2; i++) {
        int before = sockets_that_a_program_would_inherit();
        emqx_tls_limiter *limiter = open_limiter(urls[i], NULL);
        assert_non_null(limiter);
        assert_int_equal(sockets_that_a_program_would_inherit(), before);
        emqx_tls_limiter_unref(limiter);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_refusal_has_its_own_words_and_its_mend),
        TEST(a_url_without_the_password_is_told_so),
        TEST(the_rights_that_a_refusal_lists_are_enough),
        TEST(in_a_cluster_a_prefix_in_braces_works_and_another_is_told_so),
        TEST(a_server_that_always_grants_frees_no_more_than_the_limit),
        TEST(numbers_that_can_not_be_make_no_sum_overflow),
        TEST(no_program_inherits_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
