/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * status DEPLOYMENT - prints what the platform says of a deployment's certificate. Costs one of 60
 * reads in 60 minutes.
 *
 * Endpoint and login come from the environment that the platform's own tools read:
 * EMQXCLOUD_PLATFORM_ENDPOINT, EMQXCLOUD_PLATFORM_API_KEY, EMQXCLOUD_PLATFORM_API_SECRET. If set,
 * EMQXTLS_QUOTA_FILE is the file in which all programs that use the key count together, and
 * EMQXTLS_CA_FILE the PEM file of the CA of a test server.
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

static void print_quota(emqx_tls_limiter *limiter)
{
    emqx_tls_quota reads, writes;
    emqx_tls_quota_init(&reads);
    emqx_tls_quota_init(&writes);
    if (emqx_tls_limiter_query(limiter, EMQX_TLS_OP_GET, NULL, &reads, NULL) == EMQX_TLS_OK &&
        emqx_tls_limiter_query(limiter, EMQX_TLS_OP_UPDATE, NULL, &writes, NULL) == EMQX_TLS_OK)
        printf("quota left: %u of %u reads, %u of %u writes\n", reads.remaining, reads.limit,
               writes.remaining, writes.limit);
}

int main(int argc, char **argv)
{
    const char *quota_file = getenv("EMQXTLS_QUOTA_FILE");
    emqx_tls_limiter *quota = NULL;
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
    if (quota_file && emqx_tls_limiter_open_file(quota_file, NULL, &quota, &error) != EMQX_TLS_OK)
        return fail("quota", &error);
    config.limiter = quota;
    emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
    emqx_tls_limiter_unref(quota); /* the client has a reference of its own */
    if (code != EMQX_TLS_OK)
        return fail("configuration", &error);

    /* A deployment without a certificate answers {} or 404; so does one that does not exist. */
    code = emqx_tls_get(client, argv[1], &status, &error);
    if (code == EMQX_TLS_OK)
        print_status(argv[1], &status);
    else
        fail(argv[1], &error);
    print_quota(emqx_tls_client_limiter(client));
    emqx_tls_client_free(client);
    return code == EMQX_TLS_OK ? 0 : 1;
}
