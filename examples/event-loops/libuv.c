/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * libuv DEPLOYMENT... - reads the status of many deployments at once inside a libuv loop.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc libuv.c reads.c $(pkg-config --cflags --libs emqxtls libuv) -o libuv
 */
#include <stdio.h>

#include <emqxtls/adapters/libuv.h>

#include "reads.h"

static emqx_tls_libuv *adapter;

/* Nothing else keeps this program's loop alive: it ends. */
static void all_done(void)
{
    emqx_tls_libuv_detach(adapter);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    emqx_tls_client *client = reads_begin(argc, argv, all_done);
    if (!client)
        return 1;
    int error = emqx_tls_libuv_attach(loop, client, &adapter);
    if (error != 0) {
        fprintf(stderr, "libuv can't watch the client: %s\n", uv_strerror(error));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return reads_end(client);
}
