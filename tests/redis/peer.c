/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "peer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void require(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static int listen_at(const char *path)
{
    const struct sockaddr_un a = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(fd, (const struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0, path);
    return fd;
}

static void stop_listening(int listener, pthread_t thread, const char *path)
{
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    unlink(path);
}

/* -- impostor ---------------------------------------------------------------------------------- */

static void *impostor_run(void *context)
{
    static const char epoch[] = "*2\r\n:1\r\n$33\r\n0123456789abcdef:0:60/6/3600000/0\r\n";
    impostor *i = context;
    char asked[65536];
    int fd;
    while ((fd = accept4(i->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        ssize_t n;
        while ((n = recv(fd, asked, sizeof asked - 1, 0)) > 0) {
            asked[n] = '\0';
            const char *answer =
                i->answer && *i->answer == '*' && strstr(asked, "\r\njoin\r\n") ? epoch : i->answer;
            for (int byte = 0; !answer && send(fd, byte ? "1" : ":", 1, MSG_NOSIGNAL) == 1; byte++)
                nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
            if (!answer || send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
                break;
        }
        close(fd);
    }
    return NULL;
}

void impostor_begin(impostor *i, const char *folder, const char *answer)
{
    snprintf(i->path, sizeof i->path, "%s/impostor", folder);
    snprintf(i->url, sizeof i->url, "unix://%s", i->path);
    i->answer = answer;
    i->listener = listen_at(i->path);
    require(pthread_create(&i->thread, NULL, impostor_run, i) == 0, "thread");
}

void impostor_end(impostor *i)
{
    stop_listening(i->listener, i->thread, i->path);
}

/* -- balancer ---------------------------------------------------------------------------------- */

typedef struct pair {
    balancer *balancer;
    int number, front, back;
} pair;

static int pass_on(int from, int to, ssize_t most)
{
    char bytes[16384];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0)
        return 0;
    if (most > 0 && n > most)
        n = most;
    return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n && most == 0;
}

static void *serve(void *context)
{
    pair p = *(pair *)context;
    free(context);
    struct pollfd ready[] = {{.fd = p.front, .events = POLLIN}, {.fd = p.back, .events = POLLIN}};
    for (int alive = 1; alive && poll(ready, 2, -1) > 0;) {
        if (p.number <= atomic_load(&p.balancer->forgotten)) {
            char byte; /* until the client goes away */
            while (recv(p.front, &byte, 1, 0) > 0)
                ;
            break;
        }
        if (ready[0].revents)
            alive = pass_on(p.front, p.back, 0);
        if (alive && ready[1].revents)
            alive = pass_on(p.back, p.front, atomic_exchange(&p.balancer->cut, 0));
    }
    close(p.front);
    close(p.back);
    return NULL;
}

static void *balancer_run(void *context)
{
    balancer *b = context;
    const struct sockaddr_un behind = address_of(b->behind);
    int fd;
    while ((fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        pthread_t thread;
        pair *p = malloc(sizeof *p);
        require(p != NULL, "memory");
        *p = (pair){.balancer = b, .front = fd};
        p->number = atomic_fetch_add(&b->connections, 1) + 1;
        p->back = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(connect(p->back, (const struct sockaddr *)&behind, sizeof behind) == 0, "connect");
        require(pthread_create(&thread, NULL, serve, p) == 0 && pthread_detach(thread) == 0,
                "thread");
    }
    return NULL;
}

void balancer_begin(balancer *b, const char *folder, const char *behind, const char *password)
{
    memset(b, 0, sizeof *b);
    snprintf(b->path, sizeof b->path, "%s/balancer", folder);
    snprintf(b->url, sizeof b->url, "unix://:%s@%s", password, b->path);
    b->behind = behind;
    b->listener = listen_at(b->path);
    require(pthread_create(&b->thread, NULL, balancer_run, b) == 0, "thread");
}

void balancer_end(balancer *b)
{
    stop_listening(b->listener, b->thread, b->path);
}
