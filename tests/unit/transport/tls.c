/* SPDX-License-Identifier: MIT
 *
 * The libcurl transport over TLS: certificates, and HTTP/2. The server's certificate is made here.
 */
#include "support/loopback_transport.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define RUNNING OK_JSON("{\"status\":\"running\"}", 20)
#define MANY    20

static const loopback_answer running = {.text = RUNNING};

static SSL_CTX *tls;
static char ca_path[] = "/tmp/emqxtls-ca-XXXXXX";

/* A certificate that signs itself, for this address; its PEM goes to ca_path. */
static void make_server(const char *address)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509V3_CTX ctx;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"loopback", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, address);
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(x, key, EVP_sha256());

    strcpy(ca_path + strlen(ca_path) - 6, "XXXXXX");
    FILE *file = fdopen(mkstemp(ca_path), "w");
    PEM_write_X509(file, x);
    fclose(file);
    tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(tls, x);
    SSL_CTX_use_PrivateKey(tls, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

static int setup_tls(void **state)
{
    make_server("IP:127.0.0.1");
    return loopback_set_up(state);
}

static int teardown_tls(void **state)
{
    int result = loopback_tear_down(state);
    SSL_CTX_free(tls);
    unlink(ca_path);
    return result;
}

static void serve_tls(fixture *f, const char *ca_file)
{
    f->options.ca_file = ca_file;
    serve_with(f, &(loopback_options){.answers = &running, .count = 1, .tls = tls});
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
    serve_tls(f, ca_path);
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
    SSL_CTX_free(tls);
    unlink(ca_path);
    make_server("IP:127.0.0.2");
    serve_tls(f, ca_path);
    outcome o = run(f, "PUT", "{}");
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(o.flags, EMQX_TLS_REPLY_PERMANENT);
}

static void ca_file_is_read_once(void **state)
{
    fixture *f = *state;
    if (strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL", 7) != 0)
        skip(); /* libcurl keeps CA certificates with OpenSSL alone */
    serve_tls(f, ca_path);
    outcome o = run(f, "PUT", "{}");
    assert_answered(o, 200);
    unlink(ca_path);
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

/* -- HTTP/2: frames by hand -------------------------------------------------------------------- */

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7 };
enum { ANSWER, REFUSE_STREAM, SAY_GOODBYE } h2_mode;

static bool write_frame(loopback_connection *c, int type, int flags, const unsigned char stream[4],
                        const void *payload, size_t n)
{
    unsigned char head[9] = {0, 0, (unsigned char)n, (unsigned char)type, (unsigned char)flags};
    memcpy(head + 5, stream, 4);
    return loopback_write(c, head, 9) && loopback_write(c, payload, n);
}

static bool answer_h2(loopback_connection *c, const unsigned char stream[4])
{
    static const unsigned char none[4];
    loopback_note(c, "HTTP/2");
    if (h2_mode == REFUSE_STREAM)
        return write_frame(c, RST_STREAM, 0, stream, "\0\0\0\7", 4);
    if (h2_mode == SAY_GOODBYE)
        return write_frame(c, GOAWAY, 0, none, "\0\0\0\0\0\0\0\0", 8) && false;
    return write_frame(c, HEADERS, 4, stream, "\x88", 1) /* :status 200 */ &&
           write_frame(c, DATA, 1, stream, "{}", 2);
}

static void serve_h2(loopback_connection *c)
{
    static const unsigned char none[4];
    unsigned char preface[24], head[9], payload[16384];
    bool ok = loopback_read(c, preface, sizeof preface) && write_frame(c, SETTINGS, 0, none, "", 0);
    while (ok && loopback_read(c, head, sizeof head)) {
        size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        ok = n <= sizeof payload && loopback_read(c, payload, n);
        if (ok && head[3] == SETTINGS && !(head[4] & 1))
            ok = write_frame(c, SETTINGS, 1, none, "", 0);
        if (ok && head[3] == HEADERS)
            ok = answer_h2(c, head + 5);
    }
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl, (void)user;
    for (unsigned i = 0; i < in_len; i += in[i] + 1u)
        if (in[i] == 2 && memcmp(in + i + 1, "h2", 2) == 0) {
            *out = in + i + 1;
            *out_len = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static void serve_tls_h2(fixture *f, int mode)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        skip();
    h2_mode = mode;
    SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
    f->options.ca_file = ca_path;
    serve_with(f, &(loopback_options){.serve = serve_h2, .tls = tls});
}

static void reads_that_begin_together_share_one_connection(void **state)
{
    fixture *f = *state;
    static outcome o[MANY];
    serve_tls_h2(f, ANSWER);
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&o[i], f, "GET", NULL));
    for (int i = 0; i < MANY; i++) {
        finish(f, &o[i]);
        assert_answered(o[i], 200);
        assert_string_equal(o[i].body, "{}");
    }
    assert_int_equal(loopback_requests(f->server), MANY);
    assert_int_equal(loopback_connections(f->server), 1);
}

static void a_refused_stream_is_not_sent_again(void **state)
{
    fixture *f = *state;
    serve_tls_h2(f, REFUSE_STREAM);
    outcome o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, MAYBE);
    assert_int_equal(loopback_requests(f->server), 1);
}

static void a_connection_that_says_goodbye_is_not_asked_again(void **state)
{
    fixture *f = *state;
    serve_tls_h2(f, ANSWER);
    outcome o = run(f, "GET", NULL);
    assert_answered(o, 200);
    h2_mode = SAY_GOODBYE;
    o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, MAYBE);
    assert_int_equal(loopback_requests(f->server), 2);
}

static void writes_offer_no_http2(void **state)
{
    fixture *f = *state;
    SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
    serve_tls(f, ca_path); /* speaks HTTP/1.1 whatever was chosen */
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
        TEST(reads_that_begin_together_share_one_connection),
        TEST(a_refused_stream_is_not_sent_again),
        TEST(a_connection_that_says_goodbye_is_not_asked_again),
        TEST(writes_offer_no_http2),
    };
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
