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

typedef struct opened {
    emqxi_node node;
    int fd, port; /* 0: not looked up yet */
    bool run;
} opened;

static opened *opened_of(emqxi_node *node)
{
    return node ? EMQXI_OF(node, opened, node) : NULL;
}

static void forget(emqxi_curl *c, int fd)
{
    opened *next;
    for (opened *o = opened_of(c->opened.first); o; o = next) {
        next = opened_of(o->node.next);
        if (o->fd == fd) {
            emqxi_list_remove(&c->opened, &o->node);
            emqxi_free(&c->allocator, o);
        }
    }
}

curl_socket_t emqxi_on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    emqxi_transfer *t = user;
    emqxi_curl *c = t->curl;
    (void)purpose;
    opened *o = emqxi_zalloc(&c->allocator, sizeof *o);
    int fd = o ? socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol) : -1;
    t->no_memory |= !o;
    if (fd < 0) {
        emqxi_free(&c->allocator, o);
        return CURL_SOCKET_BAD;
    }
    forget(c, fd);
    o->fd = fd;
    emqxi_list_append(&c->opened, &o->node);
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
    for (opened *o = opened_of(c->opened.first); o; o = opened_of(o->node.next)) {
        if (o->port == 0)
            o->port = port_of(o->fd);
        if (o->port == local_port)
            return o->fd;
    }
    return -1;
}

/* One of those that have not been run yet, for a run may close any. */
static opened *next_to_run(const emqxi_curl *c)
{
    opened *o = opened_of(c->opened.first);
    while (o && o->run)
        o = opened_of(o->node.next);
    return o;
}

CURLMcode emqxi_opened_run(const emqxi_curl *c)
{
    CURLMcode code = CURLM_OK;
    for (emqxi_node *node = c->opened.first; node; node = node->next)
        opened_of(node)->run = false;
    for (opened *o; code == CURLM_OK && (o = next_to_run(c));) {
        o->run = true;
        code = emqxi_sockets_run_one(&c->sockets, o->fd, CURL_CSELECT_IN);
    }
    return code;
}

void emqxi_opened_free(emqxi_curl *c)
{
    for (opened *o; (o = opened_of(c->opened.first));)
        forget(c, o->fd);
}
