/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Input structs of older and newer callers, through the public calls of the shipped library.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static char nothing;

/* -- for each struct: one that works, and a call that takes it */

static void make_clock(world *w, void *p)
{
    memcpy(p, emqx_tls_test_clock_vtable(w->clock), sizeof(emqx_tls_clock));
}

static emqx_tls_code use_limiter_config(world *w, const void *p)
{
    (void)w;
    emqx_tls_limiter *limiter;
    emqx_tls_code code = emqx_tls_limiter_new(p, &limiter, NULL);
    emqx_tls_limiter_unref(limiter);
    return code;
}

static emqx_tls_code use_clock(world *w, const void *p)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.clock = p;
    return use_limiter_config(w, &config);
}

static void *allocate(void *context, size_t n)
{
    assert_ptr_equal(context, &nothing);
    return malloc(n);
}

static void *resize(void *context, void *p, size_t n)
{
    assert_ptr_equal(context, &nothing);
    return realloc(p, n);
}

static void release(void *context, void *p)
{
    assert_ptr_equal(context, &nothing);
    free(p);
}

static void make_allocator(world *w, void *p)
{
    emqx_tls_allocator *a = p;
    (void)w;
    emqx_tls_allocator_init(a);
    a->context = &nothing;
    a->allocate = allocate;
    a->resize = resize;
    a->release = release;
}

static emqx_tls_code use_allocator(world *w, const void *p)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.allocator = p;
    return use_limiter_config(w, &config);
}

static void make_limiter_config(world *w, void *p)
{
    (void)w;
    emqx_tls_limiter_config_init(p);
}

static void make_config(world *w, void *p)
{
    world_config(w, p);
}

static emqx_tls_code use_config(world *w, const void *p)
{
    emqx_tls_client *client;
    (void)w;
    emqx_tls_code code = emqx_tls_client_new(p, &client, NULL);
    emqx_tls_client_free(client);
    return code;
}

static void make_transport(world *w, void *p)
{
    memcpy(p, emqx_tls_test_transport_vtable(w->script), sizeof(emqx_tls_transport));
}

static emqx_tls_code use_transport(world *w, const void *p)
{
    emqx_tls_config config;
    world_config(w, &config);
    config.transport = p;
    return use_config(w, &config);
}

static void make_request(world *w, void *p)
{
    emqx_tls_request *r = p;
    (void)w;
    emqx_tls_request_init(r);
    r->type = EMQX_TLS_TYPE_ONE_WAY;
    r->cert = "cert";
    r->cert_len = 4;
    r->key = "key";
    r->key_len = 3;
}

static const char *is_whole(void *context, const emqx_tls_exchange *x)
{
    (void)context;
    static const char body[] = "{\"tlsType\":\"one-way\",\"cert\":\"cert\",\"key\":\"key\"}";
    return x->body_len == sizeof body - 1 && memcmp(x->body, body, x->body_len) == 0
               ? NULL
               : "the body differs";
}

static void expect_write(world *w)
{
    emqx_tls_test_step step = {
        .method = "POST", .check = is_whole, .http_status = 200, .body = "{}"};
    emqx_tls_test_transport_expect(w->script, &step);
}

static emqx_tls_code use_request(world *w, const void *p)
{
    return emqx_tls_create(w->client, "d1", p, NULL, NULL);
}

static void make_ensure_options(world *w, void *p)
{
    emqx_tls_ensure_options *o = p;
    (void)w;
    emqx_tls_ensure_options_init(o);
    o->flags = EMQX_TLS_DRY_RUN;
}

static void expect_read(world *w)
{
    emqx_tls_test_step step = {.method = "GET", .http_status = 200, .body = "{}"};
    emqx_tls_test_transport_expect(w->script, &step);
}

static emqx_tls_code use_ensure_options(world *w, const void *p)
{
    emqx_tls_request request;
    make_request(w, &request);
    return emqx_tls_ensure(w->client, "d1", &request, p, NULL, NULL, NULL);
}

