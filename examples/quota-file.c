/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * quota-file FILE [DEPLOYMENT...] - reads the status of deployments with a quota that all processes
 * of this machine share, and shows what is left of it. Run it as often as you like, also at once:
 * together the runs stay inside the platform's quota.
 *
 *     quota-file /var/lib/renew/quota ge6a1a75
 *
 * Endpoint and login come from EMQXCLOUD_PLATFORM_ENDPOINT, EMQXCLOUD_PLATFORM_API_KEY,
 * EMQXCLOUD_PLATFORM_API_SECRET. EMQXTLS_CA_FILE, if set, is the PEM file of the CA of a test
 * server.
 *
 *     cc quota-file.c $(pkg-config --cflags --libs emqxtls) -o quota-file
 */
#include <stdio.h>
#include <stdlib.h>

#include <emqxtls/emqxtls.h>

static int show_quota(emqx_tls_limiter *limiter, uint32_t op, const char *what)
{
    emqx_tls_quota quota;
    emqx_tls_error error;
    emqx_tls_quota_init(&quota);
    emqx_tls_error_init(&error);
    if (emqx_tls_limiter_query(limiter, op, NULL, &quota, &error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%u of %u %s left", (unsigned)quota.remaining, (unsigned)quota.limit, what);
    if (quota.next_ms > 0)
        printf(", the next in %lld s%s", (long long)(quota.next_ms + 999) / 1000,
               quota.reason == EMQX_TLS_QUOTA_SHUT        ? ": the platform has said 429"
               : quota.reason == EMQX_TLS_QUOTA_IN_FLIGHT ? " at most: calls are still running"
                                                          : "");
    putchar('\n');
    return 0;
}

static int read_all(emqx_tls_limiter *limiter, char **deployments)
{
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_error error;
    int failed = 0;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    config.ca_file = getenv("EMQXTLS_CA_FILE");
    config.limiter = limiter; /* all clients of one key, in all processes, share it */
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (; *deployments; deployments++) {
        emqx_tls_status status;
        emqx_tls_status_init(&status);
        if (emqx_tls_get(client, *deployments, &status, &error) == EMQX_TLS_OK) {
            printf("%s: %s\n", *deployments,
                   status.state == EMQX_TLS_STATE_ABSENT ? "no certificate" : status.state_text);
            continue;
        }
        fprintf(stderr, "%s: %s\n", *deployments, error.message);
        failed = 1;
        if (error.code == EMQX_TLS_E_RATE_LIMITED || error.code == EMQX_TLS_E_STORE)
            break; /* the others would fare no better */
    }
    emqx_tls_client_free(client);
    return failed;
}

int main(int argc, char **argv)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error error;

    if (argc < 2) {
        fprintf(stderr, "usage: quota-file FILE [DEPLOYMENT...]\n");
        return 2;
    }
    emqx_tls_error_init(&error);
    /* No config: a new file gets the platform's 60 reads and 6 writes an hour, one that exists
     * keeps what it has. */
    if (emqx_tls_limiter_open_file(argv[1], NULL, &limiter, &error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int failed = argc > 2 ? read_all(limiter, argv + 2) : 0;
    failed |= show_quota(limiter, EMQX_TLS_OP_GET, "reads");
    failed |= show_quota(limiter, EMQX_TLS_OP_UPDATE, "writes");
    emqx_tls_limiter_unref(limiter);
    return failed;
}
