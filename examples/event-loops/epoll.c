/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * epoll DEPLOYMENT... - reads the status of many deployments at once inside a loop of its own, by
 * epoll(7). A server has its sockets in the same set.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc epoll.c reads.c $(pkg-config --cflags --libs emqxtls) -o epoll
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <emqxtls/adapters/poll.h>

#include "reads.h"

static bool ended;

static void all_done(void)
{
    ended = true;
}

int main(int argc, char **argv)
{
    emqx_tls_client *client = reads_begin(argc, argv, all_done);
    if (!client)
        return 1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || emqx_tls_epoll_attach(epoll, client) != 0) {
        perror("epoll");
        return 1;
    }
    while (!ended) {
        struct epoll_event event;
        int ready = epoll_wait(epoll, &event, 1, -1);
        if (ready < 0 && errno != EINTR) {
            perror("epoll_wait");
            return 1;
        }
        if (ready == 1 && event.data.ptr == client)
            emqx_tls_client_run(client, 0, NULL);
    }
    emqx_tls_epoll_detach(epoll, client);
    close(epoll);
    return reads_end(client);
}