static emqx_tls_code store_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                   emqx_tls_error *error)
{
    (void)context, (void)ask, (void)grant, (void)error;
    return EMQX_TLS_OK;
}

static emqx_tls_code store_settle(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                                  uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    (void)context, (void)ticket, (void)outcome, (void)retry_after_ms, (void)error;
    return EMQX_TLS_OK;
}

static emqx_tls_code store_query(void *context, uint32_t op, const char *deployment_id,
                                 emqx_tls_quota *quota, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id, (void)quota, (void)error;
    return EMQX_TLS_OK;
}

static void store_destroy(void *context)
{
    assert_ptr_equal(context, &nothing);
}

static void make_store(world *w, void *p)
{
    emqx_tls_store *store = p;
    (void)w;
    emqx_tls_store_init(store);
    store->context = &nothing;
    store->reserve = store_reserve;
    store->settle = store_settle;
    store->query = store_query;
    store->destroy = store_destroy;
}

static emqx_tls_code use_store(world *w, const void *p)
{
    emqx_tls_limiter *limiter;
    (void)w;
    emqx_tls_code code = emqx_tls_limiter_open_store(p, NULL, NULL, &limiter, NULL);
    emqx_tls_limiter_unref(limiter);
    return code;
}

static void make_policy(world *w, void *p)
{
    (void)w;
    emqx_tls_policy_init(p);
}

/* Refused for what is no PEM, once the policy has been taken. */
static emqx_tls_code use_policy(world *w, const void *p)
{
    emqx_tls_request request;
    make_request(w, &request);
    emqx_tls_code code = emqx_tls_check(&request, p, 1700000000, NULL, NULL);
    return code == EMQX_TLS_E_CHECK ? EMQX_TLS_OK : code;
}

/* -- the callers */

#define ROW(X, before)                                                                             \
    {                                                                                              \
#X, sizeof(struct emqx_tls_##X), make_##X, before, use_##X                                 \
    }

static const struct row {
    const char *name;
    size_t size;
    void (*make)(world *w, void *p);
    void (*before)(world *w); /* what a use that is accepted needs */
    emqx_tls_code (*use)(world *w, const void *p);
} rows[] = {
    ROW(clock, NULL),          ROW(allocator, NULL),
    ROW(limiter_config, NULL), ROW(config, NULL),
    ROW(transport, NULL),      ROW(request, expect_write),
    ROW(store, NULL),          ROW(ensure_options, expect_read),
    ROW(policy, NULL),
};

#define COUNT (sizeof rows / sizeof rows[0])

static void use(world *w, const struct row *row, size_t size, size_t dirty_at,
                emqx_tls_code expected)
{
    if (row->use == use_ensure_options && !(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        return;
    size_t room = size > row->size && size <= 4096 ? size : row->size;
    unsigned char *p = exactly(room, 0), *own = exactly(row->size, 0);
    row->make(w, own);
    memcpy(p, own, row->size);
    put_size(p, size);
    if (dirty_at > 0)
        p[dirty_at] = 1;
    if (expected == EMQX_TLS_OK && row->before)
        row->before(w);
    emqx_tls_code code = row->use(w, p);
    if (code != expected)
        fail_msg("%s of %zu bytes, its own are %zu, byte %zu set: %s", row->name, size, row->size,
                 dirty_at, emqx_tls_code_name(code));
    free(p);
    free(own);
}

static void a_caller_of_this_release_is_served(void **state)
{
    for (size_t i = 0; i < COUNT; i++)
        use(*state, &rows[i], rows[i].size, 0, EMQX_TLS_OK);
    assert_null(emqx_tls_test_transport_problem(((world *)*state)->script));
}

static void a_newer_caller_that_uses_nothing_new_is_served(void **state)
{
    const size_t more[] = {1, 8, 40};
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < sizeof more / sizeof more[0]; k++)
            use(*state, &rows[i], rows[i].size + more[k], 0, EMQX_TLS_OK);
        use(*state, &rows[i], 4096, 0, EMQX_TLS_OK);
    }
    assert_null(emqx_tls_test_transport_problem(((world *)*state)->script));
}

