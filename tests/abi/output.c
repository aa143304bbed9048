/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Output structs of older and newer callers, through the public calls of the shipped library.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define GUARD 16
#define FILL  0xEE

/* -- for each struct: a call that fills it, always the same way */

static emqx_tls_code fill_error(world *w, void *p)
{
    emqx_tls_code code = emqx_tls_get(w->client, "", NULL, p);
    return code == EMQX_TLS_E_INVALID ? EMQX_TLS_OK : EMQX_TLS_E_PROTOCOL;
}

static emqx_tls_code fill_status(world *w, void *p)
{
    emqx_tls_test_step step = {
        .http_status = 200,
        .body = "{\"status\":\"running\",\"tlsType\":\"two-way\",\"expire\":\"2034-05-22 "
                "02:43:21\",\"cn\":\"host.example\"}"};
    if (get_size(p) <= 4096)
        emqx_tls_test_transport_expect(w->script, &step);
    return emqx_tls_get(w->client, "d1", p, NULL);
}

static emqx_tls_code fill_quota(world *w, void *p)
{
    if (get_size(p) >= sizeof(emqx_tls_quota) && get_size(p) <= 4096)
        ((emqx_tls_quota *)p)->ahead = 0; /* the one member that is read */
    return emqx_tls_limiter_query(emqx_tls_client_limiter(w->client), EMQX_TLS_OP_DELETE, NULL, p,
                                  NULL);
}

static emqx_tls_code fill_ensure_result(world *w, void *p)
{
    emqx_tls_request request;
    emqx_tls_test_step absent = {.method = "GET", .http_status = 200, .body = "{}"};
    emqx_tls_test_step taken = {
        .method = "POST", .http_status = 200, .body = "{\"status\":\"pending\"}"};
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = request.key = "pem";
    request.cert_len = request.key_len = 3;
    if (get_size(p) <= 4096) {
        emqx_tls_test_transport_expect(w->script, &absent);
        emqx_tls_test_transport_expect(w->script, &taken);
        emqx_tls_test_clock_advance(w->clock, 2 * 3600000); /* so that the quota lasts */
    }
    return emqx_tls_ensure(w->client, "d1", &request, NULL, p, NULL, NULL);
}

static emqx_tls_code fill_finding(world *w, void *p)
{
    emqx_tls_request request;
    emqx_tls_report *report;
    (void)w;
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = "no PEM";
    request.cert_len = 6;
    request.key = "no PEM";
    request.key_len = 6;
    assert_int_equal(emqx_tls_check(&request, NULL, 1700000000, &report, NULL), EMQX_TLS_E_CHECK);
    emqx_tls_code code = emqx_tls_report_get(report, 0, p);
    emqx_tls_report_free(report);
    return code;
}

#ifdef WITH_PROBE
/* Nobody listens there, so the result is all zero. */
static emqx_tls_code fill_probe_result(world *w, void *p)
{
    (void)w;
    emqx_tls_code code = emqx_tls_probe("127.0.0.1", 1, NULL, NULL, 5000, p, NULL);
    return code == EMQX_TLS_E_TRANSPORT ? EMQX_TLS_OK : code;
}
#endif

#define ROW(X)                                                                                     \
    {                                                                                              \
#X, sizeof(struct emqx_tls_##X), fill_##X                                                  \
    }

static const struct row {
    const char *name;
    size_t size;
    emqx_tls_code (*fill)(world *w, void *p);
} rows[] = {
    ROW(error),        ROW(status), ROW(quota), ROW(ensure_result), ROW(finding),
#ifdef WITH_PROBE
    ROW(probe_result),
#endif
};

#define COUNT (sizeof rows / sizeof rows[0])

/* Twice on the same memory, since an output may be used again without a new init; only its size was
 * ever set. */
