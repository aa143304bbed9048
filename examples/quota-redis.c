/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * quota-redis REDIS-URL DEPLOYMENT... - reads the status of deployments with a quota that all hosts
 * share.
 *
 *     quota-redis redis://:PASSWORD@quota.example:6379/0 ge6a1a75
 *
 * Endpoint and login come from EMQXCLOUD_PLATFORM_ENDPOINT, EMQXCLOUD_PLATFORM_API_KEY,
 * EMQXCLOUD_PLATFORM_API_SECRET. EMQXTLS_CA_FILE, if set, is the PEM file of the CA of a test
 * server.
 *
 *     cc quota-redis.c $(pkg-config --cflags --libs emqxtls-redis) -o quota-redis
 */
#include <stdio.h>
#include <stdlib.h>

#include <emqxtls/emqxtls.h>
#include <emqxtls/redis.h>

static int read_all(emqx_tls_client *client, char **deployments)
{
    int failed = 0;
    for (; *deployments; deployments++) {
        emqx_tls_status status;
        emqx_tls_quota quota;
        emqx_tls_error error;
        emqx_tls_status_init(&status);
        emqx_tls_quota_init(&quota);
        emqx_tls_error_init(&error);
        if (emqx_tls_get(client, *deployments, &status, &error) == EMQX_TLS_OK) {
            printf("%s: %s\n", *deployments,
                   status.state == EMQX_TLS_STATE_ABSENT ? "no certificate" : status.state_text);
        } else {
            fprintf(stderr, "%s: %s\n", *deployments, error.message);
            failed = 1;
        }
        if (emqx_tls_limiter_query(emqx_tls_client_limiter(client), EMQX_TLS_OP_GET, *deployments,
                                   &quota, NULL) == EMQX_TLS_OK)
            printf("%u of %u reads left for all hosts\n", (unsigned)quota.remaining,
                   (unsigned)quota.limit);
    }
    return failed;
}

int main(int argc, char **argv)
{
    emqx_tls_error error;
    emqx_tls_limiter *limiter;
    emqx_tls_config config;
    emqx_tls_client *client;

    if (argc < 3) {
        fprintf(stderr, "usage: quota-redis REDIS-URL DEPLOYMENT...\n");
        return 2;
    }
    emqx_tls_error_init(&error);
    /* One prefix is for one API key: give each key its own. */
    if (emqx_tls_limiter_open_redis(argv[1], "emqxtls:example", NULL, &limiter, &error) !=
        EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    emqx_tls_config_init(&config);
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    config.ca_file = getenv("EMQXTLS_CA_FILE");
    config.limiter = limiter;
    emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
    emqx_tls_limiter_unref(limiter); /* the client has a reference of its own */
    if (code != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int failed = read_all(client, argv + 2);
    emqx_tls_client_free(client);
    return failed;
}
