/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The libcurl transport over TLS: certificates, and what a small libcurl lacks.
 */
#include "support/loopback_transport.h"
#include "support/tls_server.h"

#include <curl/curl.h>
#include <sys/syscall.h>
#include <time.h>
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

static void stop(fixture *f)
{
    loopback_stop(f->server);
    f->server = NULL;
    f->transport.destroy(f->transport.context);
    f->transport.context = NULL;
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

/* OpenSSL and the library ask this for the time, and libcurl the second. */
static time_t fixed_now, ahead_s;

int clock_gettime(clockid_t clock, struct timespec *t)
{
    long code = syscall(SYS_clock_gettime, clock, t);
    t->tv_sec += ahead_s;
    return (int)code;
}

time_t time(time_t *to)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    time_t now = fixed_now ? fixed_now : t.tv_sec;
    if (to)
        *to = now;
    return now;
}

/* What is said of a server with such a certificate, at this time (0: now). */
static void assert_refused(fixture *f, const char *san, long from, long until, time_t now,
                           const char *said)
{
    tls_server_free(&server);
    tls_server_make_dated(&server, san, from, until);
    serve_tls(f, server.ca_path);
    fixed_now = now;
    outcome o = run(f, "PUT", "{}");
    fixed_now = 0;
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(o.flags, EMQX_TLS_REPLY_PERMANENT);
    if (strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL", 7) == 0)
        assert_string_equal(o.detail, said);
    assert_int_equal(loopback_requests(f->server), 0);
    stop(f);
}

static void each_cause_of_a_refusal_has_its_own_words(void **state)
{
    fixture *f = *state;
    assert_refused(
        f, "IP:127.0.0.2", -3600, 3600, 0,
        "the server's certificate does not verify: it is for other names: IP Address:127.0.0.2");
    assert_refused(f, "DNS:a.example,DNS:b.example", -3600, 3600, 0,
                   "the server's certificate does not verify: it is for other names: "
                   "DNS:a.example, DNS:b.example");
    assert_refused(f, "IP:127.0.0.1", -7200, -3600, 0,
                   "the server's certificate does not verify: it has expired");
    assert_refused(
        f, "IP:127.0.0.1", 3600, 7200, 0,
        "the server's certificate does not verify: it is not valid yet, if this machine's "
        "clock is right");
    assert_refused(
        f, "IP:127.0.0.1", -3600, 3600, 86400,
        "the server's certificate does not verify: not on 1970-01-02, as this machine's clock "
        "has it: set the clock");
}

static void after_a_refusal_the_handle_asks_for_no_names(void **state)
{
    fixture *f = *state;
    assert_refused(
        f, "IP:127.0.0.2", -3600, 3600, 0,
        "the server's certificate does not verify: it is for other names: IP Address:127.0.0.2");
    tls_server_free(&server);
    tls_server_make(&server, "IP:127.0.0.1");
    serve_tls(f, server.ca_path);
    outcome o = run(f, "GET", NULL);
    assert_answered(o, 200);
}

/* The server of this test is the proxy, and goes no further. */
static void the_proxys_own_certificate_is_told_apart(void **state)
{
    static const loopback_answer refusal = {.text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
                                            .then = CLOSE};
    fixture *f = *state;
    char proxy[64], other_ca[32];
    tls_server other;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY))
        skip();
    tls_server_make(&other, "IP:127.0.0.1");
    strcpy(other_ca, other.ca_path);
    f->server =
        loopback_start(&(loopback_options){.answers = &refusal, .count = 1, .tls = server.tls});
    snprintf(proxy, sizeof proxy, "https://127.0.0.1:%d", loopback_port(f->server));
    snprintf(f->url, sizeof f->url, "https://127.0.0.1:1/x");
    f->options.proxy = proxy;
    for (int known = 0; known < 2; known++) {
        f->options.ca_file = known ? server.ca_path : other_ca;
        open_transport(f);
        outcome o = run(f, "GET", NULL);
        assert_failed(o, TRANSPORT, NOT_SENT);
        if (known)
            assert_string_equal(o.detail, "the proxy refused to connect to the host");
        else
            assert_begins(o.detail, "the proxy's certificate does not verify: ");
        f->transport.destroy(f->transport.context);
    }
    f->transport.context = NULL;
    tls_server_free(&other);
}

/* -- the system's CAs, as a libcurl was built to find them ------------------------------------- */

static char trust[] = "/tmp/emqxtls-trust-XXXXXX", bundle[64];

curl_version_info_data *__real_curl_version_info(CURLversion age);
curl_version_info_data *__wrap_curl_version_info(CURLversion age);

curl_version_info_data *__wrap_curl_version_info(CURLversion age)
{
    static curl_version_info_data changed;
    changed = *__real_curl_version_info(age);
    changed.cainfo = bundle;
    changed.capath = trust;
    return &changed;
}

/* What stands there: nothing, the server's CA, another, or what can't be read. */
typedef enum cas { NONE, OWN, OTHER, DANGLING } cas;

