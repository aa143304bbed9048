/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Answers that came, and are not what was hoped for: other statuses, bodies that can't be trusted,
 * what is no HTTP.
 */
#include "emulator_client.h"

#include <stdio.h>

#ifdef WITH_OPENSSL
#define ABSENT_BY_CLOSURE EMQX_TLS_OK
#else
#define ABSENT_BY_CLOSURE EMQX_TLS_E_PROTOCOL /* nobody can tell how a connection ended */
#endif

static void a_gateways_error_on_a_read_is_repeated(void **state)
{
    (void)state;
    static const char *const faults[] = {"{'status': 502}", "{'status': 503}", "{'status': 504}"};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_OK);
        assert_int_equal(f.error.attempts, 2);
        assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 2);
        fixture_end(&f);
    }
}

static void an_error_on_a_write_is_never_repeated(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        emqx_tls_code code;
        int http_status;
    } cases[] = {
        {"{'status': 400}", EMQX_TLS_E_HTTP, 400},
        {"{'status': 401}", EMQX_TLS_E_UNAUTHORIZED, 401},
        {"{'status': 403}", EMQX_TLS_E_FORBIDDEN, 403},
        {"{'status': 404}", EMQX_TLS_E_NOT_FOUND, 404},
        {"{'status': 422}", EMQX_TLS_E_UNPROCESSABLE, 422},
        {"{'status': 429}", EMQX_TLS_E_RATE_LIMITED, 429},
        {"{'status': 401, 'fill': 20000}", EMQX_TLS_E_UNAUTHORIZED,
         401}, /* a body that can't be read changes nothing */
        {"{'status': 404, 'body': 'Not Found', 'cut_body': 3, 'end': 'drop'}", EMQX_TLS_E_NOT_FOUND,
         404},
        {"{'status': 429, 'fill': 1000000}", EMQX_TLS_E_RATE_LIMITED, 429},
        {"{'status': 500}", EMQX_TLS_E_HTTP, 500},
        {"{'status': 502}", EMQX_TLS_E_HTTP, 502},
        {"{'status': 503, 'headers': ['Retry-After: 0']}", EMQX_TLS_E_HTTP, 503},
        {"{'status': 503, 'carry_out': true}", EMQX_TLS_E_HTTP, 503},
        {"{'status': 302, 'headers': ['Location: /public_api/v1/deployments/" ID "/tls']}",
         EMQX_TLS_E_HTTP, 302},
        {"{'status': 307, 'headers': ['Location: /public_api/v1/deployments/" ID "/tls']}",
         EMQX_TLS_E_HTTP, 307},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, cases[i].fault);
        assert_int_equal(put(&f), cases[i].code);
        assert_int_equal(f.error.http_status, cases[i].http_status);
        assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
        assert_int_equal(f.error.attempts, 1);
        assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
        fixture_end(&f);
    }
}

static void other_errors_on_a_read_are_not_repeated(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'status': 500}", "{'status': 400}", "{'status': 418}",
        "{'status': 302, 'headers': ['Location: /public_api/v1/deployments/" ID "/tls']}"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_E_HTTP);
        assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 2); /* create and this */
        fixture_end(&f);
    }
}

static void a_body_that_can_not_be_trusted_is_a_protocol_error(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'body': '<html>not JSON</html>'}",
        "{'body': '[]'}",
        "{'body': '{'}",
        "{'body': '{\\'status\\': \\'running\\', \\'status\\': \\'pending\\'}'}",
        "{'body': '{\\'status\\': 1}'}",
        "{'body': '{\\'status\\': \\'running\\'} x'}",
        "{'body': '\\u0000'}",
        "{'fill': 16385}",
        "{'fill': 1000000}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_E_PROTOCOL);
        assert_int_equal(f.status.state, EMQX_TLS_STATE_UNKNOWN);
        assert_int_equal(put(&f), EMQX_TLS_E_PROTOCOL);
        assert_int_equal(f.error.attempts, 1);
        assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_ANSWERED);
        assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 1);
        assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
        fixture_end(&f);
    }
}

static void a_body_of_16_kib_is_taken(void **state)
{
    (void)state;
    fixture f;
    char fault[17000], body[16384 + 1];
    fixture_start_with_certificate(&f);
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    memcpy(body, "{}", 2);
    snprintf(fault, sizeof fault, "{'body': '%s'}", body);
    emulator_fault(&f.emulator, fault);
    assert_int_equal(get(&f), EMQX_TLS_OK);
    assert_int_equal(f.status.state, EMQX_TLS_STATE_ABSENT);
    fixture_end(&f);
}

