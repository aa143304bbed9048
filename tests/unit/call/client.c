/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Making and freeing a client; what is wrong with a config.
 */
#include "support/scripted_client.h"

#include <sys/wait.h>
#include <unistd.h>

static void refused(fixture *f, const char *about)
{
    emqx_tls_client *client = (emqx_tls_client *)f;
    assert_int_equal(emqx_tls_client_new(&f->config, &client, &f->error), EMQX_TLS_E_INVALID);
    assert_null(client);
    if (!strstr(f->error.message, about))
        fail_msg("the message should name %s: %s", about, f->error.message);
    assert_null(strstr(f->error.message, API_SECRET));
    assert_int_equal(emqx_tls_test_transport_destroyed(f->script), 0); /* still the caller's */
}

static void wrong_configs_are_named(void **state)
{
    fixture *f = *state;
    const emqx_tls_config good = f->config;
    static const char *const endpoints[] = {
        NULL,
        "",
        "api.example",
        "ftp://api.example/",
        "https://",
        "https:///path",
        "http://api.example/v1",
        "http://127.0.0.1:1/v1",
        "https://" API_KEY ":" API_SECRET "@api.example/",
        "https://a.example/?q=1",
        "https://a.example/#f",
        "https://a.example:99999/",
    };
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        f->config = good;
        f->config.endpoint = endpoints[i];
        refused(f, "endpoint");
    }
    static const char *const keys[] = {NULL, "", "a:b", "a\n", "a\x7f"};
    for (size_t i = 0; i < 5; i++) {
        f->config = good;
        f->config.api_key = keys[i];
        refused(f, "api_key");
    }
    static const char *const secrets[] = {NULL, "", "a\n"};
    for (size_t i = 0; i < 3; i++) {
        f->config = good;
        f->config.api_secret = secrets[i];
        refused(f, "api_secret");
    }
    f->config = good;
    f->config.timeout_ms = 0;
    refused(f, "timeout_ms");
    f->config = good;
    f->config.connect_timeout_ms = 0;
    refused(f, "connect_timeout_ms");
    f->config = good;
    f->config.flags = 0x80;
    refused(f, "flags");
    f->config = good;
    f->config.size = 8;
    refused(f, "config");

    emqx_tls_transport transport = *good.transport;
    f->config = good;
    f->config.transport = &transport;
    transport.cancel = NULL;
    refused(f, "cancel");
    transport = *good.transport;
    transport.start = NULL;
    refused(f, "start");
    transport = *good.transport;
    f->config.ca_file = "/ca.pem";
    refused(f, "ca_file");
    f->config.ca_file = NULL;
    f->config.proxy = "";
    refused(f, "proxy");
    emqx_tls_clock clock = *good.clock;
    f->config = good;
    f->config.clock = &clock;
    clock.now_ms = NULL;
    refused(f, "clock");
    emqx_tls_allocator allocator = *good.allocator;
    f->config = good;
    f->config.allocator = &allocator;
    allocator.resize = NULL;
    refused(f, "allocator");

    assert_int_equal(emqx_tls_client_new(NULL, &f->client, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_client_new(&good, NULL, NULL), EMQX_TLS_E_INVALID);
    f->client = NULL;
}

static void http_is_for_loopback_with_the_flag(void **state)
{
    fixture *f = *state;
    f->config.flags |= EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    f->config.endpoint = "http://api.example/v1";
    refused(f, "endpoint");
    static const char *const good[] = {"http://127.0.0.1:8080/v1", "http://[::1]/v1/",
                                       "http://localhost/"};
    for (size_t i = 0; i < 3; i++) {
        f->config.endpoint = good[i];
        open_client(f);
        emqx_tls_client_free(f->client);
    }
    f->client = NULL;
}

static void the_path_of_the_endpoint_is_kept(void **state)
{
    fixture *f = *state;
    f->config.endpoint = "https://api.example/public_api/v1/";
    open_client(f);
    emqx_tls_test_step step = {.url = "https://api.example/public_api/v1/deployments/d1/tls",
                               .http_status = 200};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_OK);
}

