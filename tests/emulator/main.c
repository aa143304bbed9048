/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "emulator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
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
    pthread_mutex_lock(&e->lock);
    e->stopped = true;
    pthread_cond_broadcast(&e->released);
    pthread_mutex_unlock(&e->lock);
}

void emulator_release(struct emulator *e)
{
    e->releases++;
    pthread_cond_broadcast(&e->released);
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
            fprintf(file, "EMQXTLS_CA_FILE=%s/ca.pem\n", s->tls_dir);
        done = !fclose(file) && !rename(fresh, s->ready_file);
    }
    if (!done)
        fprintf(stderr, "emqxtls-emulator: can't write %s: %s\n", s->ready_file, strerror(errno));
    return done;
}

/* Tells its addresses: to the program that it runs, or to whoever started it. 0, or the exit status
 * of a failure. */
static int announce(struct settings *s, pid_t *program)
{
    char host[64], endpoint[512], control[128];
    snprintf(host, sizeof host, strchr(s->address, ':') ? "[%s]" : "%s", s->address);
    snprintf(endpoint, sizeof endpoint, "%s://%s:%lld%s", s->http ? "http" : "https", host,
             (long long)s->port, s->base_path);
    snprintf(control, sizeof control, "http://%s:%lld", host, (long long)s->control_port);
    if (!write_ready_file(s, endpoint, control))
        return 1;
    if (s->program)
        return program_start(s, endpoint, control, program);
    printf("listening %s\ncontrol %s\n", endpoint, control);
    fflush(stdout);
    return 0;
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
        int timeout = left < INT_MAX ? (int)left : INT_MAX;
        if (left <= 0 || (poll(fds, 4, timeout) < 0 && errno != EINTR) || fds[0].revents ||
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

/* With a program its end ends the emulator, and Ctrl-C is the program's to obey. */
static int watch_signals(const struct settings *s)
{
    struct sigaction child = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
    sigset_t blocked, watched;
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGCHLD, &child, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGCHLD);
    watched = blocked;
    sigaddset(&blocked, SIGINT);
    if (!s->program)
        sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    return signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    static struct emulator e = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .idle = PTHREAD_COND_INITIALIZER,
                                .released = PTHREAD_COND_INITIALIZER};
    int listener = -1, control = -1, signals, result = 1;
    pid_t program = 0;
    options_read(&e.settings, argc, argv);
    signals = watch_signals(&e.settings);
    if ((!e.settings.program || program_prepare(&e.settings)) && set_up(&e) && signals >= 0 &&
        (listener = listen_on(e.settings.address, &e.settings.port)) >= 0 &&
        (control = listen_on(e.settings.address, &e.settings.control_port)) >= 0 &&
        !(result = announce(&e.settings, &program))) {
        serve(&e, listener, control, signals);
        finish(&e);
        result = program ? program_end(&e.settings, program) : 0;
    } else {
        program_forget(&e.settings);
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
