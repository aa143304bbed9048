/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The probe against servers of the test's own, good and bad, and what ensure makes of it.
 */
#include "real_clock.h"
#include "support/provision_world.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#define NONE      EMQX_TLS_ACTION_NONE
#define UNCHANGED EMQX_TLS_ACTION_UNCHANGED
#define UPDATED   EMQX_TLS_ACTION_UPDATED

/* -- servers: one thread, one connection after the other --------------------------------------- */

enum manner { SERVE, SERVE_AND_VANISH, SILENT, PLAIN, CLOSE_AT_ONCE };

typedef struct server {
    pthread_t thread;
    int fd;
    uint32_t port;
    enum manner manner;
    SSL_CTX *context;
    char name[64]; /* the last SNI */
    _Atomic int connections;
} server;

static int take_name(SSL *ssl, int *alert, void *context)
{
    server *s = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    snprintf(s->name, sizeof s->name, "%s", name ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static void serve_one(server *s, int fd)
{
    char byte;
    if (s->manner == SILENT) {
        (void)!read(fd, &byte, 1);
        poll(NULL, 0, 300);
    } else if (s->manner == PLAIN) {
        (void)!write(fd, "220 this is no TLS server\r\n", 27);
        poll(NULL, 0, 50);
    } else if (s->manner != CLOSE_AT_ONCE) {
        SSL *ssl = SSL_new(s->context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1 && s->manner == SERVE)
            SSL_read(ssl, &byte, 1);
        SSL_free(ssl);
    }
    close(fd);
}

static void *serve(void *context)
{
    server *s = context;
    sigset_t pipe;
    int fd;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL); /* the server's own does not matter here */
    while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        s->connections++;
        serve_one(s, fd);
    }
    return NULL;
}

static void server_start(server *s, const made *m, enum manner manner)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    memset(s, 0, sizeof *s);
    s->manner = manner;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    getsockname(s->fd, (struct sockaddr *)&a, &size);
    s->port = ntohs(a.sin_port);
    s->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(s->context, 0);
    if (m) {
        assert_int_equal(SSL_CTX_use_certificate(s->context, m->x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(s->context, m->key), 1);
    }
    SSL_CTX_set_tlsext_servername_callback(s->context, take_name);
    SSL_CTX_set_tlsext_servername_arg(s->context, s);
    if (manner == SERVE_AND_VANISH) { /* as a two-way port with TLS 1.2 does */
        SSL_CTX_set_max_proto_version(s->context, TLS1_2_VERSION);
        SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->context);
}

/* -- the probe alone --------------------------------------------------------------------------- */

static emqx_tls_probe_result result;
static emqx_tls_error error;

static int set_up(void **state)
{
    int code = world_set_up(state);
    emqx_tls_probe_result_init(&result);
    emqx_tls_error_init(&error);
    return code;
}

static emqx_tls_code probe(const server *s, const emqx_tls_request *expected, uint32_t timeout_ms)
{
    return emqx_tls_probe("127.0.0.1", s->port, NULL, expected, timeout_ms, &result, &error);
}

static void the_leaf_that_is_served_is_told_and_compared(void **state)
{
    (void)state;
    static const enum manner manners[] = {SERVE, SERVE_AND_VANISH};
    char *other = make_leaf(NAME, END);
    for (size_t i = 0; i < 2; i++) {
        server s;
        server_start(&s, &w.made, manners[i]);
        assert_int_equal(probe(&s, &w.f->request, PATIENCE_MS), EMQX_TLS_OK);
        assert_int_equal(result.matches, 1);
        assert_int_equal(result.not_after, END);
        assert_string_equal(result.common_name, NAME);
        unsigned char sha256[32];
        char hex[65];
        assert_int_equal(X509_digest(w.made.x, EVP_sha256(), sha256, NULL), 1);
        for (int k = 0; k < 32; k++)
            snprintf(hex + 2 * k, 3, "%02x", sha256[k]);
        assert_string_equal(result.sha256, hex);

        emqx_tls_request request = w.f->request;
        request.cert = other;
        request.cert_len = strlen(other);
        assert_int_equal(probe(&s, &request, PATIENCE_MS), EMQX_TLS_OK);
        assert_int_equal(result.matches, 0);
        assert_int_equal(probe(&s, NULL, PATIENCE_MS), EMQX_TLS_OK);
        assert_int_equal(result.matches, 0);
        assert_string_equal(result.sha256, hex);
        server_end(&s);
    }
    free(other);
}

static void trust_is_not_judged(void **state)
{
    (void)state;
    made expired = make("old.example", 1600000000, 1024);
    server s;
    server_start(&s, &expired, SERVE);
    assert_int_equal(probe(&s, NULL, PATIENCE_MS), EMQX_TLS_OK);
    assert_int_equal(result.not_after, 1600000000);
    server_end(&s);
    made_free(&expired);
}

