/* SPDX-License-Identifier: MIT
 *
 * The store suite on Redis, in real time: on the unix socket, and by TCP with a password and a database.
 */
#include "server.h"
#include "store_suite.h"

#include "redis/store.h"

#include <stdio.h>
#include <time.h>

typedef struct subject {
    const char *url;
    int *opened;
} subject;

static void pass_time(void *context, int64_t ms)
{
    (void)context;
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
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

static int run(const char *name, const char *url)
{
    static int opened; /* no prefix is used twice */
    subject context = {.url = url, .opened = &opened};
    const store_subject redis = {.name = name,
                                 .context = &context,
                                 .open = open_redis,
                                 .advance = pass_time,
                                 .window_ms = 1000,
                                 .patience_ms = 2500,
                                 .slack_ms = 100};
    return store_suite_run(&redis);
}

int main(void)
{
    server s;
    server_new(&s, true);
    int failed = run("store in Redis, unix socket", s.socket_url) + run("store in Redis, TCP", s.tcp_url);
    server_free(&s);
    return failed;
}
