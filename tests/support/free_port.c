/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "free_port.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOWEST  10000
#define HIGHEST 32767 /* /proc/sys/net/ipv4/ip_local_port_range begins behind it */

static bool is_free(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return bound;
}

uint16_t free_port(void)
{
    uint16_t port, any;
    do {
        if (getrandom(&any, sizeof any, 0) != sizeof any)
            abort();
        port = (uint16_t)(LOWEST + any % (HIGHEST - LOWEST + 1));
    } while (!is_free(port));
    return port;
}