static void the_name_is_sent_where_there_is_one(void **state)
{
    (void)state;
    server s;
    server_start(&s, &w.made, SERVE);
    assert_int_equal(emqx_tls_probe("127.0.0.1", s.port, NULL, NULL, PATIENCE_MS, NULL, NULL),
                     EMQX_TLS_OK);
    assert_string_equal(s.name, "");
    assert_int_equal(emqx_tls_probe("localhost", s.port, NULL, NULL, PATIENCE_MS, NULL, NULL),
                     EMQX_TLS_OK);
    assert_string_equal(s.name, "localhost");
    assert_int_equal(emqx_tls_probe("127.0.0.1", s.port, NAME, NULL, PATIENCE_MS, NULL, NULL),
                     EMQX_TLS_OK);
    assert_string_equal(s.name, NAME);
    assert_int_equal(emqx_tls_probe("127.0.0.1", s.port, NAME ".", NULL, PATIENCE_MS, NULL, NULL),
                     EMQX_TLS_OK);
    assert_string_equal(s.name, NAME); /* SNI has no trailing dot */
    server_end(&s);
}

static void what_is_no_tls_port_is_told_in_time(void **state)
{
    (void)state;
    static const struct {
        enum manner manner;
        uint32_t timeout_ms;
        emqx_tls_code code;
    } cases[] = {{SILENT, 200, EMQX_TLS_E_TIMEOUT},
                 {PLAIN, PATIENCE_MS, EMQX_TLS_E_TRANSPORT},
                 {CLOSE_AT_ONCE, PATIENCE_MS, EMQX_TLS_E_TRANSPORT}};
    for (size_t i = 0; i < 3; i++) {
        server s;
        server_start(&s, NULL, cases[i].manner);
        int64_t began = real_ms();
        assert_int_equal(probe(&s, NULL, cases[i].timeout_ms), cases[i].code);
        assert_in_range(real_ms() - began, 0, PATIENCE_MS);
        assert_non_null(strstr(error.message, "TLS port"));
        assert_int_equal(result.not_after, 0);
        server_end(&s);
    }
}

static void nobody_there_is_told(void **state)
{
    (void)state;
    server s;
    server_start(&s, NULL, CLOSE_AT_ONCE);
    server_end(&s);
    assert_int_equal(probe(&s, NULL, PATIENCE_MS), EMQX_TLS_E_TRANSPORT);
    assert_non_null(strstr(error.message, "127.0.0.1"));
    emqx_tls_code code = emqx_tls_probe("name.invalid", 8883, NULL, NULL, 2000, NULL, &error);
    /* as the resolver here is set up */
    assert_true(code == EMQX_TLS_E_TRANSPORT || code == EMQX_TLS_E_TIMEOUT);
    assert_non_null(strstr(error.message, "name.invalid"));
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    emqx_tls_request bad = w.f->request;
    bad.cert = CERT_PEM;
    bad.cert_len = strlen(CERT_PEM);
    assert_int_equal(emqx_tls_probe("", 8883, NULL, NULL, 100, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("h", 0, NULL, NULL, 100, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("h", 65536, NULL, NULL, 100, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("h", 8883, NULL, NULL, 0, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("h", 8883, NULL, &bad, 100, NULL, NULL), EMQX_TLS_E_INVALID);
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(emqx_tls_probe("127.0.0.1", 8883, "", NULL, 100, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe("127.0.0.1", 8883, long_name, NULL, 100, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe(long_name, 8883, NULL, NULL, 100, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    result.size = UINT32_MAX;
    assert_int_equal(emqx_tls_probe("h", 8883, NULL, NULL, 100, &result, NULL), EMQX_TLS_E_INVALID);
}

/* -- in ensure: on the system's clock, since the servers are real ------------------------------ */

static void use_probe(const server *s)
{
    emqx_tls_client_free(w.f->client);
    w.f->config.clock = NULL;
    w.f->config.timeout_ms = PATIENCE_MS;
    open_client(w.f);
    w.options.probe_host = "127.0.0.1";
    w.options.probe_port = s->port;
}

static void a_probe_proves_what_the_status_tells(void **state)
{
    (void)state;
    server s;
    server_start(&s, &w.made, SERVE);
    use_probe(&s);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 1);
    w.options.receipt_dir = w.folder; /* and the receipt keeps it */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    w.options.probe_host = NULL;
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 1);
    server_end(&s);
}

static void it_does_not_prove_the_client_ca(void **state)
{
    (void)state;
    server s;
    server_start(&s, &w.made, SERVE_AND_VANISH);
    use_probe(&s);
    w.f->request.type = EMQX_TLS_TYPE_TWO_WAY;
    w.f->request.cacert = w.leaf;
    w.f->request.cacert_len = strlen(w.leaf);
    get_is("{\"tlsType\":\"two-way\",\"status\":\"running\",\"expire\":\"" END_TEXT "\"}");
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 0);
    server_end(&s);
}

static void another_leaf_with_the_same_end_is_reason_to_write_once(void **state)
{
    (void)state;
    made other = make(NAME, END, 0);
    server s;
    server_start(&s, &other, SERVE);
    use_probe(&s);
    get_is(SAME_RUNNING);
    put_is(SAME_PENDING);
    expect_end(EMQX_TLS_OK, UPDATED, 1, 1); /* pending, so there is nothing to prove yet */
    get_is(SAME_RUNNING);
    put_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, UPDATED, 1, 1); /* the old one is still served */
    assert_non_null(strstr(w.f->error.message, "serves another certificate"));
    server_end(&s);
    made_free(&other);
}

static void a_leaf_unlike_the_status_is_not(void **state)
{
    (void)state;
    made other = make(NAME, END + 86400, 0);
    server s;
    server_start(&s, &other, SERVE);
    use_probe(&s);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    server_end(&s);
    made_free(&other);
}

static void where_nobody_is_there_the_probe_s_failure_is_told(void **state)
{
    (void)state;
    server s;
    server_start(&s, NULL, CLOSE_AT_ONCE);
    use_probe(&s);
    server_end(&s);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 1, 0);
    w.options.wait_ms = 1000; /* it tries again until the time is over */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_TRANSPORT, NONE, 1, 0);
    w.options.flags = EMQX_TLS_DRY_RUN; /* which asks nobody but the platform */
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_OK, UNCHANGED, 1, 0);
}

/* A probe costs no quota, so its polls do not go by what is left of it. */
static void it_polls_the_port_at_its_pace_where_no_read_is_left(void **state)
{
    (void)state;
    made other = make(NAME, END + 86400, 0);
    server s;
    server_start(&s, &other, SERVE);
    use_probe(&s);
    expect_many(w.f, 60, "GET", 200, SAME_RUNNING);
    for (int i = 0; i < 59; i++)
        assert_int_equal(get(w.f), EMQX_TLS_OK);
    w.options.wait_ms = 4000;
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    assert_int_equal(s.connections, 1); /* the next would be due after 5 s */
    server_end(&s);
    made_free(&other);
}

/* A broker may need a moment after the platform says that it runs: the polls begin anew, and don't
 * go on at 60 s. */
static void the_last_step_begins_with_short_polls(void **state)
{
    (void)state;
    server s;
    server_start(&s, NULL, CLOSE_AT_ONCE);
    emqx_tls_client_free(w.f->client);
    w.f->config.timeout_ms = 1000;
    open_client(w.f);
    /* on the virtual clock: how a probe ends does not matter here */
    w.options.probe_host = "127.0.0.1";
    w.options.probe_port = s.port;
    w.options.wait_ms = 170000;
    gets_are(5, SAME_PENDING);
    get_is(SAME_RUNNING); /* after 100 to 110 s */
    assert_int_not_equal(ensure(), EMQX_TLS_OK);
    assert_int_equal(w.result.reads, 6);
    while (s.connections < 5) /* and after 5, 10, 20, 40 s */
        poll(NULL, 0, 10);
    server_end(&s);
}

/* The name in a certificate is somebody else's text: it may hold an escape sequence, or the end of
 * a line. */
static void a_name_with_control_characters_is_shown_without_them(void **state)
{
    (void)state;
    made other = make("a\x1b[2J\nb", END + 86400, 0);
    server s;
    server_start(&s, &other, SERVE);
    use_probe(&s);
    get_is(SAME_RUNNING);
    expect_end(EMQX_TLS_E_TIMEOUT, NONE, 1, 0);
    assert_non_null(strstr(w.f->error.message, "\"a?[2J?b\""));
    server_end(&s);
    made_free(&other);
}

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call;
    *(emqx_tls_code *)user = code;
}

