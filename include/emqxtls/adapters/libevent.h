/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file libevent.h
 * @brief A client inside a libevent loop.
 *
 * The loop watches the client's descriptor, which has its timers inside, and moves its calls on
 * whenever it is readable. So `done` runs on the loop's thread, from the loop. Include it where the
 * adapter is used, and link with libevent (2.0 or later; its libevent_core is enough).
 *
 * @code
 * static void done(void *user, emqx_tls_call *call, emqx_tls_code code)
 * {
 *     puts(emqx_tls_code_name(code));
 *     emqx_tls_libevent_detach(user); // the loop is empty: it ends
 * }
 *
 * struct event_base *base = event_base_new();
 * struct event *adapter = emqx_tls_libevent_attach(base, client);
 * code = emqx_tls_submit(client, EMQX_TLS_OP_GET, "ge6a1a75", NULL,
 *                        done, adapter, NULL, &error);
 * event_base_dispatch(base);
 * event_base_free(base);
 * emqx_tls_client_free(client);
 * @endcode
 */
#ifndef EMQXTLS_ADAPTERS_LIBEVENT_H
#define EMQXTLS_ADAPTERS_LIBEVENT_H

#include <event2/event.h>

#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @cond */
static inline void emqx_tls_libevent_readable_(evutil_socket_t fd, short what, void *client)
{
    (void)fd, (void)what;
    emqx_tls_client_run((emqx_tls_client *)client, 0, NULL);
}
/** @endcond */

/**
 * Puts a client into a loop. The loop stays alive until emqx_tls_libevent_detach.
 *
 * @param base    Borrowed until emqx_tls_libevent_detach.
 * @param client  Borrowed until emqx_tls_libevent_detach. It needs a descriptor, which a client
 *                with a transport without `fd` has not.
 * @return For emqx_tls_libevent_detach. NULL: the client has no descriptor, or libevent no memory.
 * @par Threads
 * The loop's. From then on the client belongs to it.
 * @since 0.1
 */
static inline struct event *emqx_tls_libevent_attach(struct event_base *base,
                                                     emqx_tls_client *client)
{
    int fd = emqx_tls_client_fd(client);
    struct event *adapter = NULL;
    if (fd >= 0)
        adapter =
            event_new(base, fd, EV_READ | EV_PERSIST, emqx_tls_libevent_readable_, (void *)client);
    if (adapter && event_add(adapter, NULL) != 0) {
        event_free(adapter);
        adapter = NULL;
    }
    return adapter;
}

/**
 * Takes the client out of its loop. Its calls stay as they are: free the client to end them, or put
 * it into another loop.
 *
 * @param adapter  Freed. May be NULL.
 * @par Threads
 * The loop's, inside `done` too. To be called before emqx_tls_client_free.
 * @since 0.1
 */
static inline void emqx_tls_libevent_detach(struct event *adapter)
{
    if (adapter)
        event_free(adapter);
}

#ifdef __cplusplus
}
#endif
#endif
