/* SPDX-License-Identifier: MIT
 *
 * A system without epoll: this program has the library's objects built so (meson.build,
 * EMQXI_NO_EPOLL). A client has no descriptor there, and run and next_ms are enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/base.h"
#include "support/loopback.h"

#include <emqxtls/emqxtls.h>

#define MANY 40
/* of the server before each answer: longer than libcurl's timers of a connection */
#define PAUSE_MS 300

typedef struct fixture {
    loopback *server;
    emqx_tls_client *client;
    int ended, failed;
} fixture;

static int64_t real_ms(void)
{
    return emqxi_now(&emqxi_system_clock);
}

static int setup(void **state)
{
    static const loopback_answer slow = {.text = OK_JSON("{\"status\":\"running\"}", 20),
                                         .pause_ms = PAUSE_MS};
    static fixture f;
    char endpoint[64];
    emqx_tls_config config;
    f = (fixture){.server = loopback_start(&(loopback_options){.answers = &slow, .count = 1})};
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d/v1", loopback_port(f.server));
    emqx_tls_config_init(&config);
    config.endpoint = endpoint;
    config.api_key = "the-key";
    config.api_secret = "the-secret";
    config.proxy = "";
    config.flags = EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    *state = &f;
    return emqx_tls_client_new(&config, &f.client, NULL);
}

static int teardown(void **state)
{
    fixture *f = *state;
    emqx_tls_client_free(f->client);
    loopback_stop(f->server);
    return 0;
}

static void on_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    fixture *f = user;
    (void)call;
    f->ended++;
    f->failed += code != EMQX_TLS_OK;
}

static void submit(fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(
            emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, on_end, f, NULL, NULL),
            EMQX_TLS_OK);
}

static void there_is_no_descriptor(void **state)
{
    fixture *f = *state;
    submit(f, 1);
    assert_int_equal(emqx_tls_client_fd(f->client), -1);
    assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_fd(f->client), -1);
}

static void run_alone_drives_many_at_once(void **state)
{
    fixture *f = *state;
    int64_t began = real_ms();
    submit(f, MANY);
    while (emqx_tls_client_pending(f->client) > 0)
        assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(f->ended, MANY);
    assert_int_equal(f->failed, 0);
    assert_in_range(real_ms() - began, PAUSE_MS, MANY * PAUSE_MS / 2);
}

static void sleeping_for_next_ms_is_enough_and_soon_enough(void **state)
{
    fixture *f = *state;
    int runs = 0;
    assert_int_equal(emqx_tls_client_next_ms(f->client), -1);
    int64_t began = real_ms();
    submit(f, MANY);
    for (int64_t next; (next = emqx_tls_client_next_ms(f->client)) >= 0; runs++) {
        poll(NULL, 0, (int)next);
        assert_int_equal(emqx_tls_client_run(f->client, 0, NULL), EMQX_TLS_OK);
    }
    assert_int_equal(f->ended, MANY);
    assert_int_equal(f->failed, 0);
    assert_in_range(real_ms() - began, PAUSE_MS, MANY * PAUSE_MS / 2);
    assert_in_range(runs, 2, 10 * MANY); /* no busy waiting */
}

static void *interrupt(void *client)
{
    usleep(50000);
    emqx_tls_client_interrupt(client);
    return NULL;
}

static void an_interrupt_from_another_thread_ends_run(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    emqx_tls_limiter *limiter = emqx_tls_client_limiter(f->client);
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    submit(f, 1);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, f->client), 0);
    assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_E_CANCELLED);
    assert_int_equal(f->ended, 0);
    pthread_join(thread, NULL);
    assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(f->ended, 1);
    assert_int_equal(emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, NULL, &quota, NULL),
                     EMQX_TLS_OK);
    assert_int_equal(quota.used, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_no_descriptor),
        TEST(run_alone_drives_many_at_once),
        TEST(sleeping_for_next_ms_is_enough_and_soon_enough),
        TEST(an_interrupt_from_another_thread_ends_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
