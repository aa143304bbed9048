/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The sockets that libcurl has opened. It names none while a transfer runs, but the port on our
 * side, which is unique enough: a wrong one costs a new connection.
 */
#include "transport/curl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void forget(emqxi_curl *c, int fd)
{
    for (size_t i = c->opened_count; i-- > 0;)
        if (c->opened[i].fd == fd)
            c->opened[i] = c->opened[--c->opened_count];
}

/* False: no memory for one more. */
static bool make_room(emqxi_curl *c)
{
    if (c->opened_count < c->opened_room)
        return true;
    size_t room = c->opened_room ? 2 * c->opened_room : 4;
    emqxi_opened *larger = emqxi_resize(&c->allocator, c->opened, room * sizeof *larger);
    if (larger) {
        c->opened = larger;
        c->opened_room = room;
    }
    return larger;
}

curl_socket_t emqxi_on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    emqxi_transfer *t = user;
    emqxi_curl *c = t->curl;
    (void)purpose;
    if (!make_room(c)) {
        t->no_memory = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    forget(c, fd);
    c->opened[c->opened_count++] = (emqxi_opened){.fd = fd};
    return fd;
}

int emqxi_on_close(void *user, curl_socket_t fd)
{
    forget(user, fd);
    return close(fd);
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int emqxi_opened_find(const emqxi_curl *c, int local_port)
{
    for (size_t i = 0; i < c->opened_count; i++) {
        emqxi_opened *o = &c->opened[i];
        if (o->port == 0)
            o->port = port_of(o->fd);
        if (o->port == local_port)
            return o->fd;
    }
    return -1;
}

/* One of those that have not been run yet, for a run may close any. */
static emqxi_opened *next_to_run(const emqxi_curl *c)
{
    for (size_t i = 0; i < c->opened_count; i++)
        if (!c->opened[i].run)
            return &c->opened[i];
    return NULL;
}

CURLMcode emqxi_opened_run(const emqxi_curl *c)
{
    CURLMcode code = CURLM_OK;
    for (size_t i = 0; i < c->opened_count; i++)
        c->opened[i].run = false;
    for (emqxi_opened *o; code == CURLM_OK && (o = next_to_run(c));) {
        o->run = true;
        code = emqxi_sockets_run_one(&c->sockets, o->fd, CURL_CSELECT_IN);
    }
    return code;
}
