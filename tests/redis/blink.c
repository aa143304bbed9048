/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A Redis that blinks: stopped for a while, started again, read-only after a failover, behind a
 * balancer that forgets. Whoever has time left goes on and ends well.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "peer.h"
#include "server.h"

#include <emqxtls/emqxtls.h>
#include <emqxtls/redis.h>

static server s;
static emqx_tls_client *client;

/* Answers at once, with no certificate. */
static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    static const emqx_tls_reply reply = {.size = sizeof reply,
                                         .delivery = EMQX_TLS_DELIVERY_ANSWERED,
                                         .http_status = 200,
                                         .body = "{}",
                                         .body_len = 2};
    (void)context, (void)handle;
    x->done(x->done_user, &reply);
    return EMQX_TLS_OK;
}

static void destroy(void *context)
{
    (void)context;
}

static void open_client(const char *url, uint32_t timeout_ms, uint32_t quota_wait_ms)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_config config;
    emqx_tls_transport transport;
    emqx_tls_error_init(&error);
    emqx_tls_transport_init(&transport);
    transport.start = start;
    transport.destroy = destroy;
    if (emqx_tls_limiter_open_redis(url, "blink", NULL, &limiter, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    emqx_tls_config_init(&config);
    config.endpoint = "https://api.example/v1";
    config.api_key = "key";
    config.api_secret = "secret";
    config.transport = &transport;
    config.limiter = limiter;
    config.timeout_ms = timeout_ms;
    config.quota_wait_ms = quota_wait_ms;
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    emqx_tls_limiter_unref(limiter);
}

static void get_many(int count)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    for (int i = 0; i < count; i++)
        if (emqx_tls_get(client, "d1", NULL, &error) != EMQX_TLS_OK)
            fail_msg("%d: %s", i, error.message);
}

static int setup(void **state)
{
    (void)state;
    server_new(&s, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    emqx_tls_client_free(client);
    client = NULL;
    server_free(&s);
    return 0;
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* -- away for a while -------------------------------------------------------------------------- */

static void *go_on_in_3_s(void *context)
{
    (void)context;
    wait_ms(3000);
    server_stop(&s, false);
    return NULL;
}

static void fifty_reads_across_a_stop_are_fifty_answers(void **state)
{
    (void)state;
    pthread_t thread;
    open_client(s.tcp_url, 30000, 60000);
    get_many(10);
    server_stop(&s, true);
    assert_int_equal(pthread_create(&thread, NULL, go_on_in_3_s, NULL), 0);
    get_many(40);
    pthread_join(thread, NULL);
}

/* The server ends with the thread that has started it. */
static void *start_in_1_s(void *over)
{
    wait_ms(1000);
    server_start(&s);
    sem_wait(over);
    return NULL;
}

static void and_across_a_restart(void **state)
{
    (void)state;
    pthread_t thread;
    sem_t over;
    sem_init(&over, 0, 0);
    open_client(s.tcp_url, 30000, 60000);
    get_many(10);
    server_kill(&s);
    assert_int_equal(pthread_create(&thread, NULL, start_in_1_s, &over), 0);
    get_many(40);
    sem_post(&over);
    pthread_join(thread, NULL);
}

static void *promote_in_1_s(void *context)
{
    (void)context;
    wait_ms(1000);
    server_command(&s, "REPLICAOF NO ONE");
    return NULL;
}

static void and_across_a_failover(void **state)
{
    (void)state;
    pthread_t thread;
    open_client(s.tcp_url, 30000, 60000);
    get_many(10);
    server_command(&s, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(pthread_create(&thread, NULL, promote_in_1_s, NULL), 0);
    get_many(40);
    pthread_join(thread, NULL);
}

static void what_stays_away_is_told_when_the_time_is_over(void **state)
{
    (void)state;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    open_client(s.tcp_url, 200, 0);
    server_command(&s, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(emqx_tls_get(client, "d1", NULL, &error), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "is a replica, which takes no writes"));
    assert_int_equal(error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
}

/* -- connections that break -------------------------------------------------------------------- */

static void a_connection_that_a_balancer_forgot_is_replaced(void **state)
{
    (void)state;
    balancer b;
    balancer_begin(&b, s.folder, s.socket, SERVER_URL_PASSWORD);
    open_client(b.url, 30000, 60000);
    for (int i = 0; i < 3; i++) {
        get_many(1);
        atomic_store(&b.forgotten, atomic_load(&b.connections));
        get_many(1);
    }
    assert_in_range(atomic_load(&b.connections), 4, 7); /* one for each that was forgotten */
    emqx_tls_client_free(client);
    client = NULL;
    balancer_end(&b);
}

static void so_is_one_that_is_cut_in_the_middle_of_an_answer(void **state)
{
    (void)state;
    balancer b;
    balancer_begin(&b, s.folder, s.socket, SERVER_URL_PASSWORD);
    open_client(b.url, 30000, 60000);
    for (int bytes = 1; bytes <= 20; bytes++) {
        get_many(1);
        atomic_store(&b.cut, bytes);
        get_many(1);
    }
    emqx_tls_client_free(client);
    client = NULL;
    balancer_end(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fifty_reads_across_a_stop_are_fifty_answers),
        TEST(and_across_a_restart),
        TEST(and_across_a_failover),
        TEST(what_stays_away_is_told_when_the_time_is_over),
        TEST(a_connection_that_a_balancer_forgot_is_replaced),
        TEST(so_is_one_that_is_cut_in_the_middle_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
