/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NONE     INT64_MIN

/* Decodes from memory of the exact size, so that a read behind the end is seen. */
static emqx_tls_code decode(const char *body, size_t len, emqx_tls_status *status,
                            emqxi_error *error)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, body, len);
    emqxi_error_clear(error);
    emqx_tls_code code = emqxi_decode_status(exact, len, status, error);
    free(exact);
    return code;
}

static void replies_are_read_tolerantly(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint32_t state, type;
        int64_t expire;
        const char *state_text, *type_text, *expire_text, *common_name;
    } cases[] = {
        {"", EMQX_TLS_STATE_ABSENT, 0, NONE, "", "", "", ""},
        {"{}", EMQX_TLS_STATE_ABSENT, 0, NONE, "", "", "", ""},
        {" {\r\n\t} \n", EMQX_TLS_STATE_ABSENT, 0, NONE, "", "", "", ""},
        {"{\"status\":\"running\",\"tlsType\":\"one-way\",\"expire\":\"2034-05-22 "
         "02:43:21\",\"cn\":\"a.example\"}",
         EMQX_TLS_STATE_RUNNING, EMQX_TLS_TYPE_ONE_WAY, 2031878601, "running", "one-way",
         "2034-05-22 02:43:21", "a.example"},
        {"{\"status\":\"pending\",\"tlsType\":\"two-way\",\"expire\":\"2030-01-01\"}",
         EMQX_TLS_STATE_PENDING, EMQX_TLS_TYPE_TWO_WAY, 1893456000, "pending", "two-way",
         "2030-01-01", ""},
        {"{\"status\":\"failed\"}", EMQX_TLS_STATE_FAILED, 0, NONE, "failed", "", "", ""},
        {"{\"status\":\"terminated\"}", EMQX_TLS_STATE_TERMINATED, 0, NONE, "terminated", "", "",
         ""},
        /* states and types that this version does not know */
        {"{\"status\":\"updating\",\"tlsType\":\"three-way\"}", EMQX_TLS_STATE_OTHER,
         EMQX_TLS_TYPE_UNKNOWN, NONE, "updating", "three-way", "", ""},
        {"{\"status\":\"Running\"}", EMQX_TLS_STATE_OTHER, 0, NONE, "Running", "", "", ""},
        {"{\"status\":\"running \"}", EMQX_TLS_STATE_OTHER, 0, NONE, "running ", "", "", ""},
        /* no status, but something */
        {"{\"tlsType\":\"one-way\"}", EMQX_TLS_STATE_UNKNOWN, EMQX_TLS_TYPE_ONE_WAY, NONE, "",
         "one-way", "", ""},
        {"{\"whatever\":1}", EMQX_TLS_STATE_UNKNOWN, 0, NONE, "", "", "", ""},
        {"{\"status\":null,\"tlsType\":null,\"expire\":null,\"cn\":null}", EMQX_TLS_STATE_UNKNOWN,
         0, NONE, "", "", "", ""},
        {"{\"status\":\"\"}", EMQX_TLS_STATE_UNKNOWN, 0, NONE, "", "", "", ""},
        /* what we do not know is let through, whatever it is */
        {"{\"status\":\"running\",\"a\":[1,{\"status\":2}],\"b\":true,\"c\":"
         "99999999999999999999999,\"d\":-0.5e-3,"
         "\"e\":\"\\u0000\",\"Status\":1,\"f\":{}}",
         EMQX_TLS_STATE_RUNNING, 0, NONE, "running", "", "", ""},
        {"{\"status\":\"runn\\u0069ng\",\"cn\":\"\\u00e4\\ud83d\\udd12\"}", EMQX_TLS_STATE_RUNNING,
         0, NONE, "running", "", "", "\xc3\xa4\xf0\x9f\x94\x92"},
        {"{\"st\\u0061tus\":\"running\"}", EMQX_TLS_STATE_RUNNING, 0, NONE, "running", "", "", ""},
        /* no such date: kept as it is */
        {"{\"expire\":\"2034-02-30\"}", EMQX_TLS_STATE_UNKNOWN, 0, NONE, "", "", "2034-02-30", ""},
        {"{\"expire\":\"never\"}", EMQX_TLS_STATE_UNKNOWN, 0, NONE, "", "", "never", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        emqx_tls_status s;
        emqxi_error e;
        if (decode(cases[i].body, strlen(cases[i].body), &s, &e))
            fail_msg("%s: %s", cases[i].body, e.message);
        assert_int_equal(s.size, sizeof s);
        assert_int_equal(s.state, cases[i].state);
        assert_int_equal(s.type, cases[i].type);
        assert_true(s.expire == cases[i].expire);
        assert_string_equal(s.state_text, cases[i].state_text);
        assert_string_equal(s.type_text, cases[i].type_text);
        assert_string_equal(s.expire_text, cases[i].expire_text);
        assert_string_equal(s.common_name, cases[i].common_name);
    }
}

