/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file libuv.h
 * @brief A client inside a libuv loop.
 *
 * The loop watches the client's descriptor, which has its timers inside, and moves its calls on
 * whenever it is readable. So `done` runs on the loop's thread, from the loop. Include it where the
 * adapter is used, and link with libuv (1.x).
 *
 * @code
 * static void done(void *user, emqx_tls_call *call, emqx_tls_code code)
 * {
 *     puts(emqx_tls_code_name(code));
 *     emqx_tls_libuv_detach(user); // the loop is empty: it ends
 * }
 *
 * emqx_tls_libuv *adapter;
 * if (emqx_tls_libuv_attach(uv_default_loop(), client, &adapter) != 0)
 *     fail("libuv can't watch the client");
 * code = emqx_tls_submit(client, EMQX_TLS_OP_GET, "ge6a1a75", NULL,
 *                        done, adapter, NULL, &error);
 * uv_run(uv_default_loop(), UV_RUN_DEFAULT);
 * emqx_tls_client_free(client);
 * @endcode
 */
#ifndef EMQXTLS_ADAPTERS_LIBUV_H
#define EMQXTLS_ADAPTERS_LIBUV_H

#include <stdlib.h>

#include <uv.h>

#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A client inside a loop. Made by emqx_tls_libuv_attach, freed behind emqx_tls_libuv_detach. */
typedef struct emqx_tls_libuv {
    uv_poll_t watcher;       /**< Of the client's descriptor. */
    emqx_tls_client *client; /**< Borrowed. */
} emqx_tls_libuv;

/** @cond */
static inline void emqx_tls_libuv_readable_(uv_poll_t *watcher, int status, int events)
{
    (void)status, (void)events;
    emqx_tls_client_run(((emqx_tls_libuv *)watcher->data)->client, 0, NULL);
}

static inline void emqx_tls_libuv_closed_(uv_handle_t *watcher)
{
    free(watcher->data);
}
/** @endcond */

/**
 * Puts a client into a loop. The loop stays alive until emqx_tls_libuv_detach.
 *
 * @param loop          Borrowed until emqx_tls_libuv_detach.
 * @param client        Borrowed until emqx_tls_libuv_detach. It needs a descriptor, which a client
 *                      with a transport without `fd` has not.
 * @param[out] adapter  For emqx_tls_libuv_detach; NULL if it fails.
 * @return 0, or an error of libuv, below 0: UV_EBADF where the client has no descriptor.
 * @par Threads
 * The loop's. From then on the client belongs to it.
 * @since 0.1
 */
static inline int emqx_tls_libuv_attach(uv_loop_t *loop, emqx_tls_client *client,
                                        emqx_tls_libuv **adapter)
{
    emqx_tls_libuv *made = (emqx_tls_libuv *)malloc(sizeof *made);
    int fd = emqx_tls_client_fd(client);
    int error = !made ? UV_ENOMEM : fd < 0 ? UV_EBADF : uv_poll_init(loop, &made->watcher, fd);
    if (error != 0) {
        free(made);
        made = NULL;
    } else {
        made->watcher.data = made;
        made->client = client;
        error = uv_poll_start(&made->watcher, UV_READABLE, emqx_tls_libuv_readable_);
        if (error != 0) {
            uv_close((uv_handle_t *)&made->watcher, emqx_tls_libuv_closed_);
            made = NULL;
        }
    }
    *adapter = made;
    return error;
}

/**
 * Takes the client out of its loop. Its calls stay as they are: free the client to end them, or put
 * it into another loop.
 *
 * @param adapter  Gone afterwards: its memory is given back by the loop, in its next turn. May be
 *                 NULL.
 * @par Threads
 * The loop's, inside `done` too. To be called before emqx_tls_client_free.
 * @since 0.1
 */
static inline void emqx_tls_libuv_detach(emqx_tls_libuv *adapter)
{
    if (adapter)
        uv_close((uv_handle_t *)&adapter->watcher, emqx_tls_libuv_closed_);
}

#ifdef __cplusplus
}
#endif
#endif
