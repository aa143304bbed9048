/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "scripted_client.h"

int client_set_up(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    f.clock = emqx_tls_test_clock_new(1000000, 1767225600000);
    f.script = emqx_tls_test_transport_new(f.clock);
    f.allocator = emqx_tls_test_allocator_new();
    emqx_tls_test_allocator_watch(f.allocator, API_SECRET, strlen(API_SECRET));
    /* the beginning of KEY:SECRET in base64 */
    emqx_tls_test_allocator_watch(f.allocator, "dGhlLWtleTp0aGUtc2Vj", 20);
    emqx_tls_test_allocator_watch(f.allocator, "c2VjcmV0IGtleSBieXRlcw", 22);
    emqx_tls_config_init(&f.config);
    f.config.endpoint = "https://api.example/public_api/v1";
    f.config.api_key = API_KEY;
    f.config.api_secret = API_SECRET;
    f.config.flags = EMQX_TLS_SKIP_CHECK;
    f.config.clock = emqx_tls_test_clock_vtable(f.clock);
    f.config.transport = emqx_tls_test_transport_vtable(f.script);
    f.config.allocator = emqx_tls_test_allocator_vtable(f.allocator);
    emqx_tls_status_init(&f.status);
    emqx_tls_error_init(&f.error);
    emqx_tls_request_init(&f.request);
    f.request.type = EMQX_TLS_TYPE_ONE_WAY;
    f.request.cert = CERT_PEM;
    f.request.cert_len = strlen(CERT_PEM);
    f.request.key = KEY_PEM;
    f.request.key_len = strlen(KEY_PEM);
    *state = &f;
    return 0;
}

void open_client(fixture *f)
{
    if (emqx_tls_client_new(&f->config, &f->client, &f->error) != EMQX_TLS_OK)
        fail_msg("client_new: %s", f->error.message);
}

int client_tear_down(void **state)
{
    fixture *f = *state;
    emqx_tls_client_free(f->client);
    const char *problem = f->script_may_be_left ? NULL : emqx_tls_test_transport_problem(f->script);
    if (!problem)
        problem = emqx_tls_test_allocator_problem(f->allocator);
    if (problem)
        print_error("%s\n", problem);
    emqx_tls_test_transport_free(f->script);
    emqx_tls_test_clock_free(f->clock);
    emqx_tls_test_allocator_free(f->allocator);
    return problem ? -1 : 0;
}

void expect(fixture *f, const emqx_tls_test_step *step)
{
    emqx_tls_test_transport_expect(f->script, step);
}

void expect_many(fixture *f, uint32_t times, const char *method, int32_t status, const char *body)
{
    emqx_tls_test_step step = {
        .method = method, .times = times, .http_status = status, .body = body};
    expect(f, &step);
}

void expect_answer(fixture *f, const char *method, int32_t status, const char *body)
{
    expect_many(f, 1, method, status, body);
}

emqx_tls_code get(fixture *f)
{
    return emqx_tls_get(f->client, "d1", &f->status, &f->error);
}

emqx_tls_code update(fixture *f)
{
    return emqx_tls_update(f->client, "d1", &f->request, &f->status, &f->error);
}

int64_t now(fixture *f)
{
    return emqx_tls_test_clock_now(f->clock);
}

emqx_tls_quota quota(fixture *f, uint32_t op)
{
    emqx_tls_quota q;
    emqx_tls_quota_init(&q);
    assert_int_equal(emqx_tls_limiter_query(emqx_tls_client_limiter(f->client), op, "d1", &q, NULL),
                     EMQX_TLS_OK);
    return q;
}
