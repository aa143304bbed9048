/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The four calls: what is sent, and what is made of every answer.
 */
#include "base/base.h"
#include "support/scripted_client.h"

#define PENDING                                                                                    \
    "{\"tlsType\":\"one-way\",\"status\":\"pending\",\"expire\":\"2034-05-22 "                     \
    "02:43:21\",\"cn\":\"b.example\"}"

static bool has_header(const emqx_tls_exchange *x, const char *line)
{
    for (const char *const *h = x->headers; *h; h++)
        if (strcmp(*h, line) == 0)
            return true;
    return false;
}

static const char *check_read(void *context, const emqx_tls_exchange *x)
{
    (void)context;
    if (strcmp(x->url, "https://api.example/public_api/v1/deployments/d1/tls") != 0)
        return "wrong URL";
    if (!has_header(x, "Authorization: Basic dGhlLWtleTp0aGUtc2VjcmV0LW9mLXRoZS1rZXk="))
        return "wrong Authorization";
    if (x->body_len != 0 || x->flags != 0 || has_header(x, "Content-Type: application/json"))
        return "a read has no body and may use any connection";
    return NULL;
}

static const char *check_write(void *context, const emqx_tls_exchange *x)
{
    const char *body = context;
    if (x->flags != (EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT))
        return "a write must go out once, on a fresh connection";
    if (x->body_len != strlen(body) || (x->body_len > 0 && memcmp(x->body, body, x->body_len) != 0))
        return "wrong body";
    if (*body && !has_header(x, "Content-Type: application/json"))
        return "no Content-Type";
    return NULL;
}

static void get_reads_the_status(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {
        .method = "GET", .check = check_read, .http_status = 200, .body = PENDING};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(f->status.state, EMQX_TLS_STATE_PENDING);
    assert_int_equal(f->status.type, EMQX_TLS_TYPE_ONE_WAY);
    assert_int_equal(f->status.expire, 2031878601); /* date -u -d '2034-05-22 02:43:21' +%s */
    assert_string_equal(f->status.common_name, "b.example");
    assert_int_equal(f->error.code, EMQX_TLS_OK);
    assert_int_equal(f->error.http_status, 200);
    assert_int_equal(f->error.attempts, 1);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
    assert_int_equal(f->error.retry_after_ms, -1);
}

static void create_and_update_send_the_certificate(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const char body[] =
        "{\"tlsType\":\"one-way\",\"cert\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END "
        "CERTIFICATE-----\\n\",\"key\":\"-----BEGIN PRIVATE KEY-----\\nc2VjcmV0IGtleSBieXRlcw==\\n"
        "-----END PRIVATE KEY-----\\n\"}";
    emqx_tls_test_step post = {.method = "POST",
                               .check = check_write,
                               .check_context = (void *)(uintptr_t)body,
                               .http_status = 200,
                               .body = PENDING};
    emqx_tls_test_step put = post;
    put.method = "PUT";
    expect(f, &post);
    expect(f, &put);
    assert_int_equal(emqx_tls_create(f->client, "d1", &f->request, &f->status, &f->error),
                     EMQX_TLS_OK);
    assert_int_equal(f->status.state, EMQX_TLS_STATE_PENDING);
    assert_int_equal(update(f), EMQX_TLS_OK);
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 2);
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used, 0);
}

static void delete_takes_any_success(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const int32_t statuses[] = {204, 200, 202};
    for (size_t i = 0; i < 3; i++) {
        emqx_tls_test_step step = {.method = "DELETE",
                                   .check = check_write,
                                   .check_context = (void *)(uintptr_t) "",
                                   .http_status = statuses[i],
                                   .body = i ? "not JSON" : NULL};
        expect(f, &step);
        assert_int_equal(emqx_tls_delete(f->client, "d1", &f->error), EMQX_TLS_OK);
    }
    emqx_tls_test_step step = {.method = "DELETE",
                               .http_status = 200,
                               .code = EMQX_TLS_E_TRANSPORT, /* its body breaks off */
                               .delivery = EMQX_TLS_DELIVERY_ANSWERED};
    expect(f, &step);
    assert_int_equal(emqx_tls_delete(f->client, "d1", &f->error), EMQX_TLS_OK);
}

