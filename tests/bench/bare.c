/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The floor: a TLS connection of OpenSSL's, one request written and one answer read, nothing else
 * done.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

typedef struct connection {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    char host[64], path[64];
} connection;

static void *open_connection(const target *t)
{
    connection *c = calloc(1, sizeof *c);
    struct sockaddr_in to = {.sin_family = AF_INET};
    int port, one = 1;
    if (sscanf(t->endpoint, "https://%63[0-9.]:%d%63s", c->host, &port, c->path) != 3)
        bench_fail("endpoint %s is not https://ADDRESS:PORT/PATH", t->endpoint);
    to.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, c->host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(c->context, t->ca_file) != 1 ||
        connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        bench_fail("no connection to %s", t->endpoint);
    c->ssl = SSL_new(c->context);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_connect(c->ssl) != 1)
        bench_fail("no TLS connection to %s", t->endpoint);
    return c;
}

static void get(void *self, const char *deployment)
{
    connection *c = self;
    char request[512], answer[4096];
    size_t used = 0, whole = 0;
    int n = snprintf(request, sizeof request,
                     "GET %s/deployments/%s/tls HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic "
                     "a2V5LW9mLXRoZS1iZW5jaG1hcms6c2VjcmV0LW9mLXRoZS1iZW5jaG1hcms=\r\nAccept: "
                     "application/json\r\n\r\n",
                     c->path, deployment, c->host);
    if (SSL_write(c->ssl, request, n) != n)
        bench_fail("the request could not be written");
    while (used == 0 || used < whole) {
        int got = SSL_read(c->ssl, answer + used, (int)(sizeof answer - 1 - used));
        if (got <= 0)
            bench_fail("the answer could not be read");
        used += (size_t)got;
        answer[used] = '\0';
        char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (end && length)
            whole = (size_t)(end + 4 - answer) + (size_t)atoi(length + 16);
    }
}

static void close_connection(void *self)
{
    connection *c = self;
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    close(c->fd);
    free(c);
}

const subject bare = {
    .name = "bare OpenSSL", .open = open_connection, .get = get, .close = close_connection};
