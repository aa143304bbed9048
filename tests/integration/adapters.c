/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The adapters for event loops, without traffic: how they begin and end. That they carry calls out
 * is event_loops.py's to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <emqxtls/adapters/poll.h>
#ifdef WITH_LIBUV
#include <emqxtls/adapters/libuv.h>
#endif
#ifdef WITH_LIBEVENT
#include <emqxtls/adapters/libevent.h>
#endif
#ifdef WITH_GLIB
#include <emqxtls/adapters/glib.h>
#endif

/* What all loops have. `attach` gives NULL where the adapter refuses the client. */
typedef struct kind {
    void *(*make)(void);
    void *(*attach)(void *loop, emqx_tls_client *client);
    void (*detach)(void *loop, void *adapter);
    void (*turn)(void *loop); /* waits for an event */
    void (*end)(void *loop);
} kind;

#ifdef WITH_LIBUV
static void *uv_make(void)
{
    uv_loop_t *loop = malloc(sizeof *loop);
    assert_int_equal(uv_loop_init(loop), 0);
    return loop;
}

static void *uv_attach(void *loop, emqx_tls_client *client)
{
    emqx_tls_libuv *adapter;
    int error = emqx_tls_libuv_attach(loop, client, &adapter);
    assert_int_equal(error == 0, adapter != NULL);
    return adapter;
}

static void uv_detach(void *loop, void *adapter)
{
    (void)loop;
    emqx_tls_libuv_detach(adapter);
}

static void uv_turn(void *loop)
{
    uv_run(loop, UV_RUN_ONCE);
}

static void uv_end(void *loop)
{
    uv_run(loop, UV_RUN_DEFAULT); /* gives back what was detached: nothing else keeps it */
    assert_int_equal(uv_loop_close(loop), 0);
    free(loop);
}
static kind with_libuv = {uv_make, uv_attach, uv_detach, uv_turn, uv_end};
#endif

#ifdef WITH_LIBEVENT
static void *event_make(void)
{
    return event_base_new();
}

static void *event_attach(void *loop, emqx_tls_client *client)
{
    return emqx_tls_libevent_attach(loop, client);
}

static void event_detach(void *loop, void *adapter)
{
    (void)loop;
    emqx_tls_libevent_detach(adapter);
}

static void event_turn(void *loop)
{
    event_base_loop(loop, EVLOOP_ONCE);
}

static void event_end(void *loop)
{
    assert_int_equal(event_base_loop(loop, 0), 1); /* nothing is left in it */
    event_base_free(loop);
}
static kind with_libevent = {event_make, event_attach, event_detach, event_turn, event_end};
#endif

#ifdef WITH_GLIB
static void *glib_make(void)
{
    return g_main_context_new();
}

static void *glib_attach(void *loop, emqx_tls_client *client)
{
    return emqx_tls_glib_attach(loop, client);
}

static void glib_detach(void *loop, void *adapter)
{
    (void)loop;
    emqx_tls_glib_detach(adapter);
}

static void glib_turn(void *loop)
{
    g_main_context_iteration(loop, TRUE);
}

static void glib_end(void *loop)
{
    assert_false(g_main_context_pending(loop));
    g_main_context_unref(loop);
}
static kind with_glib = {glib_make, glib_attach, glib_detach, glib_turn, glib_end};
#endif

static void *epoll_make(void)
{
    int *epoll = malloc(sizeof *epoll);
    *epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(*epoll >= 0);
    return epoll;
}

static void *epoll_attach(void *loop, emqx_tls_client *client)
{
    return emqx_tls_epoll_attach(*(int *)loop, client) == 0 ? client : NULL;
}

static void epoll_detach(void *loop, void *adapter)
{
    if (adapter)
        assert_int_equal(emqx_tls_epoll_detach(*(int *)loop, adapter), 0);
}

static void epoll_turn(void *loop)
{
    struct epoll_event event;
    if (epoll_wait(*(int *)loop, &event, 1, -1) == 1)
        emqx_tls_client_run(event.data.ptr, 0, NULL);
}

static void epoll_end(void *loop)
{
    close(*(int *)loop);
    free(loop);
}
static kind with_epoll = {epoll_make, epoll_attach, epoll_detach, epoll_turn, epoll_end};

/* -- the world of a test ----------------------------------------------------------------------- */

typedef struct world {
    const kind *kind;
    void *loop, *adapter;
    emqx_tls_client *client;
    int dones;
    emqx_tls_code code;
    bool ends_in_done;
} world;

static emqx_tls_client *new_client(const emqx_tls_transport *transport)
{
    emqx_tls_client *client;
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = "https://127.0.0.1:1/public_api/v1";
    config.api_key = "key";
    config.api_secret = "secret";
    config.transport = transport;
    assert_int_equal(emqx_tls_client_new(&config, &client, NULL), EMQX_TLS_OK);
    return client;
}

static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    world *w = user;
    (void)call;
    w->dones++;
    w->code = code;
    if (w->ends_in_done) {
        w->kind->detach(w->loop, w->adapter);
        emqx_tls_client_free(w->client);
    }
}

