/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A client's descriptor: an epoll with the transport's own and a timer inside. It is made when it
 * is first asked for, so that blocking users do not pay for it.
 */
#include "call/client.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

void emqxi_arm(emqx_tls_client *client)
{
    if (client->fd < 0)
        return;
    /* the transport's timers are inside its own descriptor */
    int64_t ms = emqxi_own_next_ms(client);
    struct itimerspec t = {0};
    if (ms >= 0) {
        t.it_value.tv_sec = ms / 1000;
        t.it_value.tv_nsec = ms % 1000 * 1000000;
        if (ms == 0)
            t.it_value.tv_nsec = 1;
    }
    timerfd_settime(client->timer_fd, 0, &t, NULL); /* also takes back that it is readable */
}

void emqxi_fd_close(emqx_tls_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    if (client->timer_fd >= 0)
        close(client->timer_fd);
    client->fd = client->timer_fd = -1;
}

void emqxi_fd_open(emqx_tls_client *client)
{
    /* The transport's comes last: its next_ms may rely on whoever has asked for it. */
    client->fd = epoll_create1(EPOLL_CLOEXEC);
    client->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    int inner = -1;
    if (client->fd >= 0 && client->timer_fd >= 0 && client->transport.fd)
        inner = client->transport.fd(client->transport.context);
    if (inner < 0 || epoll_ctl(client->fd, EPOLL_CTL_ADD, inner, &event) != 0 ||
        epoll_ctl(client->fd, EPOLL_CTL_ADD, client->timer_fd, &event) != 0)
        emqxi_fd_close(client);
}
