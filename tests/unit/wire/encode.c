/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire/wire.h"

#define GUARD 32

/* Encodes into memory of the exact size, with a guard behind it, and decodes with jansson. */
static json_t *round_trip(const emqx_tls_request *request)
{
    size_t n = emqxi_encode_size(request);
    char *body = malloc(n + GUARD);
    memset(body, 0x5A, n + GUARD);
    emqxi_encode(request, body);
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(body[n + i], 0x5A);
    json_t *object = json_loadb(body, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    free(body);
    return object;
}

static void assert_member(const json_t *object, const char *name, const char *text, size_t len)
{
    const json_t *value = json_object_get(object, name);
    assert_non_null(value);
    assert_int_equal(json_string_length(value), len);
    assert_memory_equal(json_string_value(value), text, len);
}

/* A certificate as `cert` goes out and comes back the same. */
static void assert_kept(const char *text, size_t len)
{
    emqx_tls_request request;
    emqx_tls_request_init(&request);
    request.cert = text;
    request.cert_len = len;
    json_t *object = round_trip(&request);
    assert_member(object, "cert", text, len);
    json_decref(object);
}

static void the_body_has_the_platforms_members(void **state)
{
    (void)state;
    emqx_tls_request request;
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_TWO_WAY;
    request.cert = "CERT\nmore, not sent";
    request.cert_len = 5;
    request.key = "KEY";
    request.key_len = 3;
    request.cacert = "CA\"\\";
    request.cacert_len = 4;
    static const char expected[] =
        "{\"tlsType\":\"two-way\",\"cert\":\"CERT\\n\",\"key\":\"KEY\",\"cacert\":\"CA\\\"\\\\\"}";
    char body[sizeof expected];
    assert_int_equal(emqxi_encode_size(&request), sizeof expected - 1);
    emqxi_encode(&request, body);
    assert_memory_equal(body, expected, sizeof expected - 1);
}

static void parts_that_are_empty_are_left_out(void **state)
{
    (void)state;
    emqx_tls_request request;
    emqx_tls_request_init(&request);
    json_t *object = round_trip(&request);
    assert_int_equal(json_object_size(object), 0);
    json_decref(object);

    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.key = "KEY";
    request.key_len = 3;
    request.cacert = "";
    object = round_trip(&request);
    assert_int_equal(json_object_size(object), 2);
    assert_member(object, "tlsType", "one-way", 7);
    assert_member(object, "key", "KEY", 3);
    json_decref(object);
}

/* The scan looks at eight bytes at a time, so each byte is tried at each place of two words and the
 * odd bytes behind. */
static void every_byte_survives_at_every_place(void **state)
{
    (void)state;
    char text[19];
    for (int c = 0; c < 0x80; c++)
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            assert_kept(text, sizeof text);
            assert_kept(text, at + 1);
        }
}

/* Neighbours in one word: the borrow of one byte's test must not hide or invent the next. */
static void neighbouring_special_bytes_survive(void **state)
{
    (void)state;
    static const char special[] = {0,   1,   '\b', '\t', '\n', '\f', '\r', 0x1f,
                                   ' ', '!', '"',  '#',  '[',  '\\', ']',  0x7f};
    char text[9];
    for (size_t a = 0; a < sizeof special; a++)
        for (size_t b = 0; b < sizeof special; b++)
            for (size_t at = 0; at + 1 < sizeof text; at++) {
                memset(text, 'x', sizeof text);
                text[at] = special[a];
                text[at + 1] = special[b];
                assert_kept(text, sizeof text);
            }
}

static void utf8_goes_out_as_it_is(void **state)
{
    (void)state;
    static const char text[] =
        "\xc2\x80 \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x92 \xf4\x8f\xbf\xbf \xef\xbb\xbf";
    for (size_t at = 0; at < 8; at++) {
        char shifted[sizeof text + 8];
        memset(shifted, 'x', at);
        memcpy(shifted + at, text, sizeof text - 1);
        assert_kept(shifted, at + sizeof text - 1);
    }
}

static void a_pem_of_64_kib_survives(void **state)
{
    (void)state;
    size_t len = 65536;
    char *pem = malloc(len);
    for (size_t i = 0; i < len; i++)
        pem[i] = i % 65 == 64 ? '\n' : (char)('A' + i % 26);
    assert_kept(pem, len);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_has_the_platforms_members),
        cmocka_unit_test(parts_that_are_empty_are_left_out),
        cmocka_unit_test(every_byte_survives_at_every_place),
        cmocka_unit_test(neighbouring_special_bytes_survive),
        cmocka_unit_test(utf8_goes_out_as_it_is),
        cmocka_unit_test(a_pem_of_64_kib_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
