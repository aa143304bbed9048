/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef LOOPBACK_TLS
#include <openssl/ssl.h>
#endif

#define CONNECTIONS_MAX 512
#define REQUESTS_MAX    4096
#define REQUEST_ROOM    (256 * 1024)

struct loopback_connection {
    loopback *server;
    int fd;
    pthread_t thread;
    void *ssl;
};

struct loopback {
    loopback_options options;
    int listener, port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t closed, released;
    bool stopping, releasing;
    size_t open_count;
    loopback_connection *connections[CONNECTIONS_MAX];
    size_t connection_count;
    char *requests[REQUESTS_MAX];
    size_t request_count, answer_at, answer_count;
};

/* -- bytes ------------------------------------------------------------------------------------- */

static ssize_t receive(loopback_connection *c, void *to, size_t n)
{
#ifdef LOOPBACK_TLS
    if (c->ssl)
        return SSL_read(c->ssl, to, (int)n);
#endif
    return recv(c->fd, to, n, 0);
}

bool loopback_read(loopback_connection *c, void *to, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = receive(c, (char *)to + at, n - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

bool loopback_write(loopback_connection *c, const void *from, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent;
#ifdef LOOPBACK_TLS
        if (c->ssl)
            sent = SSL_write(c->ssl, (const char *)from + at, (int)(n - at));
        else
#endif
            sent = send(c->fd, (const char *)from + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

/* -- requests ---------------------------------------------------------------------------------- */

void loopback_note(loopback_connection *c, const char *request)
{
    loopback *l = c->server;
    pthread_mutex_lock(&l->lock);
    if (l->request_count < REQUESTS_MAX)
        l->requests[l->request_count++] = strdup(request);
    pthread_mutex_unlock(&l->lock);
}

static loopback_answer next_answer(loopback *l)
{
    pthread_mutex_lock(&l->lock);
    size_t at = l->answer_at;
    l->answer_at += at + 1 < l->options.count;
    pthread_mutex_unlock(&l->lock);
    return l->options.answers[at];
}

/* Reads up to the blank line, then as many bytes as Content-Length says. */
static bool read_request(loopback_connection *c, char *to, loopback_answer *answer)
{
    size_t n = 0;
    while (n < 4 || memcmp(to + n - 4, "\r\n\r\n", 4) != 0)
        if (n + 1 >= REQUEST_ROOM || !loopback_read(c, to + n++, 1))
            return false;
    to[n] = '\0';
    *answer = next_answer(c->server);
    const char *length = strcasestr(to, "\r\nContent-Length:");
    size_t body = length && !answer->head_only ? strtoul(length + 17, NULL, 10) : 0;
    if (n + body >= REQUEST_ROOM || !loopback_read(c, to + n, body))
        return false;
    to[n + body] = '\0';
    return true;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void wait_for_release(loopback *l)
{
    pthread_mutex_lock(&l->lock);
    while (!l->releasing && !l->stopping)
        pthread_cond_wait(&l->released, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void count_answer(loopback *l)
{
    pthread_mutex_lock(&l->lock);
    l->answer_count++;
    pthread_mutex_unlock(&l->lock);
}

void loopback_end(loopback_connection *c, int then)
{
    char rest;
#ifdef LOOPBACK_TLS
    if (then == CLOSE_NOTIFY && c->ssl)
        SSL_shutdown(c->ssl);
#endif
    if (then == RESET)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    while (then == STALL && loopback_read(c, &rest, 1))
        ;
}

int loopback_fd(const loopback_connection *c)
{
    return c->fd;
}

void *loopback_ssl(const loopback_connection *c)
{
    return c->ssl;
}

void *loopback_user(const loopback_connection *c)
{
    return c->server->options.user;
}

static void serve(loopback_connection *c)
{
    char *text = malloc(REQUEST_ROOM);
    loopback_answer a;
    while (text && read_request(c, text, &a)) {
        loopback_note(c, text);
        pause_ms(a.pause_ms);
        if (a.held)
            wait_for_release(c->server);
        if (a.text && !loopback_write(c, a.text, strlen(a.text)))
            break;
        count_answer(c->server);
        loopback_end(c, a.then);
        if (a.then != KEEP)
            break;
    }
    free(text);
}

/* -- connections ------------------------------------------------------------------------------- */

bool loopback_handshake(loopback_connection *c, void *tls)
{
#ifdef LOOPBACK_TLS
    c->ssl = SSL_new(tls);
    SSL_set_fd(c->ssl, c->fd);
    return SSL_accept(c->ssl) == 1;
#else
    (void)c, (void)tls;
    return false;
#endif
}

static void *connection_main(void *argument)
{
    loopback_connection *c = argument;
    loopback *l = c->server;
    bool ready = true;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    /* SSL_write may raise it here; the client's thread must not */
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    if (l->options.tls)
        ready = loopback_handshake(c, l->options.tls);
    if (ready && l->options.serve)
        l->options.serve(c);
    else if (ready)
        serve(c);
#ifdef LOOPBACK_TLS
    SSL_free(c->ssl);
#endif
    pthread_mutex_lock(&l->lock);
    close(c->fd);
    c->fd = -1;
    l->open_count--;
    pthread_cond_broadcast(&l->closed);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void *acceptor_main(void *argument)
{
    loopback *l = argument;
    for (int fd; (fd = accept(l->listener, NULL, NULL)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* no pause of 40 ms */
        pthread_mutex_lock(&l->lock);
        loopback_connection *c = calloc(1, sizeof *c);
        if (l->stopping || !c || l->connection_count == CONNECTIONS_MAX) {
            close(fd);
            free(c);
        } else {
            *c = (loopback_connection){.server = l, .fd = fd};
            l->connections[l->connection_count++] = c;
            l->open_count++;
            pthread_create(&c->thread, NULL, connection_main, c);
        }
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

loopback *loopback_start(const loopback_options *options)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    loopback *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->options = *options;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->closed, NULL);
    pthread_cond_init(&l->released, NULL);
    l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(l->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(l->listener, 512) < 0 ||
        getsockname(l->listener, (struct sockaddr *)&address, &len) < 0) {
        perror("loopback server");
        abort();
    }
    l->port = ntohs(address.sin_port);
    pthread_create(&l->acceptor, NULL, acceptor_main, l);
    return l;
}

int loopback_port(const loopback *l)
{
    return l->port;
}

static size_t count(loopback *l, const size_t *which)
{
    pthread_mutex_lock(&l->lock);
    size_t n = *which;
    pthread_mutex_unlock(&l->lock);
    return n;
}

size_t loopback_requests(loopback *l)
{
    return count(l, &l->request_count);
}

size_t loopback_connections(loopback *l)
{
    return count(l, &l->connection_count);
}

size_t loopback_answers(loopback *l)
{
    return count(l, &l->answer_count);
}

void loopback_release(loopback *l)
{
    pthread_mutex_lock(&l->lock);
    l->releasing = true;
    pthread_cond_broadcast(&l->released);
    pthread_mutex_unlock(&l->lock);
}

const char *loopback_request(loopback *l, size_t index)
{
    pthread_mutex_lock(&l->lock);
    const char *text = index < l->request_count ? l->requests[index] : "";
    pthread_mutex_unlock(&l->lock);
    return text;
}

void loopback_wait_open(loopback *l, size_t count)
{
    pthread_mutex_lock(&l->lock);
    while (l->open_count != count)
        pthread_cond_wait(&l->closed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

void loopback_stop(loopback *l)
{
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->released);
    for (size_t i = 0; i < l->connection_count; i++)
        if (l->connections[i]->fd >= 0)
            shutdown(l->connections[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&l->lock);
    shutdown(l->listener, SHUT_RDWR);
    pthread_join(l->acceptor, NULL);
    close(l->listener);
    for (size_t i = 0; i < l->connection_count; i++) {
        pthread_join(l->connections[i]->thread, NULL);
        free(l->connections[i]);
    }
    for (size_t i = 0; i < l->request_count; i++)
        free(l->requests[i]);
    pthread_cond_destroy(&l->closed);
    pthread_cond_destroy(&l->released);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