static void replies_that_cannot_be_trusted_are_protocol_errors(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"secret", "not JSON"},
        {" ", "not JSON"},
        {"<html>secret</html>", "not JSON"},
        {"\xef\xbb\xbf{}", "not JSON"},
        {"{", "not JSON"},
        {"{}}", "not JSON"},
        {"{} {}", "not JSON"},
        {"{\"status\":\"running\"", "not JSON"},
        {"{\"status\":\"running\",}", "not JSON"},
        {"{'status':'running'}", "not JSON"},
        {"{\"cn\":\"secret\xff\"}", "not JSON"},
        {"{\"cn\":\"\\ud800\"}", "not JSON"},
        {"{\"cn\\u0000\":\"secret\"}", "not JSON"},
        {"[]", "not a JSON object"},
        {"[{\"status\":\"running\"}]", "not a JSON object"},
        {"null", "not a JSON object"},
        {"\"secret\"", "not a JSON object"},
        {"42", "not a JSON object"},
        {"{\"status\":\"running\",\"status\":\"running\"}", "twice"},
        {"{\"secret\":1,\"secret\":1}", "twice"},
        {"{\"status\":\"failed\",\"st\\u0061tus\":\"running\"}", "twice"},
        {"{\"a\":{\"b\":1,\"b\":2}}", "twice"},
        {"{\"status\":1}", "`status`"},
        {"{\"status\":[\"running\"]}", "`status`"},
        {"{\"status\":true}", "`status`"},
        {"{\"tlsType\":{}}", "`tlsType`"},
        {"{\"expire\":1893456000}", "`expire`"},
        {"{\"expire\":false}", "`expire`"},
        {"{\"cn\":[]}", "`cn`"},
        /* a NUL behind which a C string would end */
        {"{\"status\":\"running\\u0000secret\"}", "`status`"},
        {"{\"cn\":\"\\u0000\"}", "`cn`"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        emqx_tls_status s, empty;
        emqxi_error e;
        emqx_tls_status_init(&empty);
        if (decode(cases[i].body, strlen(cases[i].body), &s, &e) != EMQX_TLS_E_PROTOCOL)
            fail_msg("%s was let through", cases[i].body);
        if (!strstr(e.message, cases[i].says))
            fail_msg("%s: %s", cases[i].body, e.message);
        assert_null(strstr(e.message, "secret"));
        assert_memory_equal(&s, &empty, sizeof s);
    }
}

static void raw_nuls_are_protocol_errors(void **state)
{
    (void)state;
    static const char bodies[][24] = {"\0", "{}\0", "{\"cn\":\"a\0b\"}", "{\0}", "{\"a\":1\0}"};
    static const size_t lengths[] = {1, 3, 12, 3, 8};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        emqx_tls_status s;
        emqxi_error e;
        assert_int_equal(decode(bodies[i], lengths[i], &s, &e), EMQX_TLS_E_PROTOCOL);
    }
}

static void a_reply_of_16_kib_is_read_and_one_byte_more_is_not(void **state)
{
    (void)state;
    emqx_tls_status s;
    emqxi_error e;
    char body[EMQXI_REPLY_MAX + 1];
    memset(body, ' ', sizeof body);
    memcpy(body, "{}", 2);
    assert_int_equal(decode(body, EMQXI_REPLY_MAX, &s, &e), EMQX_TLS_OK);
    assert_int_equal(decode(body, EMQXI_REPLY_MAX + 1, &s, &e), EMQX_TLS_E_PROTOCOL);
    assert_non_null(strstr(e.message, "16 KiB"));
}

