/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "redis/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

static bool link_fail(emqxi_link *l, bool lasting, const char *problem)
{
    l->problem = problem;
    l->lasting = lasting;
    return false;
}

/* Waits for the socket. False: it took too long. */
static bool wait_for_link(const emqxi_link *l, short events, int64_t until)
{
    struct pollfd ready = {.fd = l->fd, .events = events};
    for (;;) {
        int64_t left = until - emqxi_link_now();
        int n = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

/* After a read or write that gave nothing: waits until it may give more. */
static bool go_on(emqxi_link *l, ssize_t n, short events, int64_t until)
{
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return wait_for_link(l, events, until) ||
               link_fail(l, false, "does not answer: is it running?");
    const char *problem = n < 0 && l->tls ? emqxi_tls_problem(l->tls) : NULL;
    if (problem)
        return link_fail(l, true, problem);
    /* TLS 1.3 tells only then, and what it tells may get lost */
    return l->tls && !l->answered
               ? link_fail(l, false, "has ended the connection: does it want a client certificate?")
               : link_fail(l, false, "has ended the connection: was it started again?");
}

/* -- open and close ---------------------------------------------------------------------------- */

static bool connect_to(emqxi_link *l, const struct sockaddr *address, socklen_t len, int64_t until)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    l->fd = emqxi_above_stdio(
        socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (l->fd < 0)
        return false;
    if (connect(l->fd, address, len) == 0)
        return true;
    if (errno == EINPROGRESS && wait_for_link(l, POLLOUT, until) &&
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0)
        return true;
    close(l->fd);
    l->fd = -1;
    return false;
}

static bool connect_path(emqxi_link *l, const char *path, int64_t until)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return link_fail(l, true, "has a path that is too long for a socket");
    strcpy(address.sun_path, path);
    return connect_to(l, (const struct sockaddr *)&address, sizeof address, until) ||
           link_fail(l, false, "can't be reached: is it running, and may this user enter?");
}

static bool connect_host(emqxi_link *l, const emqxi_redis_url *url, int64_t until)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    int on = 1, count = 0;
    snprintf(port, sizeof port, "%d", url->port);
    if (getaddrinfo(url->host, port, &hints, &found) != 0)
        return link_fail(l, false, "can't be found: is its name right?");
    for (const struct addrinfo *a = found; a; a = a->ai_next)
        count++;
    for (const struct addrinfo *a = found; a && l->fd < 0; a = a->ai_next) {
        int64_t now = emqxi_link_now();
        connect_to(l, a->ai_addr, a->ai_addrlen, now + (until - now) / count--);
    }
    freeaddrinfo(found);
    if (l->fd < 0)
        return link_fail(l, false, "can't be reached: is it running?");
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

static bool start_tls(emqxi_link *l, const emqxi_redis_url *url, int64_t until)
{
    const char *problem;
    short events = 0;
    ssize_t n;
    l->tls = emqxi_tls_new(url, &l->fd, &problem);
    if (!l->tls)
        return link_fail(l, true, problem);
    while ((n = emqxi_tls_step(l->tls, EMQXI_TLS_HANDSHAKE, NULL, 0, &events)) != 1)
        if (!go_on(l, n, events, until))
            return !l->lasting && link_fail(l, false, "does not speak TLS: is this its TLS port?");
    return true;
}

bool emqxi_link_open(emqxi_link *l, const emqxi_redis_url *url, int64_t until)
{
    l->fd = -1;
    l->answered = false;
    if ((url->path ? connect_path(l, url->path, until) : connect_host(l, url, until)) &&
        (!url->tls || start_tls(l, url, until)) &&
        ((l->reader = redisReaderCreate()) || link_fail(l, false, "")))
        return true;
    emqxi_link_close(l);
    return false;
}

void emqxi_link_close(emqxi_link *l)
{
    emqxi_tls_free(l->tls);
    if (l->reader)
        redisReaderFree(l->reader);
    if (l->fd >= 0)
        close(l->fd);
    l->tls = NULL;
    l->reader = NULL;
    l->fd = -1;
}

/* -- commands and replies ---------------------------------------------------------------------- */

bool emqxi_link_send(emqxi_link *l, int count, const char **arguments, int64_t until)
{
    char *command = NULL;
    const int len = redisFormatCommandArgv(&command, count, arguments, NULL);
    bool ok = len > 0 || link_fail(l, false, "");
    for (int sent = 0; ok && sent < len;) {
        short events = POLLOUT;
        const size_t left = (size_t)(len - sent);
        ssize_t n = l->tls ? emqxi_tls_step(l->tls, EMQXI_TLS_WRITE, command + sent, left, &events)
                           : send(l->fd, command + sent, left, MSG_NOSIGNAL);
        if (n > 0)
            sent += (int)n;
        else
            ok = go_on(l, n, events, until);
    }
    if (len > 0)
        emqxi_wipe(command, (size_t)len); /* it may be the password */
    redisFreeCommand(command);
    return ok;
}

redisReply *emqxi_link_read(emqxi_link *l, int64_t until)
{
    static const char other[] =
        "answers as no Redis does: is the address right, and redis:// or rediss://?";
    char bytes[4096];
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
            link_fail(l, true, other);
            return NULL;
        }
        if (reply) {
            l->answered = true;
            return reply;
        }
        short events = POLLIN;
        ssize_t n = l->tls ? emqxi_tls_step(l->tls, EMQXI_TLS_READ, bytes, sizeof bytes, &events)
                           : recv(l->fd, bytes, sizeof bytes, 0);
        if (n > 0 ? redisReaderFeed(l->reader, bytes, (size_t)n) != REDIS_OK
                  : !go_on(l, n, events, until))
            return NULL;
    }
}