static void a_probe_can_be_cancelled(void **state)
{
    (void)state;
    server s;
    emqx_tls_code code = EMQX_TLS_OK;
    emqx_tls_call *call;
    server_start(&s, NULL, SILENT);
    use_probe(&s);
    get_is(SAME_RUNNING);
    assert_int_equal(emqx_tls_submit_ensure(w.f->client, "d1", &w.f->request, &w.options, note,
                                            &code, &call, NULL),
                     EMQX_TLS_OK);
    int64_t began = real_ms();
    while (real_ms() - began < 100)
        assert_int_equal(emqx_tls_client_run(w.f->client, 10, NULL), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_pending(w.f->client), 1);
    emqx_tls_cancel(w.f->client, call);
    emqx_tls_client_run(w.f->client, 0, NULL);
    assert_int_equal(code, EMQX_TLS_E_CANCELLED);
    server_end(&s);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_leaf_that_is_served_is_told_and_compared),
        TEST(trust_is_not_judged),
        TEST(the_name_is_sent_where_there_is_one),
        TEST(what_is_no_tls_port_is_told_in_time),
        TEST(nobody_there_is_told),
        TEST(wrong_arguments_are_refused),
        TEST(a_probe_proves_what_the_status_tells),
        TEST(it_does_not_prove_the_client_ca),
        TEST(another_leaf_with_the_same_end_is_reason_to_write_once),
        TEST(a_leaf_unlike_the_status_is_not),
        TEST(where_nobody_is_there_the_probe_s_failure_is_told),
        TEST(it_polls_the_port_at_its_pace_where_no_read_is_left),
        TEST(the_last_step_begins_with_short_polls),
        TEST(a_name_with_control_characters_is_shown_without_them),
        TEST(a_probe_can_be_cancelled),
    };
    signal(SIGPIPE, SIG_DFL); /* it would end the test: the library must raise none */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
