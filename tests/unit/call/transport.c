/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Transports of the user's own that lack members, or whose members do not go together.
 */
#include "support/scripted_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUNNING "{\"status\":\"running\"}"

typedef struct own {
    fixture *f;
    emqx_tls_transport vtable;
    int interrupt_at; /* the exchange during which somebody interrupts; 0: none */
    int started, ended;
    emqx_tls_code poll_code;
    bool silent; /* nothing is answered */
    const emqx_tls_exchange *flying;
} own;

static own o;

static void answer(const emqx_tls_exchange *x)
{
    emqx_tls_reply reply = {
        .size = sizeof reply, .delivery = EMQX_TLS_DELIVERY_ANSWERED, .http_status = 200};
    reply.body = RUNNING;
    reply.body_len = strlen(RUNNING);
    x->done(x->done_user, &reply);
}

static emqx_tls_code start_at_once(void *context, const emqx_tls_exchange *x, void **handle)
{
    (void)context, (void)handle;
    if (++o.started == o.interrupt_at)
        emqx_tls_client_interrupt(o.f->client);
    answer(x);
    return EMQX_TLS_OK;
}

static emqx_tls_code start_only(void *context, const emqx_tls_exchange *x, void **handle)
{
    (void)context;
    o.started++;
    o.flying = x;
    *handle = NULL;
    return EMQX_TLS_OK;
}

static emqx_tls_code poll_that_answers(void *context, int timeout_ms)
{
    (void)context, (void)timeout_ms;
    const emqx_tls_exchange *x = o.flying;
    if (x && !o.silent) {
        o.flying = NULL;
        answer(x);
    }
    return o.poll_code;
}

static uint32_t cancel(void *context, void *handle)
{
    (void)context, (void)handle;
    o.flying = NULL;
    return EMQX_TLS_DELIVERY_MAYBE;
}

static int no_descriptor(void *context)
{
    (void)context;
    return -1;
}

static void wake(void *context)
{
    (void)context;
}

static void interrupt(void *client)
{
    emqx_tls_client_interrupt(client);
}

static void ended(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)user, (void)call, (void)code;
    o.ended++;
}

static void open_blocking(fixture *f)
{
    o = (own){.f = f};
    emqx_tls_transport_init(&o.vtable);
    o.vtable.start = start_at_once;
    f->config.transport = &o.vtable;
}

static void open_polled(fixture *f)
{
    open_blocking(f);
    o.vtable.start = start_only;
    o.vtable.poll = poll_that_answers;
    o.vtable.cancel = cancel;
}

static void an_interrupt_before_a_call_keeps_it_from_being_sent(void **state)
{
    fixture *f = *state;
    open_blocking(f);
    open_client(f);
    emqx_tls_client_interrupt(f->client);
    assert_int_equal(update(f), EMQX_TLS_E_CANCELLED);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(o.started, 0);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 0);
    assert_int_equal(update(f), EMQX_TLS_OK); /* it has ended one call */
}

static void an_interrupt_ends_run_between_calls_that_block(void **state)
{
    fixture *f = *state;
    open_blocking(f);
    open_client(f);
    o.interrupt_at = 2;
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, ended, NULL, NULL, NULL),
            EMQX_TLS_OK);
    assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_E_CANCELLED);
    assert_int_equal(o.started, 2);
    assert_int_equal(o.ended, 2);
    assert_int_equal(emqx_tls_client_next_ms(f->client), 0);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(o.ended, 5);
}

static void an_interrupt_is_seen_though_wake_can_not_end_a_sleep(void **state)
{
    fixture *f = *state;
    open_blocking(f);
    o.vtable.wake = wake; /* but no poll that it could end */
    f->config.quota_wait_ms = 3700000;
    open_client(f);
    for (int i = 0; i < 6; i++)
        assert_int_equal(update(f), EMQX_TLS_OK);
    int64_t began = now(f);
    assert_int_equal(emqx_tls_test_clock_at(f->clock, began + 250, interrupt, f->client), 0);
    assert_int_equal(update(f), EMQX_TLS_E_CANCELLED);
    assert_in_range(now(f) - began, 250, 1000);
}

static void without_a_descriptor_next_ms_is_short_while_an_answer_is_awaited(void **state)
{
    fixture *f = *state;
    for (int member = 0; member < 2; member++) {
        open_polled(f);
        o.vtable.wake = wake;
        o.vtable.fd = member ? no_descriptor : NULL;
        open_client(f);
        assert_int_equal(
            emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, ended, NULL, NULL, NULL),
            EMQX_TLS_OK);
        o.silent = true;
        assert_int_equal(emqx_tls_client_run(f->client, 0, NULL), EMQX_TLS_OK);
        assert_int_equal(o.started, 1);
        assert_int_equal(emqx_tls_client_fd(f->client), -1);
        assert_in_range(emqx_tls_client_next_ms(f->client), 1, 100);
        emqx_tls_client_free(f->client);
        f->client = NULL;
    }
}

static void a_poll_that_fails_does_not_take_back_a_result(void **state)
{
    fixture *f = *state;
    if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        skip();
    open_polled(f);
    open_client(f);
    o.poll_code = EMQX_TLS_E_TRANSPORT;
    assert_int_equal(emqx_tls_wait(f->client, "d1", NULL, 0, &f->status, &f->error), EMQX_TLS_OK);
    assert_int_equal(f->status.state, EMQX_TLS_STATE_RUNNING);
}

/* A port that takes connections and never answers. */
static int listen_in_silence(char url[64])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    snprintf(url, 64, "http://127.0.0.1:%d/v1", ntohs(a.sin_port));
    return fd;
}

static void without_descriptors_to_spare_next_ms_is_short_too(void **state)
{
    fixture *f = *state;
    struct rlimit usual, few;
    char url[64];
    int server = listen_in_silence(url);
    f->config.endpoint = url;
    f->config.flags |= EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    f->config.transport = NULL;
    f->config.clock = NULL;
    open_client(f);
    o = (own){.f = f};
    assert_int_equal(
        emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, ended, NULL, NULL, NULL),
        EMQX_TLS_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(emqx_tls_client_run(f->client, 30, NULL), EMQX_TLS_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    for (int spare = 0; spare < 3; spare++) { /* it takes three */
        int next = fcntl(0, F_DUPFD_CLOEXEC, 0);
        close(next);
        few = (struct rlimit){.rlim_cur = (rlim_t)(next + spare), .rlim_max = usual.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int fd = emqx_tls_client_fd(f->client);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
        assert_int_equal(fd, -1);
        assert_int_equal(emqx_tls_client_run(f->client, 30, NULL), EMQX_TLS_OK);
        assert_in_range(emqx_tls_client_next_ms(f->client), 0, 100);
    }
    assert_true(emqx_tls_client_fd(f->client) >= 0);
    close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interrupt_before_a_call_keeps_it_from_being_sent),
        TEST(an_interrupt_ends_run_between_calls_that_block),
        TEST(an_interrupt_is_seen_though_wake_can_not_end_a_sleep),
        TEST(without_a_descriptor_next_ms_is_short_while_an_answer_is_awaited),
        TEST(without_descriptors_to_spare_next_ms_is_short_too),
        TEST(a_poll_that_fails_does_not_take_back_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
