/* SPDX-License-Identifier: MIT
 *
 * status DEPLOYMENT - prints what the platform says of a deployment's certificate. Costs one of 60 reads in 60 minutes.
 *
 * Endpoint and login come from the environment that the platform's own tools read: EMQXCLOUD_PLATFORM_ENDPOINT,
 * EMQXCLOUD_PLATFORM_API_KEY, EMQXCLOUD_PLATFORM_API_SECRET. EMQXTLS_CA_FILE, if set, is the PEM file of the CA of a test server.
 *
 *     cc status.c $(pkg-config --cflags --libs emqxtls) -o status
 */
#include <stdio.h>
#include <stdlib.h>

#include <emqxtls/emqxtls.h>

static int fail(const char *what, const emqx_tls_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error->message, emqx_tls_code_name(error->code));
    if (error->retry_after_ms >= 0)
        fprintf(stderr, "Try again in %lld s.\n", (long long)(error->retry_after_ms + 999) / 1000);
    return 1;
}

static void print_status(const char *id, const emqx_tls_status *status)
{
    if (status->state == EMQX_TLS_STATE_ABSENT) {
        printf("%s has no certificate\n", id);
        return;
    }
    printf("%s: %s", id, status->state_text);
    if (status->type_text[0])
        printf(", %s", status->type_text);
    if (status->common_name[0])
        printf(", for %s", status->common_name);
    if (status->expire_text[0])
        printf(", expires %s", status->expire_text);
    printf("\n");
}

int main(int argc, char **argv)
{
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_error error;

    if (argc != 2) {
        fprintf(stderr, "usage: status DEPLOYMENT\n");
        return 2;
    }
    emqx_tls_config_init(&config);
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    config.ca_file = getenv("EMQXTLS_CA_FILE");
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
        return fail("configuration", &error);

    /* A deployment without a certificate answers {} or 404; so does one that does not exist. */
    emqx_tls_code code = emqx_tls_get(client, argv[1], &status, &error);
    if (code == EMQX_TLS_OK)
        print_status(argv[1], &status);
    else
        fail(argv[1], &error);
    emqx_tls_client_free(client);
    return code == EMQX_TLS_OK ? 0 : 1;
}
