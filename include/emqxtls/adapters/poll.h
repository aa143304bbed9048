/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file poll.h
 * @brief Clients inside a loop of the program's own, by poll(2) or epoll(7).
 *
 * The client's descriptor has its timers inside: as long as it is readable, emqx_tls_client_run has
 * something to do. So `done` runs on the loop's thread, from emqx_tls_poll_ready.
 *
 * @code
 * while (emqx_tls_client_pending(client) > 0) {
 *     struct pollfd slots[1];
 *     int timeout_ms = emqx_tls_poll_prepare(client, &slots[0], -1);
 *     poll(slots, 1, timeout_ms);
 *     emqx_tls_poll_ready(client, &slots[0]);
 * }
 * @endcode
 *
 * By epoll, where the program's own events have other pointers:
 *
 * @code
 * int epoll = epoll_create1(EPOLL_CLOEXEC);
 * struct epoll_event event;
 * emqx_tls_epoll_attach(epoll, client);
 * while (emqx_tls_client_pending(client) > 0) {
 *     int ready = epoll_wait(epoll, &event, 1, -1);
 *     if (ready == 1 && event.data.ptr == client)
 *         emqx_tls_client_run(client, 0, NULL);
 * }
 * emqx_tls_epoll_detach(epoll, client);
 * @endcode
 */
#ifndef EMQXTLS_ADAPTERS_POLL_H
#define EMQXTLS_ADAPTERS_POLL_H

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Before poll(2): fills the client's place in its array. A client without a descriptor, whose
 * transport has no `fd`, bounds the time instead.
 *
 * @param client      Borrowed.
 * @param[out] slot   The client's place.
 * @param timeout_ms  How long the program would wait otherwise; -1: without limit.
 * @return What to give to poll(2): timeout_ms, or less.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
static inline int emqx_tls_poll_prepare(emqx_tls_client *client, struct pollfd *slot,
                                        int timeout_ms)
{
    memset(slot, 0, sizeof *slot);
    slot->fd = emqx_tls_client_fd(client);
    slot->events = POLLIN;
    int64_t next_ms = slot->fd < 0 ? emqx_tls_client_next_ms(client) : -1;
    int64_t most_ms = timeout_ms < 0 ? INT_MAX : timeout_ms;
    return next_ms < 0 ? timeout_ms : (int)(next_ms < most_ms ? next_ms : most_ms);
}

/**
 * Behind poll(2): moves the client's calls on, if it is time.
 *
 * @param client  Borrowed. Inside `done` it may be freed.
 * @param slot    As poll(2) has left it.
 * @par Threads
 * The one that is in the client. Not inside `done`.
 * @since 0.1
 */
static inline void emqx_tls_poll_ready(emqx_tls_client *client, const struct pollfd *slot)
{
    if (slot->fd < 0 || slot->revents != 0)
        emqx_tls_client_run(client, 0, NULL);
}

/**
 * Puts a client into an epoll set. Its events are level-triggered, and have the client itself in
 * data.ptr: then call emqx_tls_client_run(client, 0, NULL).
 *
 * @param epoll   Of epoll_create1(2).
 * @param client  Borrowed until emqx_tls_epoll_detach. It needs a descriptor, which a client with a
 *                transport without `fd` has not.
 * @return 0, or -1 with errno: EBADF where the client has no descriptor.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
static inline int emqx_tls_epoll_attach(int epoll, emqx_tls_client *client)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.ptr = client;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, emqx_tls_client_fd(client), &event);
}

/**
 * Takes a client out of an epoll set.
 *
 * @param epoll   As given to emqx_tls_epoll_attach.
 * @param client  Borrowed.
 * @return 0, or -1 with errno.
 * @par Threads
 * The one that is in the client, inside `done` too. To be called before emqx_tls_client_free.
 * @since 0.1
 */
static inline int emqx_tls_epoll_detach(int epoll, emqx_tls_client *client)
{
    return epoll_ctl(epoll, EPOLL_CTL_DEL, emqx_tls_client_fd(client), NULL);
}

#ifdef __cplusplus
}
#endif
#endif
