/* SPDX-License-Identifier: MIT */
#include "emulator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

void emulator_stop(struct emulator *e)
{
    eventfd_write(e->stop_fd, 1);
}

/* A listening socket on loopback; `port` becomes the one that it got. -1: told on stderr. */
static int listen_on(const char *address, int64_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t size = sizeof at;
    int on = 1;
    if (inet_pton(AF_INET, address, &at.v4.sin_addr) == 1) {
        at.v4.sin_family = AF_INET;
        at.v4.sin_port = htons((uint16_t)*port);
        size = sizeof at.v4;
    } else if (inet_pton(AF_INET6, address, &at.v6.sin6_addr) == 1) {
        at.v6.sin6_family = AF_INET6;
        at.v6.sin6_port = htons((uint16_t)*port);
        size = sizeof at.v6;
    }
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
        !bind(fd, &at.any, size) && !listen(fd, 1024) && !getsockname(fd, &at.any, &size)) {
        *port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
        return fd;
    }
    fprintf(stderr, "emqxtls-emulator: can't listen on %s port %lld: %s\n", address,
            (long long)*port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool write_ready_file(const struct settings *s, const char *endpoint, const char *control)
{
    char fresh[4096];
    if (!s->ready_file)
        return true;
    snprintf(fresh, sizeof fresh, "%s.new", s->ready_file);
    FILE *file = fopen(fresh, "w");
    bool done = file;
    if (file) {
        fprintf(file, "EMQXCLOUD_PLATFORM_ENDPOINT=%s\nEMULATOR_CONTROL=%s\nEMULATOR_PID=%d\n",
                endpoint, control, (int)getpid());
        if (s->tls_dir)
            fprintf(file, "EMULATOR_CA=%s/ca.pem\n", s->tls_dir);
        done = !fclose(file) && !rename(fresh, s->ready_file);
    }
    if (!done)
        fprintf(stderr, "emqxtls-emulator: can't write %s: %s\n", s->ready_file, strerror(errno));
    return done;
}

static bool announce(const struct settings *s)
{
    char host[64], endpoint[512], control[128];
    snprintf(host, sizeof host, strchr(s->address, ':') ? "[%s]" : "%s", s->address);
    snprintf(endpoint, sizeof endpoint, "%s://%s:%lld%s", s->http ? "http" : "https", host,
             (long long)s->port, s->base_path);
    snprintf(control, sizeof control, "http://%s:%lld", host, (long long)s->control_port);
    if (!write_ready_file(s, endpoint, control))
        return false;
    printf("listening %s\ncontrol %s\n", endpoint, control);
    fflush(stdout);
    return true;
}

static void serve(struct emulator *e, int listener, int control, int signals)
{
    int64_t end = real_ms() + e->settings.lifetime;
    struct pollfd fds[4] = {{.fd = e->stop_fd, .events = POLLIN},
                            {.fd = signals, .events = POLLIN},
                            {.fd = listener, .events = POLLIN},
                            {.fd = control, .events = POLLIN}};
    for (;;) {
        int64_t left = end - real_ms();
        if (left <= 0 || (poll(fds, 4, (int)left) < 0 && errno != EINTR) || fds[0].revents ||
            fds[1].revents)
            return;
        for (int i = 2; i < 4; i++) {
            int fd =
                fds[i].revents ? accept4(fds[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
            if (fd >= 0)
                connection_start(e, fd, i == 3);
            else if (fds[i].revents && (errno == EMFILE || errno == ENFILE))
                poll(NULL, 0, 10); /* until a connection has ended */
        }
    }
}

/* Ends all connections and waits for their threads. */
static void finish(struct emulator *e)
{
    emulator_stop(e);
    pthread_mutex_lock(&e->lock);
    while (e->open)
        pthread_cond_wait(&e->idle, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

static bool set_up(struct emulator *e)
{
    const struct settings *s = &e->settings;
    e->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e->platform = platform_new(s);
    e->faults = faults_new();
    e->tls = s->http ? NULL : tls_context(s);
    e->log = log_open(s->log);
    if (e->stop_fd < 0 || !e->platform || !e->faults || !e->log || (!s->http && !e->tls))
        return false;
    for (char **fault = s->faults; *fault; fault++) {
        char *wrong = faults_add(e->faults, *fault, strlen(*fault));
        if (!wrong)
            continue;
        fprintf(stderr, "emqxtls-emulator: --fault %s: %s\n", *fault, wrong);
        free(wrong);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct emulator e = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .idle = PTHREAD_COND_INITIALIZER};
    int listener = -1, control = -1, signals, result = 1;
    sigset_t mask;
    options_read(&e.settings, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (set_up(&e) && signals >= 0 &&
        (listener = listen_on(e.settings.address, &e.settings.port)) >= 0 &&
        (control = listen_on(e.settings.address, &e.settings.control_port)) >= 0 &&
        announce(&e.settings)) {
        serve(&e, listener, control, signals);
        finish(&e);
        result = 0;
    }
    if (listener >= 0)
        close(listener);
    if (control >= 0)
        close(control);
    close(signals);
    close(e.stop_fd);
    log_close(e.log);
    faults_free(e.faults);
    platform_free(e.platform);
    SSL_CTX_free(e.tls);
    options_free(&e.settings);
    return result;
}
