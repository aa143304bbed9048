/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file glib.h
 * @brief A client inside a GLib main context, such as that of a GTK program.
 *
 * The context watches the client's descriptor, which has its timers inside, and moves its calls on
 * whenever it is readable. So `done` runs on the thread that runs the context, from its loop.
 * Include it where the adapter is used, and link with glib-2.0 (2.58 or later).
 *
 * @code
 * static void done(void *loop, emqx_tls_call *call, emqx_tls_code code)
 * {
 *     puts(emqx_tls_code_name(code));
 *     g_main_loop_quit(loop);
 * }
 *
 * GMainLoop *loop = g_main_loop_new(NULL, FALSE);
 * GSource *adapter = emqx_tls_glib_attach(NULL, client);
 * code = emqx_tls_submit(client, EMQX_TLS_OP_GET, "ge6a1a75", NULL,
 *                        done, loop, NULL, &error);
 * g_main_loop_run(loop);
 * emqx_tls_glib_detach(adapter);
 * g_main_loop_unref(loop);
 * emqx_tls_client_free(client);
 * @endcode
 */
#ifndef EMQXTLS_ADAPTERS_GLIB_H
#define EMQXTLS_ADAPTERS_GLIB_H

#include <glib-unix.h>

#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @cond */
static inline gboolean emqx_tls_glib_readable_(gint fd, GIOCondition condition, gpointer client)
{
    (void)fd, (void)condition;
    emqx_tls_client_run((emqx_tls_client *)client, 0, NULL);
    return G_SOURCE_CONTINUE;
}
/** @endcond */

/**
 * Puts a client into a main context.
 *
 * @param context  Takes a reference to the adapter; NULL: the default one.
 * @param client   Borrowed until emqx_tls_glib_detach. It needs a descriptor, which a client with a
 *                 transport without `fd` has not.
 * @return For emqx_tls_glib_detach. NULL: the client has no descriptor.
 * @par Threads
 * The one that runs the context. From then on the client belongs to it.
 * @since 0.1
 */
static inline GSource *emqx_tls_glib_attach(GMainContext *context, emqx_tls_client *client)
{
    int fd = emqx_tls_client_fd(client);
    GSource *adapter = fd < 0 ? NULL : g_unix_fd_source_new(fd, G_IO_IN);
    if (adapter) {
        g_source_set_callback(adapter, G_SOURCE_FUNC(emqx_tls_glib_readable_), client, NULL);
        g_source_attach(adapter, context);
    }
    return adapter;
}

/**
 * Takes the client out of its context. Its calls stay as they are: free the client to end them, or
 * put it into another context.
 *
 * @param adapter  Gone afterwards. May be NULL.
 * @par Threads
 * The one that runs the context, inside `done` too. To be called before emqx_tls_client_free.
 * @since 0.1
 */
static inline void emqx_tls_glib_detach(GSource *adapter)
{
    if (adapter) {
        g_source_destroy(adapter);
        g_source_unref(adapter);
    }
}

#ifdef __cplusplus
}
#endif
#endif