static void the_deployment_is_one_path_segment(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.url = "/v1/deployments/a%2F..%2Fb%20%C3%A4/tls",
                               .http_status = 200};
    expect(f, &step);
    assert_int_equal(emqx_tls_get(f->client, "a/../b \xc3\xa4", NULL, NULL), EMQX_TLS_OK);
}

static void every_status_has_its_code(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const struct {
        int32_t status;
        emqx_tls_code code;
    } cases[] = {
        {401, EMQX_TLS_E_UNAUTHORIZED},  {403, EMQX_TLS_E_FORBIDDEN}, {404, EMQX_TLS_E_NOT_FOUND},
        {422, EMQX_TLS_E_UNPROCESSABLE}, {400, EMQX_TLS_E_HTTP},      {500, EMQX_TLS_E_HTTP},
        {302, EMQX_TLS_E_HTTP},          {418, EMQX_TLS_E_HTTP},      {100, EMQX_TLS_E_HTTP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_answer(f, "GET", cases[i].status, "{\"code\":\"X_1\",\"message\":\"" KEY_PEM "\"}");
        assert_int_equal(get(f), cases[i].code);
        assert_int_equal(f->error.http_status, cases[i].status);
        assert_int_equal(f->error.attempts, 1);
        assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
        assert_string_equal(f->error.api_code, "X_1");
        assert_null(strstr(f->error.message, "BEGIN"));
        assert_int_equal(f->status.state, EMQX_TLS_STATE_UNKNOWN);
        assert_int_equal(f->status.expire, INT64_MIN);
    }
}

static void a_status_that_is_none_is_a_protocol_error(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "GET", 0, "{}");
    assert_int_equal(get(f), EMQX_TLS_E_PROTOCOL);
}

static void a_transport_that_gives_a_length_without_a_body_does_no_harm(void **state)
{
    fixture *f = *state;
    open_client(f);
    emqx_tls_test_step step = {.method = "GET", .http_status = 422, .body_len = 5};
    expect(f, &step);
    assert_int_equal(get(f), EMQX_TLS_E_UNPROCESSABLE);
    assert_string_equal(f->error.api_code, "");
}

static void empty_replies_are_absent_and_bad_ones_protocol(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const struct {
        const char *body;
        emqx_tls_code code;
        uint32_t state;
    } cases[] = {
        {"{}", EMQX_TLS_OK, EMQX_TLS_STATE_ABSENT},
        {"", EMQX_TLS_OK, EMQX_TLS_STATE_ABSENT},
        {"{\"cn\":\"x\"}", EMQX_TLS_OK, EMQX_TLS_STATE_UNKNOWN},
        {"{\"status\":\"dancing\"}", EMQX_TLS_OK, EMQX_TLS_STATE_OTHER},
        {"[]", EMQX_TLS_E_PROTOCOL, EMQX_TLS_STATE_UNKNOWN},
        {"{\"status\":1}", EMQX_TLS_E_PROTOCOL, EMQX_TLS_STATE_UNKNOWN},
        {"<html>", EMQX_TLS_E_PROTOCOL, EMQX_TLS_STATE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_answer(f, "GET", 200, cases[i].body);
        assert_int_equal(get(f), cases[i].code);
        assert_int_equal(f->status.state, cases[i].state);
    }
}

static void a_write_with_an_unreadable_answer_is_not_repeated(void **state)
{
    fixture *f = *state;
    open_client(f);
    expect_answer(f, "PUT", 200, "<html>");
    assert_int_equal(update(f), EMQX_TLS_E_PROTOCOL);
    assert_int_equal(f->error.http_status, 200);
    assert_non_null(strstr(f->error.message, "is not JSON"));
    assert_non_null(strstr(f->error.message, "may have been carried out"));
    assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, 1);
}

