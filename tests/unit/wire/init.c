/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

/* An older caller's struct is a prefix; a newer one's is longer than ours. */
static void structs_are_set_up_for_older_and_newer_callers(void **state)
{
    (void)state;
    struct {
        emqx_tls_status status;
        unsigned char newer[8], beyond[8];
    } s;
    memset(&s, 0xAA, sizeof s);
    emqx_tls_status_init_size(&s.status, offsetof(emqx_tls_status, expire));
    assert_int_equal(s.status.size, offsetof(emqx_tls_status, expire));
    assert_int_equal(s.status.state, EMQX_TLS_STATE_UNKNOWN);
    assert_int_equal((unsigned char)s.status.state_text[0], 0xAA);
    assert_int_equal(s.status.expire, (int64_t)0xAAAAAAAAAAAAAAAA);
    emqx_tls_status_init_size(&s.status, sizeof s.status + sizeof s.newer);
    assert_int_equal(s.status.size, sizeof s.status + sizeof s.newer);
    assert_true(s.status.expire == INT64_MIN);
    assert_string_equal(s.status.common_name, "");
    for (size_t i = 0; i < sizeof s.newer; i++) {
        assert_int_equal(s.newer[i], 0);
        assert_int_equal(s.beyond[i], 0xAA);
    }
    emqx_tls_status_init_size(NULL, sizeof s.status);
    emqx_tls_request_init_size(NULL, sizeof(emqx_tls_request));

    emqx_tls_request request;
    memset(&request, 0xAA, sizeof request);
    emqx_tls_request_init(&request);
    assert_int_equal(request.size, sizeof request);
    assert_int_equal(request.type, EMQX_TLS_TYPE_UNKNOWN);
    assert_null(request.cacert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_are_set_up_for_older_and_newer_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
