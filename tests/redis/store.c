/* SPDX-License-Identifier: MIT
 *
 * The store suite on a real Redis, in virtual time: on the unix socket, and by TCP with a password. The script of this program reads the
 * time from two keys, which the test sets (see meson.build); all else is the library's.
 */
#include "server.h"
#include "store_suite.h"

#include "redis/store.h"

#include <stdio.h>

typedef struct subject {
    const server *server;
    const char *url;
    int64_t now_ms;
    int *opened;
} subject;

static void set_time(const subject *s)
{
    server_command(s->server, "MSET virtual:s %lld virtual:us %lld", (long long)(s->now_ms / 1000),
                   (long long)(s->now_ms % 1000 * 1000));
}

static void pass_time(void *context, int64_t ms)
{
    subject *s = context;
    s->now_ms += ms;
    set_time(s);
}

/* A prefix of its own each time, so that the store is empty. */
static emqx_tls_code open_redis(void *context, const emqx_tls_limiter_config *config, emqx_tls_store *store)
{
    subject *s = context;
    emqx_tls_error error;
    char prefix[32];
    emqx_tls_error_init(&error);
    snprintf(prefix, sizeof prefix, "suite-%d", (*s->opened)++);
    emqx_tls_code code = emqxi_redis_open(s->url, prefix, config, store, NULL, &error);
    if (code != EMQX_TLS_OK)
        fprintf(stderr, "%s\n", error.message);
    return code;
}

static int run(const server *on, const char *name, const char *url)
{
    static int opened; /* no prefix is used twice */
    subject context = {.server = on, .url = url, .now_ms = 1700000000000, .opened = &opened};
    const store_subject redis = {.name = name,
                                 .context = &context,
                                 .open = open_redis,
                                 .advance = pass_time,
                                 .window_ms = 3600000,
                                 .patience_ms = INT64_MAX};
    set_time(&context);
    return store_suite_run(&redis);
}

int main(void)
{
    server s;
    server_new(&s, true);
    int failed = run(&s, "store in Redis, unix socket", s.socket_url) + run(&s, "store in Redis, TCP", s.tcp_url);
    server_free(&s);
    return failed;
}