static void fill(world *w, const struct row *row, size_t size)
{
    if (row->fill == fill_ensure_result && !(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        return;
    unsigned char *own = exactly(row->size, FILL), *p = exactly(size + GUARD, FILL);
    size_t both = size < row->size ? size : row->size;
    put_size(own, row->size);
    assert_int_equal(row->fill(w, own), EMQX_TLS_OK);
    put_size(p, size);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(row->fill(w, p), EMQX_TLS_OK);
        if (get_size(p) != size)
            fail_msg("%s of %zu bytes says it has %u", row->name, size, (unsigned)get_size(p));
        if (both > 4 && memcmp(p + 4, own + 4, both - 4) != 0)
            fail_msg("%s of %zu bytes holds something else", row->name, size);
        for (size_t i = row->size; i < size; i++)
            if (p[i] != 0)
                fail_msg("%s of %zu bytes is not zero at %zu", row->name, size, i);
        for (size_t i = size < 4 ? 4 : size; i < size + GUARD; i++)
            if (p[i] != FILL)
                fail_msg("%s of %zu bytes was written at %zu", row->name, size, i);
    }
    free(own);
    free(p);
}

static void a_caller_of_this_release_gets_all(void **state)
{
    for (size_t i = 0; i < COUNT; i++)
        fill(*state, &rows[i], rows[i].size);
}

static void an_older_caller_gets_what_it_knows_and_not_a_byte_more(void **state)
{
    for (size_t i = 0; i < COUNT; i++) {
        const size_t sizes[] = {
            0, 4, 7, 8, 16, rows[i].size / 2, rows[i].size - 8, rows[i].size - 1};
        for (size_t k = strcmp(rows[i].name, "error") == 0;
             /* of size 0: see below */ k < sizeof sizes / sizeof sizes[0]; k++)
            fill(*state, &rows[i], sizes[k]);
    }
}

/* `emqx_tls_error error = {0};`: it has all of the first release's. */
static void an_error_that_was_zeroed_and_not_set_up_gets_its_message(void **state)
{
    enum { FIRST = 352 };
    world *w = *state;
    emqx_tls_error *p = exactly(FIRST, 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(emqx_tls_get(w->client, "", NULL, p), EMQX_TLS_E_INVALID);
        assert_int_equal(p->size, FIRST);
        assert_int_equal(p->code, EMQX_TLS_E_INVALID);
        assert_non_null(strstr(p->message, "deployment"));
    }
    free(p);
}

static void a_newer_caller_gets_zeros_behind_what_we_know(void **state)
{
    for (size_t i = 0; i < COUNT; i++) {
        const size_t sizes[] = {rows[i].size + 1, rows[i].size + 8, rows[i].size + 40, 4096};
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
            fill(*state, &rows[i], sizes[k]);
    }
}

static void a_struct_that_was_never_set_up_is_not_written(void **state)
{
    const size_t sizes[] = {4097, UINT32_MAX};
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            unsigned char *p = exactly(rows[i].size, FILL);
            put_size(p, sizes[k]);
            emqx_tls_code code = rows[i].fill(*state, p);
            if (strcmp(rows[i].name, "error") != 0)
                assert_int_equal(code, EMQX_TLS_E_INVALID);
            for (size_t at = 4; at < rows[i].size; at++)
                if (p[at] != FILL)
                    fail_msg("%s at %zu", rows[i].name, at);
            free(p);
        }
}

static void a_result_that_is_not_wanted_may_be_null(void **state)
{
    world *w = *state;
    emqx_tls_test_step step = {.http_status = 200, .body = "{}"};
    emqx_tls_test_transport_expect(w->script, &step);
    assert_int_equal(emqx_tls_get(w->client, "d1", NULL, NULL), EMQX_TLS_OK);
}

/* The reply comes from the transport, which may have been built for another release. */
static void start_with(void *context, const emqx_tls_exchange *x, size_t size)
{
    emqx_tls_reply reply = {.size = (uint32_t)size,
                            .delivery = EMQX_TLS_DELIVERY_ANSWERED,
                            .http_status = 200,
                            .body = "{\"status\":\"running\"}",
                            .body_len = 20};
    (void)context;
    char *p = exactly(size, 0);
    memcpy(p, &reply, size < sizeof reply ? size : sizeof reply);
    x->done(x->done_user, (void *)p);
    free(p);
}

static emqx_tls_code start_older(void *context, const emqx_tls_exchange *x, void **handle)
{
    *handle = NULL;
    start_with(context, x, offsetof(emqx_tls_reply, flags));
    return EMQX_TLS_OK;
}

static emqx_tls_code start_newer(void *context, const emqx_tls_exchange *x, void **handle)
{
    *handle = NULL;
    start_with(context, x, sizeof(emqx_tls_reply) + 40);
    return EMQX_TLS_OK;
}

static void replies_of_older_and_newer_transports_are_read(void **state)
{
    world *w = *state;
    emqx_tls_code (*const starts[])(void *, const emqx_tls_exchange *, void **) = {start_older,
                                                                                   start_newer};
    for (size_t i = 0; i < 2; i++) {
        emqx_tls_config config;
        emqx_tls_transport transport;
        emqx_tls_client *client;
        emqx_tls_status status;
        emqx_tls_transport_init(&transport);
        transport.start = starts[i];
        world_config(w, &config);
        config.transport = &transport;
        assert_int_equal(emqx_tls_client_new(&config, &client, NULL), EMQX_TLS_OK);
        emqx_tls_status_init(&status);
        assert_int_equal(emqx_tls_get(client, "d1", &status, NULL), EMQX_TLS_OK);
        assert_int_equal(status.state, EMQX_TLS_STATE_RUNNING);
        emqx_tls_client_free(client);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_caller_of_this_release_gets_all),
        WITH(an_older_caller_gets_what_it_knows_and_not_a_byte_more),
        WITH(an_error_that_was_zeroed_and_not_set_up_gets_its_message),
        WITH(a_newer_caller_gets_zeros_behind_what_we_know),
        WITH(a_struct_that_was_never_set_up_is_not_written),
        WITH(a_result_that_is_not_wanted_may_be_null),
        WITH(replies_of_older_and_newer_transports_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
