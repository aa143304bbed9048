/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * event-loop-libuv DEPLOYMENT... - reads the status of many deployments at once inside a libuv
 * loop. The client has one descriptor; whenever the loop finds it readable, emqx_tls_client_run
 * moves everything on without waiting.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc event-loop-libuv.c $(pkg-config --cflags --libs emqxtls libuv) -o event-loop-libuv
 */
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include <emqxtls/emqxtls.h>

static int failed;
static unsigned long runs;

static int fail(const char *what, const emqx_tls_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error->message, emqx_tls_code_name(error->code));
    return 1;
}

/* A call is over: from emqx_tls_client_run, so on the loop's thread. */
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
}

static void on_readable(uv_poll_t *watcher, int status, int events)
{
    emqx_tls_client *client = watcher->data;
    (void)status, (void)events;
    runs++;
    emqx_tls_client_run(client, 0, NULL);
    if (emqx_tls_client_pending(client) == 0)
        /* nothing is left to watch: the loop ends. A server would stay */
        uv_close((uv_handle_t *)watcher, NULL);
}

int main(int argc, char **argv)
{
    const char *quota_file = getenv("EMQXTLS_QUOTA_FILE");
    emqx_tls_limiter *quota = NULL;
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_error error;
    uv_poll_t watcher;

    if (argc < 2) {
        fprintf(stderr, "usage: event-loop-libuv DEPLOYMENT...\n");
        return 2;
    }
    emqx_tls_config_init(&config);
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

    for (int i = 1; i < argc; i++)
        if (emqx_tls_submit(client, EMQX_TLS_OP_GET, argv[i], NULL, on_done, argv[i], NULL,
                            &error) != EMQX_TLS_OK)
            failed += fail(argv[i], &error);

    if (emqx_tls_client_pending(client) > 0) {
        watcher.data = client;
        if (uv_poll_init(uv_default_loop(), &watcher, emqx_tls_client_fd(client)) != 0 ||
            uv_poll_start(&watcher, UV_READABLE, on_readable) != 0) {
            fprintf(stderr, "libuv can't watch the client\n");
            return 1;
        }
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    }
    uv_loop_close(uv_default_loop());
    emqx_tls_client_free(client);
    fprintf(stderr, "%d calls, %d failed, %lu turns of the client\n", argc - 1, failed, runs);
    return failed ? 1 : 0;
}