static void put_cas(const char *path, cas which, const char *other)
{
    const char *const targets[] = {NULL, server.ca_path, other, "/nowhere"};
    unlink(path);
    if (which != NONE)
        assert_int_equal(symlink(targets[which], path), 0);
}

static void hash_path(char path[64])
{
    FILE *file = fopen(server.ca_path, "r");
    X509 *ca = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    snprintf(path, 64, "%s/%08lx.0", trust, X509_subject_name_hash(ca));
    X509_free(ca);
}

static void the_system_trusts_its_hashed_folder_and_what_that_lacks_its_bundle(void **state)
{
    static const struct {
        cas folder, bundle;
        bool trusted;
    } cases[] = {{OWN, NONE, true},    {OWN, OTHER, true},    {OTHER, OWN, true},
                 {NONE, OWN, true},    {DANGLING, OWN, true}, {OTHER, OTHER, false},
                 {OTHER, NONE, false}, {NONE, OTHER, false}};
    fixture *f = *state;
    char path[64], foreign[64];
    tls_server other;
    if (strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL", 7) != 0)
        skip();
    tls_server_make(&other, "IP:127.0.0.1");
    hash_path(path);
    snprintf(foreign, sizeof foreign, "%s/00000000.0", trust);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_cas(cases[i].folder == OTHER ? foreign : path, cases[i].folder, other.ca_path);
        put_cas(bundle, cases[i].bundle, other.ca_path);
        serve_tls(f, NULL);
        for (int write = 0; write < 2; write++) {
            outcome o = run(f, write ? "PUT" : "GET", write ? "{}" : NULL);
            if (cases[i].trusted) {
                assert_answered(o, 200);
                continue;
            }
            assert_failed(o, TRANSPORT, NOT_SENT);
            assert_int_equal(o.flags, EMQX_TLS_REPLY_PERMANENT);
            assert_non_null(strstr(o.detail, "a CA that is not known here"));
        }
        stop(f);
        unlink(path);
        unlink(foreign);
    }
    unlink(bundle);
    tls_server_free(&other);
}

static void ca_file_is_trusted_alone(void **state)
{
    fixture *f = *state;
    char path[64];
    tls_server other;
    tls_server_make(&other, "IP:127.0.0.1");
    hash_path(path);
    put_cas(path, OWN, NULL);
    put_cas(bundle, OWN, NULL);
    serve_tls(f, other.ca_path);
    outcome o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, NOT_SENT);
    unlink(path);
    unlink(bundle);
    tls_server_free(&other);
}

static void ca_file_is_read_once(void **state)
{
    fixture *f = *state;
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (strncmp(v->ssl_version, "OpenSSL", 7) != 0 || v->version_num >= 0x081100)
        skip(); /* libcurl keeps CA certificates with OpenSSL alone, and since 8.17 without a folder */
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

/* -- the end of an answer ---------------------------------------------------------------------- */

static void read_and_write(fixture *f, const loopback_answer *answer, outcome *o)
{
    f->options.ca_file = server.ca_path;
    serve_with(f, &(loopback_options){.answers = answer, .count = 1, .tls = server.tls});
    o[0] = run(f, "GET", NULL);
    o[1] = run(f, "PUT", "{}");
    stop(f);
}

#define HEAD_1_1 "HTTP/1.1 200 OK\r\nServer: x\r\n"
#define HEAD_1_0 "HTTP/1.0 200 OK\r\nServer: x\r\n"

static void an_empty_answer_whose_end_was_told_is_one(void **state)
{
    static const loopback_answer told[] = {
        {.text = HEAD_1_1 "Content-Length: 0\r\n\r\n"},
        {.text = HEAD_1_1 "content-length:0\r\nConnection: close\r\n\r\n", .then = CLOSE},
        {.text = HEAD_1_1 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .then = CLOSE},
        {.text = "HTTP/1.1 204 No Content\r\n\r\n"},
        {.text = "HTTP/1.1 204 No Content\r\n\r\n", .then = CLOSE},
        {.text = HEAD_1_1 "\r\n", .then = CLOSE_NOTIFY},
        {.text = HEAD_1_1 "Connection: close\r\n\r\n", .then = CLOSE_NOTIFY},
        {.text = HEAD_1_0 "\r\n", .then = CLOSE_NOTIFY},
        {.text = "HTTP/1.1 103 Early Hints\r\n\r\n" HEAD_1_1 "\r\n", .then = CLOSE_NOTIFY},
        {.text = "HTTP/1.1 404 Not Found\r\n\r\n", .then = CLOSE_NOTIFY},
        {.text = HEAD_1_0 "\r\n{}", .then = CLOSE_NOTIFY},
    };
    outcome o[2];
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        read_and_write(*state, &told[i], o);
        for (int j = 0; j < 2; j++)
            if (o[j].code != EMQX_TLS_OK)
                fail_msg("%zu: %s, %s", i, emqx_tls_code_name(o[j].code), o[j].detail);
    }
}