static void strings_and_vtables_are_copied(void **state)
{
    fixture *f = *state;
    char endpoint[] = "https://api.example/v1", key[] = "k", secret[] = "s";
    emqx_tls_transport transport = *f->config.transport;
    f->config.endpoint = endpoint;
    f->config.api_key = key;
    f->config.api_secret = secret;
    f->config.transport = &transport;
    open_client(f);
    memset(endpoint, 'x', sizeof endpoint - 1);
    memset(&transport, 0xff, sizeof transport);
    emqx_tls_test_step step = {.url = "https://api.example/v1/deployments/d1/tls",
                               .http_status = 200};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_OK);
}

static void every_failed_allocation_of_new_leaves_the_transport_alone(void **state)
{
    fixture *f = *state;
    bool reached = true;
    for (size_t i = 1; reached; i++) {
        emqx_tls_client *client = NULL;
        unsigned destroyed = emqx_tls_test_transport_destroyed(f->script);
        emqx_tls_test_allocator_fail(f->allocator, i, 0);
        emqx_tls_code code = emqx_tls_client_new(&f->config, &client, &f->error);
        reached = emqx_tls_test_allocator_failed(f->allocator);
        emqx_tls_test_allocator_fail(f->allocator, 0, 0);
        assert_int_equal(code, reached ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_OK);
        assert_int_equal(emqx_tls_test_transport_destroyed(f->script), destroyed);
        emqx_tls_client_free(client);
    }
}

static void ignore(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)user, (void)call, (void)code;
}

static void freeing_gives_the_transport_back_once(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_client_free(f->client);
    f->client = NULL;
    assert_int_equal(emqx_tls_test_transport_destroyed(f->script), 1);
    emqx_tls_client_free(NULL);
    assert_null(emqx_tls_client_limiter(NULL));
    emqx_tls_client_interrupt(NULL);
}

typedef struct listener {
    int lines, destroyed;
} listener;

static void hear(void *user, int32_t level, const char *line)
{
    listener *l = user;
    (void)level, (void)line;
    assert_int_equal(l->destroyed, 0);
    l->lines++;
}

static void go(void *user)
{
    ((listener *)user)->destroyed++;
}

static void the_log_is_told_once_that_it_is_not_needed_any_more(void **state)
{
    fixture *f = *state;
    listener l = {0};
    f->config.log = hear;
    f->config.log_user = &l;
    f->config.log_destroy = go;
    f->config.api_key = "";
    assert_int_equal(emqx_tls_client_new(&f->config, &f->client, &f->error), EMQX_TLS_E_INVALID);
    assert_int_equal(l.destroyed, 0); /* still the caller's */
    f->config.api_key = API_KEY;
    open_client(f);
    emqx_tls_test_step never = {.flags = EMQX_TLS_TEST_NEVER};
    expect(f, &never);
    assert_int_equal(
        emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, ignore, NULL, NULL, &f->error),
        EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_run(f->client, 0, &f->error), EMQX_TLS_OK);
    int lines = l.lines;
    emqx_tls_client_free(f->client);
    f->client = NULL;
    assert_int_equal(l.destroyed, 1);
    assert_true(l.lines > lines); /* of the call that it ended */
}

static void after_a_fork_the_child_is_told_to_make_its_own(void **state)
{
    fixture *f = *state;
    open_client(f);
    pid_t child = fork();
    if (child == 0) {
        bool ok = get(f) == EMQX_TLS_E_INVALID && strstr(f->error.message, "fork") &&
                  emqx_tls_client_run(f->client, 0, NULL) == EMQX_TLS_E_INVALID &&
                  emqx_tls_client_next_ms(f->client) == -1;
        emqx_tls_client_free(f->client);
        _exit(ok && emqx_tls_test_transport_destroyed(f->script) == 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_answer(f, "GET", 200, "{}");
    assert_int_equal(get(f), EMQX_TLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_configs_are_named),
        TEST(http_is_for_loopback_with_the_flag),
        TEST(the_path_of_the_endpoint_is_kept),
        TEST(strings_and_vtables_are_copied),
        TEST(every_failed_allocation_of_new_leaves_the_transport_alone),
        TEST(freeing_gives_the_transport_back_once),
        TEST(the_log_is_told_once_that_it_is_not_needed_any_more),
        TEST(after_a_fork_the_child_is_told_to_make_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
