/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A program outside of the tree: install.sh and subproject.sh build it as a user would, with
 * nothing but what is installed. Nobody listens on port 1, so the call goes through libcurl and
 * comes back with TRANSPORT.
 */
#include <emqxtls/emqxtls.h>
#include <stdio.h>

int main(void)
{
    emqx_tls_config config;
    emqx_tls_error error;
    emqx_tls_client *client;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = "http://127.0.0.1:1/public_api/v1";
    config.flags = EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    config.api_key = "key";
    config.api_secret = "secret";
    config.timeout_ms = 5000;
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK) {
        puts(error.message);
        return 1;
    }
    emqx_tls_code code = emqx_tls_get(client, "d1", NULL, &error);
    emqx_tls_client_free(client);
    printf("libemqxtls %s: %s\n", emqx_tls_version(), emqx_tls_code_name(code));
    return code == EMQX_TLS_E_TRANSPORT ? 0 : 1;
}