static void a_newer_caller_that_sets_what_is_new_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT; i++) {
        use(*state, &rows[i], rows[i].size + 1, rows[i].size, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], rows[i].size + 40, rows[i].size, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], rows[i].size + 40, rows[i].size + 39, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], 4096, 4095, EMQX_TLS_E_INVALID);
    }
}

/* There is no older release yet, so all that is smaller was never set up. */
static void a_struct_that_was_never_set_up_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT; i++) {
        use(*state, &rows[i], 0, 0, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], 4, 0, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], rows[i].size - 1, 0, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], 4097, 0, EMQX_TLS_E_INVALID);
        use(*state, &rows[i], UINT32_MAX, 0, EMQX_TLS_E_INVALID);
    }
}

static void null_is_refused_where_a_struct_is_needed(void **state)
{
    world *w = *state;
    emqx_tls_client *client;
    emqx_tls_limiter *limiter;
    assert_int_equal(emqx_tls_client_new(NULL, &client, NULL), EMQX_TLS_E_INVALID);
    assert_null(client);
    assert_int_equal(emqx_tls_client_new(NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_new(NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_open_store(NULL, NULL, NULL, &limiter, NULL),
                     EMQX_TLS_E_INVALID);
    assert_null(limiter);
    assert_int_equal(emqx_tls_limiter_query(NULL, EMQX_TLS_OP_GET, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_get(NULL, "d1", NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_create(NULL, "d1", NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_update(NULL, "d1", NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_delete(NULL, "d1", NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_get(w->client, NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_create(w->client, "d1", NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_check(NULL, NULL, 0, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_report_get(NULL, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_report_count(NULL), 0);
    emqx_tls_report_free(NULL);
    assert_int_equal(emqx_tls_submit(NULL, EMQX_TLS_OP_GET, "d1", NULL, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_client_run(NULL, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_ensure(NULL, "d1", NULL, NULL, NULL, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_ensure(w->client, "d1", NULL, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_wait(NULL, "d1", NULL, 0, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_wait(w->client, NULL, NULL, 0, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_remove(NULL, "d1", 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_remove(w->client, NULL, 0, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit_ensure(NULL, "d1", NULL, NULL, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit_wait(w->client, "d1", NULL, 0, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_submit_remove(w->client, "d1", 0, NULL, NULL, NULL, NULL),
                     EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_probe(NULL, 8883, NULL, NULL, 1000, NULL, NULL), EMQX_TLS_E_INVALID);
    emqx_tls_call_ensure_result(NULL, NULL);
    assert_int_equal(emqx_tls_client_fd(NULL), -1);
    assert_int_equal(emqx_tls_client_next_ms(NULL), -1);
    assert_int_equal(emqx_tls_client_pending(NULL), 0);
    assert_null(emqx_tls_client_limiter(NULL));
    assert_null(emqx_tls_limiter_ref(NULL));
    emqx_tls_limiter_unref(NULL);
    emqx_tls_client_interrupt(NULL);
    emqx_tls_cancel(NULL, NULL);
    emqx_tls_cancel(w->client, NULL);
    emqx_tls_call_result(NULL, NULL, NULL);
    emqx_tls_client_free(NULL);
    assert_int_equal(emqx_tls_test_transport_count(w->script), 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_caller_of_this_release_is_served),
        WITH(a_newer_caller_that_uses_nothing_new_is_served),
        WITH(a_newer_caller_that_sets_what_is_new_is_refused),
        WITH(a_struct_that_was_never_set_up_is_refused),
        WITH(null_is_refused_where_a_struct_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
