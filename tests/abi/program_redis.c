/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A program outside of the tree with libemqxtls-redis. Nobody listens on port 1, so opening fails
 * with STORE.
 */
#include <emqxtls/emqxtls.h>
#include <emqxtls/redis.h>
#include <stdio.h>

int main(void)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_code code =
        emqx_tls_limiter_open_redis("redis://127.0.0.1:1", "outside", NULL, &limiter, &error);
    printf("%s: %s\n", emqx_tls_code_name(code), error.message);
    emqx_tls_limiter_unref(limiter);
    return code == EMQX_TLS_E_STORE ? 0 : 1;
}
