/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * No memory, at every allocation in turn: the library's own and jansson's. And secrets:
 * wiped before their memory is given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <malloc.h>

#include <emqxtls/client.h>

#include "wire/wire.h"

static size_t allocated, fails_at, live; /* the `fails_at`-th allocation from now fails; 0: none */
static const char *secret;               /* must not be in memory that is given back */

static void start(size_t i)
{
    allocated = 0;
    fails_at = i;
}

static bool fails(void)
{
    return ++allocated == fails_at;
}

static void *counted_malloc(size_t n)
{
    void *p = fails() ? NULL : malloc(n);
    live += p != NULL;
    /* counted_free reads it all, which valgrind would tell */
    return p ? memset(p, 0xA5, malloc_usable_size(p)) : NULL;
}

static void *counted_realloc(void *p, size_t n)
{
    void *q = fails() ? NULL : realloc(p, n);
    live += !p && q;
    return q;
}

static void counted_free(void *p)
{
    if (!p)
        return;
    live--;
    if (secret)
        assert_null(memmem(p, malloc_usable_size(p), secret, strlen(secret)));
    free(p);
}

static void *allocate(void *context, size_t n)
{
    (void)context;
    return counted_malloc(n);
}

static void *resize(void *context, void *p, size_t n)
{
    (void)context;
    return counted_realloc(p, n);
}

static void release(void *context, void *p)
{
    (void)context;
    counted_free(p);
}

static const emqx_tls_allocator allocator = {sizeof allocator, 0, NULL, allocate, resize, release};

static void an_endpoint_without_memory_is_no_memory_and_leaks_nothing(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"https://cloud.example.com:8443/public_api/v1/",
                                            "http://127.1:80/a"};
    for (size_t e = 0; e < 2; e++) {
        emqxi_endpoint out;
        emqxi_error error;
        emqx_tls_code code = EMQX_TLS_E_NO_MEMORY;
        size_t i;
        for (i = 1; code; i++) {
            emqxi_error_clear(&error);
            start(i);
            code = emqxi_endpoint_parse(&allocator, endpoints[e], EMQX_TLS_ALLOW_HTTP_LOOPBACK,
                                        &out, &error);
            if (!code)
                break;
            assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
            assert_non_null(strstr(error.message, "endpoint"));
            assert_null(out.base);
            assert_int_equal(live, 0);
        }
        assert_int_equal(i, 3);
        emqxi_endpoint_free(&allocator, &out);
        assert_int_equal(live, 0);
    }
}

static void an_authorization_without_memory_is_null_and_nothing_of_the_secret_stays(void **state)
{
    (void)state;
    char *header = NULL;
    secret = "open sesame";
    for (size_t i = 1; !header; i++) {
        start(i);
        header = emqxi_basic_auth(&allocator, "Aladdin", secret);
        assert_int_equal(live, header ? 1 : 0);
        assert_true(header ? i == 3 : i < 3);
    }
    secret = "QWxhZGRpbj";
    emqxi_wipe_free(&allocator, header, strlen(header) + 1);
    secret = NULL;
    assert_int_equal(live, 0);
}

/* The texts are short on purpose. jansson 2.14 does not look whether the buffer of a text of 15
 * bytes or more could grow (its issue 362). */
static void a_reply_without_memory_is_never_taken_and_leaks_nothing(void **state)
{
    (void)state;
    static const char body[] = "{\"status\":\"running\",\"cn\":\"a\",\"x\":[1,null,{\"y\":\"z\"}]}";
    emqx_tls_status status;
    emqxi_error error;
    emqx_tls_code code;
    json_decref(json_object()); /* seeds the hash once */
    size_t i = 1;
    for (;; i++) {
        emqxi_error_clear(&error);
        start(i);
        code = emqxi_decode_status(body, sizeof body - 1, &status, &error);
        assert_int_equal(live, 0);
        if (!code)
            break;
        assert_true(code == EMQX_TLS_E_NO_MEMORY || code == EMQX_TLS_E_PROTOCOL);
        assert_int_equal(status.state, EMQX_TLS_STATE_UNKNOWN);
        if (i == 1)
            assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
    }
    assert_int_equal(status.state, EMQX_TLS_STATE_RUNNING);
    assert_true(i > 10);
}

/* Only here, in a program of our own: the library never sets other libraries' allocators. */
static int setup(void **state)
{
    (void)state;
    json_set_alloc_funcs(counted_malloc, counted_free);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_without_memory_is_no_memory_and_leaks_nothing),
        cmocka_unit_test(an_authorization_without_memory_is_null_and_nothing_of_the_secret_stays),
        cmocka_unit_test(a_reply_without_memory_is_never_taken_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