static world begin(void **state)
{
    world w = {.kind = *state, .client = new_client(NULL)};
    w.loop = w.kind->make();
    w.adapter = w.kind->attach(w.loop, w.client);
    assert_non_null(w.adapter);
    return w;
}

static emqx_tls_call *submit(world *w)
{
    emqx_tls_call *call;
    assert_int_equal(
        emqx_tls_submit(w->client, EMQX_TLS_OP_GET, "d1", NULL, on_done, w, &call, NULL),
        EMQX_TLS_OK);
    return call;
}

static void run_until_done(world *w)
{
    while (w->dones == 0)
        w->kind->turn(w->loop);
}

/* -- tests ------------------------------------------------------------------------------------- */

static void a_call_that_is_cancelled_outside_of_the_loop_ends_in_it(void **state)
{
    world w = begin(state);
    emqx_tls_cancel(w.client, submit(&w));
    run_until_done(&w);
    assert_int_equal(w.code, EMQX_TLS_E_CANCELLED);
    w.kind->detach(w.loop, w.adapter);
    emqx_tls_client_free(w.client);
    w.kind->end(w.loop);
}

static void done_may_take_the_client_out_and_free_it(void **state)
{
    world w = begin(state);
    w.ends_in_done = true;
    emqx_tls_cancel(w.client, submit(&w));
    run_until_done(&w);
    assert_int_equal(w.dones, 1);
    w.kind->end(w.loop);
}

static void a_client_may_move_to_another_loop(void **state)
{
    world w = begin(state);
    emqx_tls_call *call = submit(&w);
    w.kind->detach(w.loop, w.adapter);
    w.kind->end(w.loop);
    w.loop = w.kind->make();
    w.adapter = w.kind->attach(w.loop, w.client);
    emqx_tls_cancel(w.client, call);
    run_until_done(&w);
    w.kind->detach(w.loop, w.adapter);
    emqx_tls_client_free(w.client);
    w.kind->end(w.loop);
}

static void behind_detach_the_calls_end_with_the_client(void **state)
{
    world w = begin(state);
    submit(&w);
    w.kind->detach(w.loop, w.adapter);
    emqx_tls_client_free(w.client);
    assert_int_equal(w.dones, 1);
    assert_int_equal(w.code, EMQX_TLS_E_CANCELLED);
    w.kind->end(w.loop);
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    emqx_tls_reply reply = {.size = sizeof reply, .delivery = EMQX_TLS_DELIVERY_ANSWERED};
    (void)context, (void)handle;
    reply.http_status = 200;
    reply.body = "{}";
    reply.body_len = 2;
    x->done(x->done_user, &reply);
    return EMQX_TLS_OK;
}

static void a_client_without_descriptor_is_refused(void **state)
{
    world w = {.kind = *state};
    emqx_tls_transport transport;
    emqx_tls_transport_init(&transport);
    transport.start = start;
    w.client = new_client(&transport);
    w.loop = w.kind->make();
    assert_null(w.kind->attach(w.loop, w.client));
    w.kind->detach(w.loop, NULL);
    emqx_tls_client_free(w.client);
    w.kind->end(w.loop);
}

static void poll_has_the_descriptor_or_bounds_the_time(void **state)
{
    world w = {.client = new_client(NULL)};
    struct pollfd slot;
    (void)state;
    assert_int_equal(emqx_tls_poll_prepare(w.client, &slot, -1), -1);
    assert_int_equal(slot.fd, emqx_tls_client_fd(w.client));
    assert_int_equal(emqx_tls_poll_prepare(w.client, &slot, 700), 700);
    emqx_tls_client_free(w.client);

    emqx_tls_transport transport;
    emqx_tls_transport_init(&transport);
    transport.start = start;
    w.client = new_client(&transport);
    assert_int_equal(emqx_tls_poll_prepare(w.client, &slot, -1), -1); /* nothing is pending */
    assert_true(slot.fd < 0);
    submit(&w);
    while (w.dones == 0) {
        int timeout_ms = emqx_tls_poll_prepare(w.client, &slot, -1);
        assert_true(timeout_ms >= 0);
        poll(&slot, 1, timeout_ms);
        emqx_tls_poll_ready(w.client, &slot);
    }
    assert_int_equal(w.code, EMQX_TLS_OK);
    emqx_tls_client_free(w.client);
}

#define OF(name, test)                                                                             \
    {                                                                                              \
#name ": " #test, test, NULL, NULL, &with_##name                                           \
    }
#define ALL(name)                                                                                  \
    OF(name, a_call_that_is_cancelled_outside_of_the_loop_ends_in_it),                             \
        OF(name, done_may_take_the_client_out_and_free_it),                                        \
        OF(name, a_client_may_move_to_another_loop),                                               \
        OF(name, behind_detach_the_calls_end_with_the_client),                                     \
        OF(name, a_client_without_descriptor_is_refused)

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef WITH_LIBUV
        ALL(libuv),
#endif
#ifdef WITH_LIBEVENT
        ALL(libevent),
#endif
#ifdef WITH_GLIB
        ALL(glib),
#endif
        ALL(epoll),    cmocka_unit_test(poll_has_the_descriptor_or_bounds_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
