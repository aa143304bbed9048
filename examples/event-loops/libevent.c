/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * libevent DEPLOYMENT... - reads the status of many deployments at once inside a libevent loop.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc libevent.c reads.c $(pkg-config --cflags --libs emqxtls libevent_core) -o libevent
 */
#include <stdio.h>

#include <emqxtls/adapters/libevent.h>

#include "reads.h"

static struct event *adapter;

/* Nothing else keeps this program's loop alive: it ends. */
static void all_done(void)
{
    emqx_tls_libevent_detach(adapter);
}

int main(int argc, char **argv)
{
    emqx_tls_client *client = reads_begin(argc, argv, all_done);
    if (!client)
        return 1;
    struct event_base *base = event_base_new();
    adapter = base ? emqx_tls_libevent_attach(base, client) : NULL;
    if (!adapter) {
        fprintf(stderr, "libevent can't watch the client\n");
        return 1;
    }
    event_base_dispatch(base);
    event_base_free(base);
    return reads_end(client);
}
