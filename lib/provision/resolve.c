/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * getaddrinfo keeps no deadline, and what glibc offers instead (getaddrinfo_a) is a thread too and
 * not everywhere. So a name is resolved on a thread that nobody waits for: what both sides use is
 * freed by whoever is last. It touches nothing but getaddrinfo, so it does no harm where the
 * process ends before it does.
 */
#include "provision/probe.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct emqxi_resolver {
    atomic_int users;
    atomic_bool over;
    int problem;
    struct addrinfo *list;
    char port[8];
    char host[];
};

static void leave(emqxi_resolver *r)
{
    if (atomic_fetch_sub(&r->users, 1) > 1)
        return;
    if (r->list)
        freeaddrinfo(r->list);
    free(r);
}

static void look_up(emqxi_resolver *r, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    r->problem = getaddrinfo(r->host, r->port, &hints, &r->list);
}

static void *work(void *context)
{
    emqxi_resolver *r = context;
    look_up(r, 0);
    atomic_store(&r->over, true);
    leave(r);
    return NULL;
}

/* The thread takes no signals: they belong to the program's own threads. */
static bool start_thread(emqxi_resolver *r)
{
    sigset_t all, old;
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    atomic_store(&r->users, 2);
    bool started = pthread_create(&thread, &attributes, work, r) == 0;
    if (!started)
        atomic_store(&r->users, 1);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

emqxi_resolver *emqxi_resolver_start(const char *host, uint32_t port, bool *numeric)
{
    /* malloc: the thread may outlive the client and its allocator. */
    emqxi_resolver *r = calloc(1, sizeof *r + strlen(host) + 1);
    if (!r)
        return NULL;
    strcpy(r->host, host);
    snprintf(r->port, sizeof r->port, "%u", (unsigned)port);
    atomic_store(&r->users, 1);
    look_up(r, AI_NUMERICHOST);
    *numeric = r->problem == 0;
    if (*numeric) {
        atomic_store(&r->over, true);
    } else if (!start_thread(r)) {
        leave(r);
        return NULL;
    }
    return r;
}

bool emqxi_resolver_over(emqxi_resolver *r, const struct addrinfo **list, const char **problem)
{
    if (!atomic_load(&r->over))
        return false;
    *list = r->list;
    *problem = r->list ? NULL : gai_strerror(r->problem);
    return true;
}

void emqxi_resolver_free(emqxi_resolver *r)
{
    if (r)
        leave(r);
}
