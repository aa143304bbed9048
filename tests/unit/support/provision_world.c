/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "provision_world.h"

world w;

int world_set_up(void **state)
{
    int code = client_set_up(state);
    memset(&w, 0, sizeof w);
    w.f = *state;
    w.made = make(NAME, END, 0);
    w.leaf = made_pem(&w.made);
    w.f->request.cert = w.leaf;
    w.f->request.cert_len = strlen(w.leaf);
    assert_true(folder_make(w.folder, "receipts"));
    emqx_tls_ensure_options_init(&w.options);
    emqx_tls_ensure_result_init(&w.result);
    open_client(w.f);
    return code;
}

int world_tear_down(void **state)
{
    int code = client_tear_down(state);
    folder_remove(w.folder);
    free(w.leaf);
    made_free(&w.made);
    return code;
}

emqx_tls_code ensure(void)
{
    return emqx_tls_ensure(w.f->client, "d1", &w.f->request, &w.options, &w.result, &w.f->status,
                           &w.f->error);
}

void get_is(const char *body)
{
    expect_answer(w.f, "GET", 200, body);
}

void gets_are(uint32_t times, const char *body)
{
    expect_many(w.f, times, "GET", 200, body);
}

void get_says(int32_t status)
{
    expect_answer(w.f, "GET", status, "");
}

void put_is(const char *body)
{
    expect_answer(w.f, "PUT", 200, body);
}

void post_is(const char *body)
{
    expect_answer(w.f, "POST", 200, body);
}

void get_lost(uint32_t delivery, emqx_tls_code code)
{
    emqx_tls_test_step step = {.method = "GET", .code = code, .delivery = delivery, .times = 3};
    expect(w.f, &step);
}

void write_lost(const char *method)
{
    emqx_tls_test_step step = {
        .method = method, .code = EMQX_TLS_E_TRANSPORT, .delivery = EMQX_TLS_DELIVERY_MAYBE};
    expect(w.f, &step);
}

int64_t came_at(size_t i)
{
    const emqx_tls_test_seen *s = emqx_tls_test_transport_seen(w.f->script, i);
    assert_non_null(s);
    return s->at_ms - 1000000;
}

void note_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    ended *e = user;
    e->count++;
    e->code = code;
    emqx_tls_status_init(&e->status);
    emqx_tls_error_init(&e->error);
    emqx_tls_ensure_result_init(&e->result);
    emqx_tls_call_result(call, &e->status, &e->error);
    emqx_tls_call_ensure_result(call, &e->result);
}

emqx_tls_call *start_ensure(ended *e)
{
    emqx_tls_call *call = NULL;
    if (emqx_tls_submit_ensure(w.f->client, "d1", &w.f->request, &w.options, note_end, e, &call,
                               &w.f->error) != EMQX_TLS_OK)
        fail_msg("%s", w.f->error.message);
    assert_non_null(call);
    return call;
}

void run_all(void)
{
    while (emqx_tls_client_pending(w.f->client) > 0)
        assert_int_equal(emqx_tls_client_run(w.f->client, -1, NULL), EMQX_TLS_OK);
}
