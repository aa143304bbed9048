/* SPDX-License-Identifier: MIT
 *
 * The libcurl transport over TLS: certificates, and what a small libcurl lacks.
 */
#include "support/loopback_transport.h"
#include "support/tls_server.h"

#include <curl/curl.h>
#include <unistd.h>

#define RUNNING OK_JSON("{\"status\":\"running\"}", 20)

static const loopback_answer running = {.text = RUNNING};

static tls_server server;

static int setup_tls(void **state)
{
    tls_server_make(&server, "IP:127.0.0.1");
    return loopback_set_up(state);
}

static int teardown_tls(void **state)
{
    int result = loopback_tear_down(state);
    tls_server_free(&server);
    return result;
}

static void serve_tls(fixture *f, const char *ca_file)
{
    f->options.ca_file = ca_file;
    serve_with(f, &(loopback_options){.answers = &running, .count = 1, .tls = server.tls});
}

/* -- a libcurl that was built without HTTP/2 and proxies, as on small systems ------------------ */

static bool small;

CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);

CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    va_list arguments;
    CURLcode code;
    va_start(arguments, option);
    if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) {
        code = __real_curl_easy_setopt(easy, option, va_arg(arguments, curl_off_t));
    } else if (option >= CURLOPTTYPE_OBJECTPOINT) {
        void *value = va_arg(arguments, void *);
        bool refused = small && option == CURLOPT_NOPROXY;
        code = refused ? CURLE_UNKNOWN_OPTION : __real_curl_easy_setopt(easy, option, value);
    } else {
        long value = va_arg(arguments, long);
        bool refused = small && option == CURLOPT_HTTP_VERSION && value > CURL_HTTP_VERSION_1_1;
        code = refused ? CURLE_UNSUPPORTED_PROTOCOL : __real_curl_easy_setopt(easy, option, value);
    }
    va_end(arguments);
    return code;
}

static void without_http2_and_proxies_reads_and_writes_go_by_http1(void **state)
{
    fixture *f = *state;
    small = true;
    serve_tls(f, server.ca_path);
    assert_answered(run(f, "PUT", "{}"), 200);
    assert_answered(run(f, "GET", NULL), 200);
    small = false;
}

/* -- certificates ------------------------------------------------------------------------------ */

static void a_certificate_of_an_unknown_ca_is_refused_for_good(void **state)
{
    fixture *f = *state;
    serve_tls(f, NULL);
    outcome o = run(f, "PUT", "{}");
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(o.flags, EMQX_TLS_REPLY_PERMANENT);
    assert_non_null(strstr(o.detail, "ca_file"));
    assert_int_equal(loopback_requests(f->server), 0);
}

static void a_certificate_for_another_host_is_refused_for_good(void **state)
{
    fixture *f = *state;
    tls_server_free(&server);
    tls_server_make(&server, "IP:127.0.0.2");
    serve_tls(f, server.ca_path);
    outcome o = run(f, "PUT", "{}");
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(o.flags, EMQX_TLS_REPLY_PERMANENT);
}

static void ca_file_is_read_once(void **state)
{
    fixture *f = *state;
    if (strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL", 7) != 0)
        skip(); /* libcurl keeps CA certificates with OpenSSL alone */
    serve_tls(f, server.ca_path);
    outcome o = run(f, "PUT", "{}");
    assert_answered(o, 200);
    unlink(server.ca_path);
    o = run(f, "PUT", "{}");
    assert_answered(o, 200);
    assert_int_equal(loopback_connections(f->server), 2);
}

static void a_ca_file_that_is_not_there_is_named(void **state)
{
    fixture *f = *state;
    emqxi_error error;
    emqxi_error_clear(&error);
    f->options.ca_file = "/nowhere/ca.pem";
    assert_int_equal(emqxi_curl_transport(&f->options, &f->transport, &error), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(error.message, "/nowhere/ca.pem"));
}

static void writes_offer_no_http2(void **state)
{
    fixture *f = *state;
    tls_server_offer_http2(&server);
    serve_tls(f, server.ca_path); /* speaks HTTP/1.1 whatever was chosen */
    outcome o = run(f, "PUT", "{}");
    assert_answered(o, 200);
    assert_begins(loopback_request(f->server, 0),
                  "PUT /public_api/v1/deployments/d1/tls HTTP/1.1\r\n");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_tls, teardown_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_http2_and_proxies_reads_and_writes_go_by_http1),
        TEST(a_certificate_of_an_unknown_ca_is_refused_for_good),
        TEST(a_certificate_for_another_host_is_refused_for_good),
        TEST(ca_file_is_read_once),
        TEST(a_ca_file_that_is_not_there_is_named),
        TEST(writes_offer_no_http2),
    };
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
