/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Who is inside a client: one thread, and it enters again from its callbacks alone.
 */
#include "support/scripted_client.h"

#include <pthread.h>
#include <semaphore.h>

/* A transport that is inside `start` until it is let go. */
typedef struct held {
    emqx_tls_transport vtable;
    sem_t inside, go;
    int starts, destroyed;
} held;

static emqx_tls_code start_held(void *context, const emqx_tls_exchange *x, void **handle)
{
    held *h = context;
    emqx_tls_reply reply = {.size = sizeof reply, .http_status = 204};
    (void)handle;
    h->starts++;
    sem_post(&h->inside);
    while (sem_wait(&h->go) != 0)
        ;
    x->done(x->done_user, &reply);
    return EMQX_TLS_OK;
}

static void destroy_held(void *context)
{
    ((held *)context)->destroyed++;
}

static held *open_held(fixture *f)
{
    static held h;
    memset(&h, 0, sizeof h);
    sem_init(&h.inside, 0, 0);
    sem_init(&h.go, 0, 0);
    emqx_tls_transport_init(&h.vtable);
    h.vtable.context = &h;
    h.vtable.start = start_held;
    h.vtable.destroy = destroy_held;
    f->config.transport = &h.vtable;
    open_client(f);
    return &h;
}

static void *delete_one(void *user)
{
    fixture *f = user;
    return (void *)(intptr_t)emqx_tls_delete(f->client, "d1", NULL);
}

/* The other thread is inside `delete` when this returns. */
static pthread_t enter_other(fixture *f, held *h)
{
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, delete_one, f), 0);
    while (sem_wait(&h->inside) != 0)
        ;
    return other;
}

static emqx_tls_code let_go(pthread_t other, held *h)
{
    void *code;
    sem_post(&h->go);
    assert_int_equal(pthread_join(other, &code), 0);
    return (emqx_tls_code)(intptr_t)code;
}

static void never_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)user, (void)call, (void)code;
    fail_msg("it was not started");
}

static void a_second_thread_is_refused_by_every_call(void **state)
{
    fixture *f = *state;
    held *h = open_held(f);
    pthread_t other = enter_other(f, h);
    emqx_tls_client *c = f->client;
    emqx_tls_error *e = &f->error;
    emqx_tls_call *call = (emqx_tls_call *)c;
    assert_int_equal(get(f), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(e->message, "another thread"));
    const emqx_tls_code codes[] = {
        emqx_tls_create(c, "d1", &f->request, NULL, e),
        update(f),
        emqx_tls_delete(c, "d1", e),
        emqx_tls_ensure(c, "d1", &f->request, NULL, NULL, NULL, e),
        emqx_tls_wait(c, "d1", NULL, 0, NULL, e),
        emqx_tls_remove(c, "d1", 0, e),
        emqx_tls_client_run(c, 0, e),
        emqx_tls_submit(c, EMQX_TLS_OP_GET, "d1", NULL, never_done, NULL, &call, e),
        emqx_tls_submit_ensure(c, "d1", &f->request, NULL, never_done, NULL, &call, e),
        emqx_tls_submit_wait(c, "d1", NULL, 0, never_done, NULL, &call, e),
        emqx_tls_submit_remove(c, "d1", 0, never_done, NULL, &call, e),
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(codes[i], EMQX_TLS_E_INVALID);
    assert_null(call);
    emqx_tls_cancel(c, (emqx_tls_call *)c); /* is not looked at */
    assert_int_equal(emqx_tls_client_fd(c), -1);
    assert_int_equal(emqx_tls_client_next_ms(c), -1);
    assert_int_equal(let_go(other, h), EMQX_TLS_OK); /* and the first one notices nothing */
    assert_int_equal(h->starts, 1);
    sem_post(&h->go);
    assert_int_equal(emqx_tls_delete(c, "d1", e), EMQX_TLS_OK); /* when it has left all is well */
}

static void a_client_that_another_thread_frees_goes_when_its_own_has_left(void **state)
{
    fixture *f = *state;
    held *h = open_held(f);
    pthread_t other = enter_other(f, h);
    emqx_tls_client_free(f->client);
    assert_int_equal(h->destroyed, 0);
    let_go(other, h);
    f->client = NULL;
    assert_int_equal(h->destroyed, 1);
}

static void *delete_many(void *user)
{
    fixture *f = user;
    for (int i = 0; i < 300; i++) {
        emqx_tls_code code = emqx_tls_delete(f->client, "d1", NULL);
        if (code != EMQX_TLS_OK && code != EMQX_TLS_E_INVALID && code != EMQX_TLS_E_RATE_LIMITED)
            return user;
    }
    return NULL;
}

static void many_threads_that_share_a_client_do_no_harm(void **state)
{
    enum { THREADS = 8 };
    fixture *f = *state;
    held *h = open_held(f);
    pthread_t threads[THREADS];
    for (int i = 0; i < 6; i++) /* so many deletions may leave */
        sem_post(&h->go);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, delete_many, f), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(h->starts, 6);
}

/* -- the same thread, from a callback ---------------------------------------------------------- */

static void call_from_the_log(void *user, int32_t level, const char *line)
{
    fixture *f = user;
    (void)level, (void)line;
    assert_int_equal(emqx_tls_client_run(f->client, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(get(f), EMQX_TLS_E_INVALID);
}

static void a_log_may_not_run_or_block_either(void **state)
{
    fixture *f = *state;
    f->config.log = call_from_the_log;
    f->config.log_user = f;
    open_client(f);
    expect_answer(f, "PUT", 200, "{}");
    assert_int_equal(update(f), EMQX_TLS_OK);
}

static emqx_tls_call *to_cancel;

static void cancel_from_the_log(void *user, int32_t level, const char *line)
{
    fixture *f = user;
    (void)level, (void)line;
    emqx_tls_cancel(f->client, to_cancel);
}

static void count(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call;
    *(int *)user += code == EMQX_TLS_E_CANCELLED || code == EMQX_TLS_E_HTTP;
}

static void a_log_may_cancel_the_call_that_it_is_about(void **state)
{
    fixture *f = *state;
    int ended = 0;
    f->config.log = cancel_from_the_log;
    f->config.log_user = f;
    open_client(f);
    expect_answer(f, "GET", 503, NULL); /* which would be repeated */
    assert_int_equal(
        emqx_tls_submit(f->client, EMQX_TLS_OP_GET, "d1", NULL, count, &ended, &to_cancel, NULL),
        EMQX_TLS_OK);
    while (emqx_tls_client_pending(f->client))
        assert_int_equal(emqx_tls_client_run(f->client, -1, NULL), EMQX_TLS_OK);
    assert_int_equal(ended, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_thread_is_refused_by_every_call),
        TEST(a_client_that_another_thread_frees_goes_when_its_own_has_left),
        TEST(many_threads_that_share_a_client_do_no_harm),
        TEST(a_log_may_not_run_or_block_either),
        TEST(a_log_may_cancel_the_call_that_it_is_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