static void texts_that_are_too_long_are_cut_at_a_character(void **state)
{
    (void)state;
    emqx_tls_status s;
    emqxi_error e;
    char body[1024], a[300], b[300];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    /* state_text holds 31 bytes, common_name 255: the euro sign of three bytes would end one behind
     * that, or just there */
    int n =
        snprintf(body, sizeof body,
                 "{\"status\":\"%.29s\xe2\x82\xac\",\"cn\":\"%.252s\xe2\x82\xac%.9s\"}", a, b, b);
    assert_int_equal(decode(body, (size_t)n, &s, &e), EMQX_TLS_OK);
    assert_int_equal(s.state, EMQX_TLS_STATE_OTHER);
    assert_int_equal(strlen(s.state_text), 29);
    assert_int_equal(strlen(s.common_name), 255);
    assert_string_equal(s.common_name + 252, "\xe2\x82\xac");
    /* an expire that would be a date if it were cut */
    n = snprintf(body, sizeof body, "{\"expire\":\"2030-01-01%.40s\"}", a);
    assert_int_equal(decode(body, (size_t)n, &s, &e), EMQX_TLS_OK);
    assert_true(s.expire == INT64_MIN);
    assert_int_equal(strlen(s.expire_text), 31);
}

static const char *const samples[] = {
    "{\"status\":\"running\",\"tlsType\":\"one-way\",\"expire\":\"2034-05-22 "
    "02:43:21\",\"cn\":\"a.example\"}",
    "{\"cn\":\"\\u00e4\\ud83d\\udd12\xe2\x82\xac\",\"x\":[{\"y\":null},-1.5e3,true,\"\\\\\\\"\"],"
    "\"tlsType\":\"\"}",
    "{ \"status\" : null , \"expire\" : \"2030-01-01\" }",
};

/* Whatever came: one of two codes, and texts that a caller can print. */
static void assert_sound(const char *body, size_t len)
{
    emqx_tls_status s;
    emqxi_error e;
    emqx_tls_code code = decode(body, len, &s, &e);
    assert_true(code == EMQX_TLS_OK || code == EMQX_TLS_E_PROTOCOL);
    assert_int_equal(e.code, code);
    assert_true(memchr(s.state_text, 0, sizeof s.state_text) &&
                memchr(s.type_text, 0, sizeof s.type_text));
    assert_true(memchr(s.expire_text, 0, sizeof s.expire_text) &&
                memchr(s.common_name, 0, sizeof s.common_name));
    assert_true(emqxi_utf8_ok(s.common_name, strlen(s.common_name)));
    assert_int_equal(s.state == EMQX_TLS_STATE_RUNNING, strcmp(s.state_text, "running") == 0);
    assert_int_equal(s.state == EMQX_TLS_STATE_PENDING, strcmp(s.state_text, "pending") == 0);
}

static void a_reply_cut_anywhere_is_never_taken_for_a_whole_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++)
        for (size_t n = 1; n < strlen(samples[i]); n++) {
            emqx_tls_status s;
            emqxi_error e;
            assert_int_equal(decode(samples[i], n, &s, &e), EMQX_TLS_E_PROTOCOL);
        }
}

static void a_reply_with_any_byte_changed_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        size_t len = strlen(samples[i]);
        char *body = strdup(samples[i]);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                body[at] = (char)c;
                assert_sound(body, len);
            }
            body[at] = samples[i][at];
        }
        free(body);
    }
}

static void *decode_deep(void *code)
{
    char body[EMQXI_REPLY_MAX];
    emqx_tls_status s;
    memset(body, '[', sizeof body);
    memcpy(body, "{\"a\":", 5);
    *(emqx_tls_code *)code = emqxi_decode_status(body, sizeof body, &s, NULL);
    return NULL;
}

static void deep_nesting_fits_a_small_threads_stack(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    emqx_tls_code code = EMQX_TLS_OK;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    assert_int_equal(pthread_create(&thread, &attributes, decode_deep, &code), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_int_equal(code, EMQX_TLS_E_PROTOCOL);
}

static void reasonable_nesting_is_let_through(void **state)
{
    (void)state;
    emqx_tls_status s;
    emqxi_error e;
    static const char body[] = "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],"
                               "\"b\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"}";
    assert_int_equal(decode(body, sizeof body - 1, &s, &e), EMQX_TLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_tolerantly),
        cmocka_unit_test(replies_that_cannot_be_trusted_are_protocol_errors),
        cmocka_unit_test(raw_nuls_are_protocol_errors),
        cmocka_unit_test(a_reply_of_16_kib_is_read_and_one_byte_more_is_not),
        cmocka_unit_test(texts_that_are_too_long_are_cut_at_a_character),
        cmocka_unit_test(a_reply_cut_anywhere_is_never_taken_for_a_whole_one),
        cmocka_unit_test(a_reply_with_any_byte_changed_does_no_harm),
        cmocka_unit_test(deep_nesting_fits_a_small_threads_stack),
        cmocka_unit_test(reasonable_nesting_is_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