static void what_is_no_http_is_not_understood(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'method': 'PUT', 'raw': 'garbage', 'end': 'close'}",
        "{'method': 'PUT', 'raw': 'SSH-2.0-OpenSSH\\r\\n', 'end': 'drop'}",
        "{'method': 'PUT', 'raw': '\\r\\n\\r\\n', 'end': 'close'}",
        "{'method': 'PUT', 'raw': 'HTTP/1.1 999999 X\\r\\n\\r\\n', 'end': 'close'}",
        "{'method': 'PUT', 'raw': 'HTTP/1.1 200 OK\\r\\nContent-Length: -5\\r\\n\\r\\n{}', 'end': "
        "'close'}",
        "{'method': 'PUT', 'raw': 'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
        "chunked\\r\\n\\r\\nzz\\r\\n', 'end': "
        "'close'}",
        "{'method': 'PUT', 'raw': 'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
        "chunked\\r\\n\\r\\n2\\r\\n{}\\r\\n', 'end': "
        "'close'}",
        "{'method': 'PUT', 'raw': 'HTTP/1.1 100 Continue\\r\\n\\r\\n', 'end': 'close'}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        emqx_tls_code code = put(&f);
        if (code != EMQX_TLS_E_TRANSPORT && code != EMQX_TLS_E_PROTOCOL && code != EMQX_TLS_E_HTTP)
            fail_msg("%s: %s", faults[i], emqx_tls_code_name(code));
        assert_int_equal(f.error.attempts, 1);
        assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
        fixture_end(&f);
    }
}

static void a_head_without_an_end_is_given_up(void **state)
{
    (void)state;
    enum { LINES = 8000, LINE = 100 };
    static char fault[LINES * LINE + 200];
    fixture f;
    fixture_start_with_certificate(&f);
    size_t used = (size_t)sprintf(fault, "{'end': 'stall', 'raw': 'HTTP/1.1 200 OK\\r\\n");
    for (int i = 0; i < LINES; i++)
        used += (size_t)sprintf(fault + used, "X-%d: %080d\\r\\n", i, 0);
    strcpy(fault + used, "'}");
    emulator_fault(&f.emulator, fault);
    assert_int_equal(put(&f), EMQX_TLS_E_TRANSPORT); /* long before its timeout */
    assert_non_null(strstr(f.error.message, "head is too long"));
    assert_int_equal(f.error.attempts, 1);
    assert_int_equal(emulator_arrivals(&f.emulator, "PUT", ID), 1);
    fixture_end(&f);
}

static void odd_but_proper_answers_are_understood(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'raw': 'HTTP/1.1 100 Continue\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nContent-Length: "
        "21\\r\\n\\r\\n{\\'status\\': "
        "\\'running\\'}'}",
        "{'raw': 'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
        "chunked\\r\\n\\r\\n5\\r\\n{\\'sta\\r\\n10\\r\\ntus\\': "
        "\\'running\\'}\\r\\n0\\r\\nX-Trailer: 1\\r\\n\\r\\n'}",
        "{'raw': 'HTTP/1.0 200 OK\\r\\n\\r\\n{\\'status\\': \\'running\\'}', 'end': 'close'}",
        "{'raw': 'HTTP/1.1 200\\r\\nContent-Length: 22\\r\\n\\r\\n{\\'status\\': \\'running\\'} '}",
        "{'piece': 1}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_OK);
        assert_int_equal(f.status.state, EMQX_TLS_STATE_RUNNING);
        assert_int_equal(f.error.attempts, 1);
        assert_int_equal(get(&f), EMQX_TLS_OK);
        fixture_end(&f);
    }
}

static void an_answer_cut_behind_its_head_is_no_certificate(void **state)
{
    (void)state;
    static const char cut[] = "{'raw': 'HTTP/1.1 200 OK\\r\\n\\r\\n', 'end': 'drop'}";
    static const char closed[] = "{'raw': 'HTTP/1.1 200 OK\\r\\n\\r\\n', 'end': 'close'}";
    fixture f;
    fixture_start_with_certificate(&f);
    emulator_fault(&f.emulator, cut);
    assert_int_equal(get(&f), EMQX_TLS_E_PROTOCOL);
    assert_int_equal(f.error.attempts, 1);
    emulator_fault(&f.emulator, cut);
    assert_int_equal(emqx_tls_remove(f.client, ID, 0, &f.error), EMQX_TLS_E_PROTOCOL);
    assert_int_equal(emulator_arrivals(&f.emulator, "DELETE", ID), 0);
    emulator_fault(&f.emulator, cut);
    assert_int_equal(put(&f), EMQX_TLS_E_PROTOCOL);
    assert_non_null(strstr(f.error.message, "may have been carried out"));
    emulator_fault(&f.emulator, closed);
    assert_int_equal(get(&f), ABSENT_BY_CLOSURE);
    fixture_end(&f);
}

