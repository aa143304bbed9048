/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * remove DEPLOYMENT - deletes a deployment's certificate, which disconnects every client on the
 * ports 8883 and 8084, and waits until it is gone. Costs a write if there is one, and some reads.
 * The environment is that of status.c.
 *
 *     cc remove.c $(pkg-config --cflags --libs emqxtls) -o remove
 */
#include <stdio.h>
#include <stdlib.h>

#include <emqxtls/emqxtls.h>

#define WAIT_MAX_MS (10 * 60 * 1000)

int main(int argc, char **argv)
{
    const char *quota_file = getenv("EMQXTLS_QUOTA_FILE");
    emqx_tls_limiter *quota = NULL;
    emqx_tls_config config;
    emqx_tls_client *client = NULL;
    emqx_tls_error error;

    if (argc != 2) {
        fprintf(stderr, "usage: remove DEPLOYMENT\n");
        return 2;
    }
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    config.ca_file = getenv("EMQXTLS_CA_FILE");
    emqx_tls_code code = EMQX_TLS_OK;
    if (quota_file)
        code = emqx_tls_limiter_open_file(quota_file, NULL, &quota, &error);
    config.limiter = quota;
    if (code == EMQX_TLS_OK)
        code = emqx_tls_client_new(&config, &client, &error);
    if (code == EMQX_TLS_OK)
        code = emqx_tls_remove(client, argv[1], WAIT_MAX_MS, &error);
    emqx_tls_client_free(client);
    emqx_tls_limiter_unref(quota);

    if (code != EMQX_TLS_OK)
        fprintf(stderr, "%s: %s (%s)\n", argv[1], error.message, emqx_tls_code_name(code));
    else
        printf("%s: there is no certificate any more\n", argv[1]);
    return code == EMQX_TLS_OK ? 0 : 1;
}