static void an_answer_cut_behind_its_head_is_none(void **state)
{
    static const loopback_answer cut[] = {
        {.text = HEAD_1_1 "\r\n", .then = CLOSE},
        {.text = HEAD_1_1 "\r\n", .then = RESET},
        {.text = HEAD_1_1 "Connection: close\r\n\r\n", .then = CLOSE},
        {.text = HEAD_1_0 "\r\n", .then = CLOSE},
        {.text = HEAD_1_0 "Connection: keep-alive\r\n\r\n", .then = CLOSE},
        {.text = "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n" HEAD_1_1 "\r\n",
         .then = CLOSE},
    };
    outcome o[2];
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        read_and_write(*state, &cut[i], o);
        for (int j = 0; j < 2; j++) {
            if (o[j].code != EMQX_TLS_E_PROTOCOL)
                fail_msg("%zu: %s, %s", i, emqx_tls_code_name(o[j].code), o[j].detail);
            assert_failed(o[j], PROTOCOL, ANSWERED);
            assert_int_equal(o[j].status, 200);
        }
    }
}

/* -- kept connections -------------------------------------------------------------------------- */

#define ABSENT OK_JSON("{}", 2)

static void a_kept_connection_that_was_closed_costs_nothing(void **state)
{
    static const int ends[] = {CLOSE_NOTIFY, CLOSE};
    fixture *f = *state;
    for (size_t i = 0; i < 2 * sizeof ends / sizeof ends[0]; i++) {
        const loopback_answer answers[] = {{.text = RUNNING, .then = ends[i / 2]},
                                           {.text = ABSENT, .then = CLOSE}};
        f->options.ca_file = server.ca_path;
        serve_with(f, &(loopback_options){
                          .answers = answers, .count = 2, .tls = i % 2 ? server.tls : NULL});
        outcome o = run(f, "GET", NULL);
        assert_answered(o, 200);
        loopback_wait_open(f->server, 0);
        o = run(f, "GET", NULL);
        assert_answered(o, 200);
        assert_string_equal(o.body, "{}");
        assert_int_equal(loopback_requests(f->server), 2);
        assert_int_equal(loopback_connections(f->server), 2);
        stop(f);
    }
}

static void a_connection_idle_for_longer_than_a_wait_pauses_is_not_used(void **state)
{
    fixture *f = *state;
    serve_tls(f, server.ca_path);
    for (size_t i = 0; i < 3; i++) {
        static const int idle_s[] = {0, 60, 72};
        ahead_s += idle_s[i];
        outcome o = run(f, "GET", NULL);
        assert_answered(o, 200);
        assert_int_equal(loopback_connections(f->server), i < 2 ? 1 : 2);
    }
    ahead_s = 0;
}

/* An answer behind the one that was asked for, in the same record of TLS or in one of its own. */
static bool surplus_apart;

static void serve_surplus(loopback_connection *c)
{
    char text[4096];
    for (size_t n = 0; loopback_read(c, text + n, 1);) {
        if (++n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0)
            continue;
        n = 0;
        if (surplus_apart)
            loopback_write(c, RUNNING, strlen(RUNNING));
        loopback_write(c, surplus_apart ? ABSENT : RUNNING ABSENT,
                       strlen(surplus_apart ? ABSENT : RUNNING ABSENT));
        loopback_note(c, "surplus");
    }
}

static void an_answer_that_nobody_asked_for_is_not_taken_for_the_next_ones(void **state)
{
    fixture *f = *state;
    f->options.ca_file = server.ca_path;
    for (int i = 0; i < 4; i++) {
        surplus_apart = i % 2;
        serve_with(f,
                   &(loopback_options){.serve = serve_surplus, .tls = i / 2 ? server.tls : NULL});
        for (size_t reads = 1; reads <= 3; reads++) {
            outcome o = run(f, "GET", NULL);
            assert_answered(o, 200);
            assert_string_equal(o.body, "{\"status\":\"running\"}");
            while (loopback_requests(f->server) < reads)
                usleep(1000); /* until it is there */
        }
        assert_int_equal(loopback_requests(f->server), 3);
        stop(f);
    }
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
        TEST(each_cause_of_a_refusal_has_its_own_words),
        TEST(after_a_refusal_the_handle_asks_for_no_names),
        TEST(the_proxys_own_certificate_is_told_apart),
        TEST(the_system_trusts_its_hashed_folder_and_what_that_lacks_its_bundle),
        TEST(ca_file_is_trusted_alone),
        TEST(ca_file_is_read_once),
        TEST(a_ca_file_that_is_not_there_is_named),
        TEST(an_empty_answer_whose_end_was_told_is_one),
        TEST(an_answer_cut_behind_its_head_is_none),
        TEST(a_kept_connection_that_was_closed_costs_nothing),
        TEST(a_connection_idle_for_longer_than_a_wait_pauses_is_not_used),
        TEST(an_answer_that_nobody_asked_for_is_not_taken_for_the_next_ones),
        TEST(writes_offer_no_http2),
    };
    if (!mkdtemp(trust))
        return 1;
    snprintf(bundle, sizeof bundle, "%s/bundle.pem", trust);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(trust);
    return failed;
}