static void wrong_arguments_cost_nothing(void **state)
{
    fixture *f = *state;
    open_client(f);
    static const char *const ids[] = {NULL, "", ".", "..", "a\nb", "a\x7f"};
    char long_id[130];
    memset(long_id, 'x', 129);
    long_id[129] = '\0';
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(emqx_tls_get(f->client, ids[i], &f->status, &f->error),
                         EMQX_TLS_E_INVALID);
        assert_non_null(strstr(f->error.message, "deployment_id"));
    }
    assert_int_equal(emqx_tls_get(f->client, long_id, NULL, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_get(NULL, "d1", NULL, &f->error), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_update(f->client, "d1", NULL, NULL, NULL), EMQX_TLS_E_INVALID);

    f->request.type = 3;
    assert_int_equal(update(f), EMQX_TLS_E_INVALID);
    f->request.type = EMQX_TLS_TYPE_ONE_WAY;
    f->request.key_len = 0;
    assert_int_equal(update(f), EMQX_TLS_E_INVALID);
    assert_non_null(strstr(f->error.message, "request.key"));
    f->request.key = "\xff\xfe";
    f->request.key_len = 2;
    assert_int_equal(update(f), EMQX_TLS_E_INVALID);
    f->request.key = NULL;
    assert_int_equal(update(f), EMQX_TLS_E_INVALID);
    f->request.size = 4;
    assert_int_equal(update(f), EMQX_TLS_E_INVALID);
    f->status.size = 0xdddddddd;
    assert_int_equal(get(f), EMQX_TLS_E_INVALID);
    assert_int_equal(f->error.delivery, EMQX_TLS_DELIVERY_NOT_SENT);
    assert_int_equal(f->error.attempts, 0);
    f->status.size = sizeof f->status;
    assert_int_equal(quota(f, EMQX_TLS_OP_GET).used + quota(f, EMQX_TLS_OP_UPDATE).used, 0);
}

/* Whatever a part is, a write refuses it with the check's code and words, and sends nothing. */
static void a_part_is_refused_as_the_check_refuses_it(void **state)
{
    static const char *const parts[] = {"",
                                        " \n",
                                        "\x30\x82\x01",
                                        "\xff\xfe-\0",
                                        "/etc/cert.pem",
                                        "-----BEGIN CERTIFICATE-----\n",
                                        CERT_PEM KEY_PEM};
    fixture *f = *state;
    f->config.flags = 0;
    open_client(f);
    for (size_t i = 0; i < 3 * sizeof parts / sizeof parts[0]; i++) {
        emqx_tls_request r = f->request;
        emqx_tls_error error;
        const char *part = parts[i / 3];
        size_t len = strlen(part);
        if (i % 3 < 2) {
            r.cert = part;
            r.cert_len = len;
        }
        if (i % 3 > 0) {
            r.key = part;
            r.key_len = len;
        }
        emqx_tls_error_init(&error);
        assert_int_equal(emqx_tls_check(&r, NULL, 1767225600, NULL, &error), EMQX_TLS_E_CHECK);
        assert_int_equal(emqx_tls_create(f->client, "d1", &r, NULL, &f->error), EMQX_TLS_E_CHECK);
        assert_string_equal(f->error.message, error.message);
        if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
            continue;
        assert_int_equal(emqx_tls_ensure(f->client, "d1", &r, NULL, NULL, NULL, &f->error),
                         EMQX_TLS_E_CHECK);
        assert_string_equal(f->error.message, error.message);
    }
    assert_int_equal(quota(f, EMQX_TLS_OP_CREATE).used + quota(f, EMQX_TLS_OP_GET).used, 0);
}

typedef struct lines {
    char text[4096];
} lines;

static void keep_line(void *user, int32_t level, const char *line)
{
    lines *l = user;
    assert_in_range(level, EMQX_TLS_LOG_ERROR, EMQX_TLS_LOG_DEBUG);
    assert_null(strchr(line, '\n'));
    strncat(l->text, line, sizeof l->text - strlen(l->text) - 2);
    strcat(l->text, "\n");
}

static void the_log_tells_the_exchange_and_no_secret(void **state)
{
    fixture *f = *state;
    lines l = {""};
    f->config.log = keep_line;
    f->config.log_user = &l;
    open_client(f);
    expect_answer(f, "PUT", 422, "{\"code\":\"bad\",\"cert\":\"" KEY_PEM "\"}");
    assert_int_equal(update(f), EMQX_TLS_E_UNPROCESSABLE);
    assert_non_null(strstr(l.text, "PUT api.example/public_api/v1/deployments/d1/tls"));
    assert_non_null(strstr(l.text, "422"));
    assert_non_null(strstr(l.text, "5 of 6"));
    assert_null(strstr(l.text, API_SECRET));
    assert_null(strstr(l.text, "Basic"));
    assert_null(strstr(l.text, "BEGIN"));
}

