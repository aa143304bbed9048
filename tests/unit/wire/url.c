/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Endpoints, and the path of a deployment below one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <emqxtls/client.h>

#include "wire/wire.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ALLOW    EMQX_TLS_ALLOW_HTTP_LOOPBACK

static void endpoints_are_taken_with_their_path(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        uint32_t flags;
        const char *base, *host;
        bool loopback_http;
    } cases[] = {
        {"https://cloud.example.com/public_api/v1", 0, "https://cloud.example.com/public_api/v1",
         "cloud.example.com", 0},
        {"https://cloud.example.com/public_api/v1/", 0, "https://cloud.example.com/public_api/v1",
         "cloud.example.com", 0},
        {"https://cloud.example.com", 0, "https://cloud.example.com", "cloud.example.com", 0},
        {"https://cloud.example.com/", 0, "https://cloud.example.com", "cloud.example.com", 0},
        {"HTTPS://cloud.example.com/A", 0, "https://cloud.example.com/A", "cloud.example.com", 0},
        {"https://h:8443/a", 0, "https://h:8443/a", "h", 0},
        {"https://h/a%20b/../c@d", 0, "https://h/a%20b/../c@d", "h", 0},
        {"https://[2001:db8::1]/a", 0, "https://[2001:db8::1]/a", "[2001:db8::1]", 0},
        {"https://127.0.0.1:1/a", ALLOW, "https://127.0.0.1:1/a", "127.0.0.1", 0},
        {"http://127.0.0.1:8080/a", ALLOW, "http://127.0.0.1:8080/a", "127.0.0.1", 1},
        {"http://127.255.1.2", ALLOW, "http://127.255.1.2", "127.255.1.2", 1},
        {"https://h:0443/a//", 0, "https://h:443/a", "h", 0},
        {"https://h:/a", 0, "https://h/a", "h", 0},
        {"https://h/a:b@c", 0, "https://h/a:b@c", "h", 0},
        {"https://[2001:DB8:0:0::1]:8443", 0, "https://[2001:db8::1]:8443", "[2001:db8::1]", 0},
        {"https://1.2.3.4.5/a", 0, "https://1.2.3.4.5/a", "1.2.3.4.5", 0},
        {"http://0x7f000001:80/a", ALLOW, "http://127.0.0.1:80/a", "127.0.0.1", 1},
        {"http://[0:0::0:1]/a", ALLOW, "http://[::1]/a", "[::1]", 1},
        {"http://127.1", ALLOW, "http://127.0.0.1", "127.0.0.1", 1},
        {"http://[::1]:8080/a", ALLOW, "http://[::1]:8080/a", "[::1]", 1},
        {"http://localhost/a/", ALLOW, "http://localhost/a", "localhost", 1},
        {"http://LocalHost/a/", ALLOW, "http://LocalHost/a", "LocalHost", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        emqxi_endpoint e;
        emqxi_error error;
        emqxi_error_clear(&error);
        if (emqxi_endpoint_parse(&emqxi_malloc, cases[i].endpoint, cases[i].flags, &e, &error))
            fail_msg("%s: %s", cases[i].endpoint, error.message);
        assert_string_equal(e.base, cases[i].base);
        assert_string_equal(e.host, cases[i].host);
        assert_int_equal(e.loopback_http, cases[i].loopback_http);
        emqxi_endpoint_free(&emqxi_malloc, &e);
        assert_null(e.base);
    }
}