static void a_wait_costs_a_slot_a_poll_where_the_server_closes_idle_connections(void **state)
{
    (void)state;
    static const char *const ends[] = {"close", "drop"};
    for (size_t i = 0; i < 2; i++) {
        char fault[80];
        fixture f;
        fixture_start(&f, (const char *[]){"--pending", "60", NULL});
        assert_int_equal(create(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_OK);
        sprintf(fault, "{'method': 'GET', 'times': 0, 'end': '%s'}", ends[i]);
        emulator_fault(&f.emulator, fault);
        uint32_t used = fixture_used(&f, EMQX_TLS_OP_GET);
        assert_int_equal(emqx_tls_wait(f.client, ID, NULL, 5600, &f.status, &f.error),
                         EMQX_TLS_E_TIMEOUT);
        uint32_t polls = fixture_used(&f, EMQX_TLS_OP_GET) - used;
        assert_int_equal(polls, emulator_arrivals(&f.emulator, "GET", ID));
        assert_in_range(polls, 2, 3); /* at once, after 5 s or so, and at the end */
        fixture_end(&f);
    }
}

static void not_modified_is_no_redirect(void **state)
{
    (void)state;
    fixture f;
    fixture_start_with_certificate(&f);
    emulator_fault(&f.emulator, "{'status': 304}");
    assert_int_equal(get(&f), EMQX_TLS_E_HTTP);
    assert_null(strstr(f.error.message, "redirect"));
    assert_non_null(strstr(f.error.message, "cache"));
    fixture_end(&f);
}

static void any_2xx_is_success_for_a_delete(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'status': 200, 'body': 'gone'}", "{'status': 202}", "{'status': 204}",
        "{'status': 200, 'fill': 20000}",
        "{'status': 200, 'body': 'gone', 'cut_body': 2, 'end': 'reset'}"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(delete_it(&f), EMQX_TLS_OK);
        fixture_end(&f);
    }
}

static void retry_after_is_read_against_the_replys_date(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'status': 429, 'headers': ['Retry-After: 1000']}",
        /* a server whose clock is years away */
        "{'status': 429, 'headers': ['Date: Mon, 01 Jan 2001 00:00:00 GMT', 'Retry-After: Mon, 01 "
        "Jan 2001 00:16:40 "
        "GMT']}",
    };
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        fixture_start_with_certificate(&f);
        emulator_fault(&f.emulator, faults[i]);
        assert_int_equal(get(&f), EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(f.error.http_status, 429);
        /* 0 to 10 % of jitter is added */
        assert_in_range(f.error.retry_after_ms, 999 * 1000, 1101 * 1000);
        assert_int_equal(get(&f), EMQX_TLS_E_RATE_LIMITED);
        assert_int_equal(f.error.attempts, 0);
        assert_int_equal(emulator_arrivals(&f.emulator, "GET", ID), 1);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateways_error_on_a_read_is_repeated),
        cmocka_unit_test(an_error_on_a_write_is_never_repeated),
        cmocka_unit_test(other_errors_on_a_read_are_not_repeated),
        cmocka_unit_test(a_body_that_can_not_be_trusted_is_a_protocol_error),
        cmocka_unit_test(a_body_of_16_kib_is_taken),
        cmocka_unit_test(what_is_no_http_is_not_understood),
        cmocka_unit_test(a_head_without_an_end_is_given_up),
        cmocka_unit_test(odd_but_proper_answers_are_understood),
        cmocka_unit_test(an_answer_cut_behind_its_head_is_no_certificate),
        cmocka_unit_test(a_wait_costs_a_slot_a_poll_where_the_server_closes_idle_connections),
        cmocka_unit_test(not_modified_is_no_redirect),
        cmocka_unit_test(any_2xx_is_success_for_a_delete),
        cmocka_unit_test(retry_after_is_read_against_the_replys_date),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