static void messages_and_log_are_utf8_though_the_id_is_not(void **state)
{
    static const int32_t statuses[] = {403, 404};
    fixture *f = *state;
    lines l = {""};
    f->config.log = keep_line;
    f->config.log_user = &l;
    open_client(f);
    for (size_t i = 0; i < 2; i++) {
        expect_answer(f, "GET", statuses[i], NULL);
        emqx_tls_get(f->client, "f\xfcr\xe2\x80", NULL, &f->error);
        assert_true(emqxi_utf8_ok(f->error.message, strlen(f->error.message)));
        assert_non_null(strstr(f->error.message, "f?r??"));
    }
    assert_true(emqxi_utf8_ok(l.text, strlen(l.text)));
    if (!(emqx_tls_features() & EMQX_TLS_HAS_PROVISION))
        return;
    expect_answer(f, "GET", 404, NULL);
    assert_int_equal(emqx_tls_wait(f->client, "f\xfcr\xe2\x80", NULL, 0, NULL, &f->error),
                     EMQX_TLS_E_NOT_FOUND);
    assert_true(emqxi_utf8_ok(f->error.message, strlen(f->error.message)));
    assert_true(emqxi_utf8_ok(l.text, strlen(l.text)));
}

static void a_blocking_transport_is_one_function(void **state)
{
    fixture *f = *state;
    f->config.transport = emqx_tls_test_transport_blocking(f->script);
    open_client(f);
    expect_answer(f, "GET", 503, NULL);
    expect_answer(f, "GET", 200, PENDING);
    expect_answer(f, "DELETE", 204, NULL);
    assert_int_equal(get(f), EMQX_TLS_OK);
    assert_int_equal(f->error.attempts, 2);
    assert_int_equal(emqx_tls_delete(f->client, "d1", NULL), EMQX_TLS_OK);
}

static void every_failed_allocation_is_told_and_loses_nothing(void **state)
{
    fixture *f = *state;
    bool reached = true;
    open_client(f);
    for (size_t i = 1; reached; i++) {
        emqx_tls_test_step step = {.method = "PUT", .http_status = 200, .body = PENDING};
        emqx_tls_quota before = quota(f, EMQX_TLS_OP_UPDATE);
        if (before.remaining == 0)
            emqx_tls_test_clock_advance(f->clock, 4000000);
        before = quota(f, EMQX_TLS_OP_UPDATE);
        size_t sent = emqx_tls_test_transport_count(f->script);
        emqx_tls_test_allocator_fail(f->allocator, i, 0);
        expect(f, &step);
        emqx_tls_code code = update(f);
        reached = emqx_tls_test_allocator_failed(f->allocator);
        emqx_tls_test_allocator_fail(f->allocator, 0, 0);
        if (emqx_tls_test_transport_count(f->script) > sent) {
            /* once it was sent, no failed allocation may lose the answer */
            assert_int_equal(code, EMQX_TLS_OK);
        } else {
            assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
            assert_int_equal(quota(f, EMQX_TLS_OP_UPDATE).used, before.used);
            assert_int_equal(update(f), EMQX_TLS_OK); /* uses up the step */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_reads_the_status),
        TEST(create_and_update_send_the_certificate),
        TEST(delete_takes_any_success),
        TEST(the_deployment_is_one_path_segment),
        TEST(every_status_has_its_code),
        TEST(a_status_that_is_none_is_a_protocol_error),
        TEST(a_transport_that_gives_a_length_without_a_body_does_no_harm),
        TEST(empty_replies_are_absent_and_bad_ones_protocol),
        TEST(a_write_with_an_unreadable_answer_is_not_repeated),
        TEST(wrong_arguments_cost_nothing),
        TEST(a_part_is_refused_as_the_check_refuses_it),
        TEST(the_log_tells_the_exchange_and_no_secret),
        TEST(messages_and_log_are_utf8_though_the_id_is_not),
        TEST(a_blocking_transport_is_one_function),
        TEST(every_failed_allocation_is_told_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
