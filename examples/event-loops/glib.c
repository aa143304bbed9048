/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * glib DEPLOYMENT... - reads the status of many deployments at once inside a GLib main loop.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc glib.c reads.c $(pkg-config --cflags --libs emqxtls glib-2.0) -o glib
 */
#include <stdio.h>

#include <emqxtls/adapters/glib.h>

#include "reads.h"

static GMainLoop *loop;

static void all_done(void)
{
    g_main_loop_quit(loop);
}

int main(int argc, char **argv)
{
    emqx_tls_client *client = reads_begin(argc, argv, all_done);
    if (!client)
        return 1;
    loop = g_main_loop_new(NULL, FALSE);
    GSource *adapter = emqx_tls_glib_attach(NULL, client);
    if (!adapter) {
        fprintf(stderr, "the client has no descriptor\n");
        return 1;
    }
    g_main_loop_run(loop);
    emqx_tls_glib_detach(adapter);
    g_main_loop_unref(loop);
    return reads_end(client);
}
