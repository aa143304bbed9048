/* SPDX-License-Identifier: MIT
 *
 * rediss://: whom the library trusts with the password, and whom it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server.h"

#include <emqxtls/redis.h>

static server s;
static emqx_tls_error error;

static emqx_tls_code open_and_close(const char *host, const char *password)
{
    char url[160];
    emqx_tls_limiter *limiter = NULL;
    emqx_tls_error_init(&error);
    snprintf(url, sizeof url, "rediss://:%s@%s:%d", password, host, s.tls_port);
    emqx_tls_code code = emqx_tls_limiter_open_redis(url, NULL, NULL, &limiter, &error);
    emqx_tls_limiter_unref(limiter);
    return code;
}

static int teardown(void **state)
{
    (void)state;
    server_free(&s);
    return 0;
}

static void the_server_for_a_name_is_used(void **state)
{
    (void)state;
    server_new_tls(&s, "DNS:localhost");
    assert_int_equal(open_and_close("localhost", "p%40ss%20word"), EMQX_TLS_OK);
}

static void the_server_for_an_address_is_used(void **state)
{
    (void)state;
    server_new_tls(&s, "IP:127.0.0.1");
    assert_int_equal(open_and_close("127.0.0.1", "p%40ss%20word"), EMQX_TLS_OK);
}

/* Redis logs each password that it refused. */
static void a_server_of_another_name_gets_no_password(void **state)
{
    (void)state;
    server_new_tls(&s, "DNS:localhost,IP:127.0.0.2");
    assert_int_equal(open_and_close("127.0.0.1", "hunter22"), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "certificate"));
    assert_int_equal(server_command(&s, "ACL LOG"), 0);
    assert_int_equal(open_and_close("localhost", "hunter22"), EMQX_TLS_E_STORE);
    assert_int_equal(server_command(&s, "ACL LOG"), 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_server_for_a_name_is_used),
        TEST(the_server_for_an_address_is_used),
        TEST(a_server_of_another_name_gets_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
