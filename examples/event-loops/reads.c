/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "reads.h"

#include <stdio.h>
#include <stdlib.h>

static int calls, open_calls, failed;
static void (*tell_all_done)(void);

static int fail(const char *what, const emqx_tls_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error->message, emqx_tls_code_name(error->code));
    return 1;
}

/* A call is over. This comes from emqx_tls_client_run, so on the loop's thread. */
static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    const char *id = user;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    emqx_tls_call_result(call, &status, &error);
    if (code != EMQX_TLS_OK)
        failed += fail(id, &error);
    else
        printf("%s: %s\n", id,
               status.state == EMQX_TLS_STATE_ABSENT ? "no certificate" : status.state_text);
    if (--open_calls == 0)
        tell_all_done();
}

static emqx_tls_client *client_of_environment(void)
{
    const char *quota_file = getenv("EMQXTLS_QUOTA_FILE");
    emqx_tls_limiter *quota = NULL;
    emqx_tls_client *client = NULL;
    emqx_tls_config config;
    emqx_tls_error error;
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
    emqx_tls_limiter_unref(quota); /* the client has a reference of its own */
    if (code != EMQX_TLS_OK)
        fail("configuration", &error);
    return client;
}

emqx_tls_client *reads_begin(int argc, char **argv, void (*all_done)(void))
{
    emqx_tls_client *client;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    tell_all_done = all_done;
    if (argc < 2) {
        fprintf(stderr, "usage: %s DEPLOYMENT...\n", argv[0]);
        return NULL;
    }
    client = client_of_environment();
    calls = client ? argc - 1 : 0;
    for (int i = 1; i <= calls; i++) {
        if (emqx_tls_submit(client, EMQX_TLS_OP_GET, argv[i], NULL, on_done, argv[i], NULL,
                            &error) == EMQX_TLS_OK)
            open_calls++;
        else
            failed += fail(argv[i], &error);
    }
    if (client && open_calls == 0) { /* nothing to wait for */
        emqx_tls_client_free(client);
        client = NULL;
    }
    return client;
}

int reads_end(emqx_tls_client *client)
{
    emqx_tls_client_free(client);
    fprintf(stderr, "%d calls, %d failed\n", calls, failed);
    return failed ? 1 : 0;
}