static void endpoints_that_could_leak_or_mislead_are_refused_with_the_mend(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        uint32_t flags;
        const char *says;
    } cases[] = {
        {NULL, ALLOW, "is missing"},
        {"", ALLOW, "is missing"},
        {"cloud.example.com", ALLOW, "https://"},
        {"ftp://cloud.example.com", ALLOW, "https://"},
        {"https:/cloud.example.com", ALLOW, "https://"},
        {"https://", ALLOW, "no host"},
        {"https:///public_api", ALLOW, "no host"},
        {"https://:443/a", ALLOW, "is no URL"},
        {"https://h:0x1bb/a", ALLOW, "port"},
        {"https://h:65536/a", ALLOW, "port"},
        {"https://h:0/a", ALLOW, "port"},
        {"https://h:-1/a", ALLOW, "port"},
        {"https://h:99999999999999999999/a", ALLOW, "port"},
        {"https://[::1/a", ALLOW, "is no URL"},
        {"https://[]/a", ALLOW, "is no URL"},
        {"https://[h]/a", ALLOW, "is no URL"},
        {"https://[::1]8443/a", ALLOW, "is no URL"},
        {"https://h\\.example.com/a", ALLOW, "is no URL"},
        {"https://a,b/a", ALLOW, "is no URL"},
        {"https://h/a b", ALLOW, "space"},
        {"https://h/a\n", ALLOW, "control character"},
        {"https://h/\x7f", ALLOW, "control character"},
        {"https://h/\xc3\xa4", ALLOW, "not ASCII"},
        {"https://h/a?b=c", ALLOW, "query"},
        {"https://h/a?", ALLOW, "query"},
        {"https://h?", ALLOW, "query"},
        {"https://h/a#b", ALLOW, "fragment"},
        {"https://h/a#", ALLOW, "fragment"},
        {"https://joe:s3cret@h/a", ALLOW, "user information"},
        {"https://s3cret@h/a", ALLOW, "user information"},
        {"https://@h/a", ALLOW, "user information"},
        {"http://s3cret@127.0.0.1/a", ALLOW, "user information"},
        {"https://joe:s3cret%40h/a", ALLOW, "'%'"},
        {"https://cloud%eccom/a", ALLOW, "'%'"},
        {"https://[fe80::1%25lo]/a", ALLOW, "'%'"},
        {"http://127.0.0.1/a", 0, "EMQX_TLS_ALLOW_HTTP_LOOPBACK"},
        {"http://cloud.example.com/a", ALLOW, "use https://"},
        {"http://128.0.0.1/a", ALLOW, "use https://"},
        {"http://10.0.0.1/a", ALLOW, "use https://"},
        {"http://[::2]/a", ALLOW, "use https://"},
        {"http://[::]/a", ALLOW, "use https://"},
        {"http://localhost.example.com/a", ALLOW, "use https://"},
        {"http://127.0.0.1.example.com/a", ALLOW, "use https://"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        emqxi_endpoint e;
        emqxi_error error;
        emqxi_error_clear(&error);
        if (emqxi_endpoint_parse(&emqxi_malloc, cases[i].endpoint, cases[i].flags, &e, &error) !=
            EMQX_TLS_E_INVALID)
            fail_msg("%s was not refused", cases[i].endpoint);
        assert_null(e.base);
        assert_null(e.host);
        if (strncmp(error.message, "endpoint ", 9) != 0 || !strstr(error.message, cases[i].says))
            fail_msg("%s: %s", cases[i].endpoint, error.message);
        assert_null(strstr(error.message, "s3cret"));
    }
}

static void a_host_of_255_bytes_is_taken_and_one_byte_more_is_not(void **state)
{
    (void)state;
    char endpoint[300] = "https://";
    emqxi_endpoint e;
    memset(endpoint + 8, 'h', 255);
    assert_int_equal(emqxi_endpoint_parse(&emqxi_malloc, endpoint, 0, &e, NULL), EMQX_TLS_OK);
    assert_int_equal(strlen(e.host), 255);
    emqxi_endpoint_free(&emqxi_malloc, &e);
    endpoint[8 + 255] = 'h';
    assert_int_equal(emqxi_endpoint_parse(&emqxi_malloc, endpoint, 0, &e, NULL),
                     EMQX_TLS_E_INVALID);
}

static void deployment_ids_become_one_path_segment(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ge6a1a75", "https://h/v1/deployments/ge6a1a75/tls"},
        {"a/b?c#d%2e", "https://h/v1/deployments/a%2Fb%3Fc%23d%252e/tls"},
        {"A-z0._~", "https://h/v1/deployments/A-z0._~/tls"},
        {"...", "https://h/v1/deployments/.../tls"},
        {"\xc3\xa4 ", "https://h/v1/deployments/%C3%A4%20/tls"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(emqxi_deployment_id_problem(cases[i][0]));
        char url[80];
        emqxi_url("https://h/v1", cases[i][0], url);
        assert_string_equal(url, cases[i][1]);
        assert_int_equal(emqxi_url_size("https://h/v1", cases[i][0]), strlen(cases[i][1]) + 1);
    }
}

static void deployment_ids_that_are_none_are_refused(void **state)
{
    (void)state;
    char id[EMQXI_ID_MAX + 2];
    memset(id, 'x', sizeof id);
    id[EMQXI_ID_MAX + 1] = '\0';
    assert_non_null(strstr(emqxi_deployment_id_problem(id), "128"));
    id[EMQXI_ID_MAX] = '\0';
    assert_null(emqxi_deployment_id_problem(id));
    static const char *const bad[] = {NULL, "", ".", "..", "a\n", "\x01", "a\x7f"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_non_null(emqxi_deployment_id_problem(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_taken_with_their_path),
        cmocka_unit_test(endpoints_that_could_leak_or_mislead_are_refused_with_the_mend),
        cmocka_unit_test(a_host_of_255_bytes_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(deployment_ids_become_one_path_segment),
        cmocka_unit_test(deployment_ids_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
