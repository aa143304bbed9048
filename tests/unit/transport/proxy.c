/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Proxies: the configured one, those of the environment, and none. The server of these tests is the
 * proxy.
 */
#include "support/loopback_transport.h"

#include <stdlib.h>
#include <unistd.h>

#define REFUSED "HTTP/1.1 403 Forbidden\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"

static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                    "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* A proxy with these answers; the exchanges go to a host behind it, where nobody listens. */
static void start_proxy(fixture *f, const char *answer, char *url, size_t room)
{
    static loopback_answer a;
    a = (loopback_answer){.text = answer, .then = CLOSE};
    f->server = loopback_start(&(loopback_options){.answers = &a, .count = 1});
    snprintf(url, room, "http://user:pass@127.0.0.1:%d", loopback_port(f->server));
    snprintf(f->url, sizeof f->url, "https://127.0.0.1:1/x");
    clear_environment();
    f->options.proxy = NULL;
}

static void the_environment_names_the_proxy(void **state)
{
    fixture *f = *state;
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    char url[64];
    start_proxy(f, REFUSED, url, sizeof url);
    for (size_t i = 0; i < 4; i++) {
        setenv(variables[i], url, 1);
        open_transport(f);
        clear_environment(); /* it was read when the transport was made */
        outcome o = run(f, "PUT", "{}");
        assert_failed(o, TRANSPORT, NOT_SENT);
        assert_string_equal(o.detail, "the proxy refused to connect to the host");
        assert_string_equal(o.retry_after, "(null)");
        assert_int_equal(loopback_requests(f->server), i + 1);
        f->transport.destroy(f->transport.context);
    }
    f->transport.context = NULL;
    assert_begins(loopback_request(f->server, 0), "CONNECT 127.0.0.1:1 HTTP/1.1\r\n");
    assert_non_null(strstr(loopback_request(f->server, 0), "\r\nProxy-Authorization: Basic "));
    /* the login is for the platform alone */
    assert_null(strstr(loopback_request(f->server, 0), SECRET));
}

static void a_proxy_that_wants_a_login_says_so(void **state)
{
    fixture *f = *state;
    char url[64];
    start_proxy(
        f,
        "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        url, sizeof url);
    f->options.proxy = url;
    open_transport(f);
    outcome o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_string_equal(o.detail, "the proxy wants a login: put it into the proxy's URL");
}

static void assert_goes_direct(fixture *f)
{
    open_transport(f);
    outcome o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void exceptions_of_the_environment_are_kept(void **state)
{
    fixture *f = *state;
    char url[64];
    start_proxy(f, REFUSED, url, sizeof url);
    setenv("https_proxy", url, 1);
    setenv("NO_PROXY", "other.example,127.0.0.1", 1);
    assert_goes_direct(f);
}

static void an_empty_proxy_means_none(void **state)
{
    fixture *f = *state;
    char url[64];
    start_proxy(f, REFUSED, url, sizeof url);
    setenv("https_proxy", url, 1);
    f->options.proxy = "";
    assert_goes_direct(f);
}

static void plain_http_to_a_loopback_address_never_meets_a_proxy(void **state)
{
    fixture *f = *state;
    char url[64];
    start_proxy(f, REFUSED, url, sizeof url);
    setenv("http_proxy", url, 1);
    setenv("all_proxy", url, 1);
    f->options.proxy = url;
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:1/x");
    assert_goes_direct(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_names_the_proxy),
        TEST(a_proxy_that_wants_a_login_says_so),
        TEST(exceptions_of_the_environment_are_kept),
        TEST(an_empty_proxy_means_none),
        TEST(plain_http_to_a_loopback_address_never_meets_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
