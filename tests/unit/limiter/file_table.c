/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A quota file with a quota for each of many deployments.
 */
#include "support/file_rig.h"

#include <stdio.h>
#include <sys/stat.h>

static emqxi_error error;

static void take(emqx_tls_limiter *limiter, uint32_t op, unsigned deployment, bool granted)
{
    char name[32];
    emqxi_reserve r;
    snprintf(name, sizeof name, "deployment-%u", deployment);
    emqx_tls_code code = reserve(limiter, op, name, &r, &error);
    if (code == EMQX_TLS_E_STORE)
        fail_msg("%s", error.message);
    assert_int_equal(r.granted, granted);
}

static void every_deployment_keeps_its_quota_while_the_file_grows(void **state)
{
    (void)state;
    enum { DEPLOYMENTS = 3000 };
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    config.reads = 2;
    config.writes = 2;
    emqx_tls_limiter *limiter = file_open(&config), *other = file_open(&config);
    for (unsigned i = 0; i < DEPLOYMENTS; i++) {
        take(i % 2 ? limiter : other, WRITE, i, true);
        take(i % 3 ? limiter : other, WRITE, i, true);
    }
    for (unsigned i = 0; i < DEPLOYMENTS; i++) {
        take(limiter, WRITE, i, false);
        take(other, READ, i, true);
    }
    emqx_tls_limiter_unref(limiter);
    emqx_tls_limiter_unref(other);
}

static void the_file_of_many_deployments_does_not_grow_where_old_ones_are_idle(void **state)
{
    (void)state;
    struct stat first, last;
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    emqx_tls_limiter *limiter = file_open(&config);
    for (unsigned i = 0; i < 2000; i++) {
        take(limiter, READ, i, true);
        if (i == 20)
            stat(path, &first);
        emqx_tls_test_clock_advance(timer, HELD_MS / 10); /* some 11 are in use at any time */
    }
    stat(path, &last);
    assert_int_equal(last.st_size, first.st_size);
    emqx_tls_limiter_unref(limiter);
}

static void no_deployments_name_is_in_the_file(void **state)
{
    (void)state;
    static char data[1 << 20];
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    emqx_tls_limiter *limiter = file_open(&config);
    take(limiter, WRITE, 4711, true);
    size_t n = file_contents(data, sizeof data);
    assert_null(memmem(data, n, "deployment-4711", 10));
    assert_null(memmem(data, n, "4711", 4));
    emqx_tls_limiter_unref(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(every_deployment_keeps_its_quota_while_the_file_grows),
        file_test(the_file_of_many_deployments_does_not_grow_where_old_ones_are_idle),
        file_test(no_deployments_name_is_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
