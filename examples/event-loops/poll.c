/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * poll DEPLOYMENT... - reads the status of many deployments at once inside a loop of its own, by
 * poll(2). A server has its sockets in the same array.
 *
 * Environment as for status.c. Each deployment costs one of 60 reads in 60 minutes.
 *
 *     cc poll.c reads.c $(pkg-config --cflags --libs emqxtls) -o poll
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

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
    while (!ended) {
        struct pollfd slots[1];
        int timeout_ms = emqx_tls_poll_prepare(client, &slots[0], -1);
        if (poll(slots, 1, timeout_ms) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
        emqx_tls_poll_ready(client, &slots[0]);
    }
    return reads_end(client);
}
