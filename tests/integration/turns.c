/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Linked to an example by --wrap=emqx_tls_client_run: tells in the end how often it was called.
 */
#include <stdio.h>

#include <emqxtls/emqxtls.h>

emqx_tls_code __real_emqx_tls_client_run(emqx_tls_client *client, int timeout_ms,
                                         emqx_tls_error *error);
emqx_tls_code __wrap_emqx_tls_client_run(emqx_tls_client *client, int timeout_ms,
                                         emqx_tls_error *error);

static unsigned long turns;

emqx_tls_code __wrap_emqx_tls_client_run(emqx_tls_client *client, int timeout_ms,
                                         emqx_tls_error *error)
{
    turns++;
    return __real_emqx_tls_client_run(client, timeout_ms, error);
}

__attribute__((destructor)) static void tell(void)
{
    fprintf(stderr, "%lu turns of the client\n", turns);
}
