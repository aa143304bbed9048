/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * custom-transport DEPLOYMENT - the library on an HTTP stack of one's own, here a socket to a
 * TLS-terminating sidecar on loopback: a gateway that has no libcurl on board would do it like
 * this. The environment is that of status.c; the endpoint is http://127.0.0.1:PORT/PATH or
 * http://[::1]:PORT/PATH.
 *
 * A blocking transport is one function. What it must get right: keep the deadline, say NOT_SENT
 * only when it is certain, send a request once, take an answer only if it came whole (an empty one
 * means "no certificate"), and keep no copy of the body.
 *
 *     cc custom-transport.c $(pkg-config --cflags --libs emqxtls) -o custom-transport
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <emqxtls/emqxtls.h>

typedef struct request {
    char host[64], port[6];
    const char *path;
    int64_t deadline;
    char reply[32 * 1024];
    size_t reply_len;
} request;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* "http://HOST:PORT/PATH" or "http://[HOST]:PORT/PATH" */
static int split(const char *url, request *r)
{
    char open = 0;
    memset(r, 0, sizeof *r);
    if (sscanf(url, "http://%c", &open) == 1 && open == '[')
        sscanf(url, "http://[%63[^]]]:%5[0-9]", r->host, r->port);
    else
        sscanf(url, "http://%63[^:/]:%5[0-9]", r->host, r->port);
    r->path = strchr(url + strlen("http://"), '/');
    return r->host[0] && r->port[0] && r->path ? 0 : -1;
}

static int ready(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left = deadline - now_ms();
    return left > 0 && poll(&p, 1, (int)left) == 1 ? 0 : -1;
}

static int connect_to(const request *r, int64_t deadline)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
                    *a;
    int fd = -1, failed = 0;
    socklen_t len = sizeof failed;
    if (getaddrinfo(r->host, r->port, &hints, &a) != 0)
        return -1;
    fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : connect(fd, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(a);
    if (rc != 0 && (fd < 0 || errno != EINPROGRESS || ready(fd, POLLOUT, deadline) != 0 ||
                    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 || failed)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int send_all(int fd, const char *data, size_t len, int64_t deadline)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n < 0 && ready(fd, POLLOUT, deadline) != 0)
            return -1;
        data += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* HTTP/1.0: no chunks, and the answer ends where the connection does. The body goes out from where
 * the library has it. */
static int exchange(int fd, const emqx_tls_exchange *x, request *r)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %zu\r\n",
                     x->method, r->path, r->host, x->body_len);
    if (n < 0 || (size_t)n >= sizeof line || send_all(fd, line, (size_t)n, r->deadline) != 0)
        return -1;
    for (size_t i = 0; x->headers[i]; i++)
        if (send_all(fd, x->headers[i], strlen(x->headers[i]), r->deadline) != 0 ||
            send_all(fd, "\r\n", 2, r->deadline) != 0)
            return -1;
    if (send_all(fd, "\r\n", 2, r->deadline) != 0 ||
        send_all(fd, x->body, x->body_len, r->deadline) != 0)
        return -1;
    while (r->reply_len < sizeof r->reply - 1) {
        ssize_t got = recv(fd, r->reply + r->reply_len, sizeof r->reply - 1 - r->reply_len, 0);
        if (got == 0)
            return 0;
        if (got > 0)
            r->reply_len += (size_t)got;
        else if ((errno != EAGAIN && errno != EINTR) || ready(fd, POLLIN, r->deadline) != 0)
            return -1;
    }
    return 0;
}

/* The value of a header, cut out of `head` in place; NULL: it is not there. Call once for each
 * name. */
static const char *header(char *head, const char *name)
{
    size_t len = strlen(name);
    for (char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        char *value = line + len + 1 + strspn(line + len + 1, " \t");
        return value;
    }
    return NULL;
}

static char *copy_line(const char *value)
{
    return value ? strndup(value, strcspn(value, "\r\n")) : NULL;
}

static void answer(const emqx_tls_exchange *x, request *r, emqx_tls_reply *reply)
{
    char *end = strstr(r->reply, "\r\n\r\n");
    reply->delivery = EMQX_TLS_DELIVERY_ANSWERED;
    if (!end || sscanf(r->reply, "HTTP/1.%*d %3d", &reply->http_status) != 1) {
        reply->code = EMQX_TLS_E_PROTOCOL;
        reply->detail = "the sidecar's answer is not HTTP";
        return;
    }
    *end = '\0';
    reply->body = end + 4;
    reply->body_len = r->reply_len - (size_t)(end + 4 - r->reply);
    const char *told = header(r->reply, "Content-Length");
    if (reply->body_len > x->reply_max) {
        reply->code = EMQX_TLS_E_PROTOCOL;
    } else if (told && strtoull(told, NULL, 10) != reply->body_len) {
        reply->code = EMQX_TLS_E_TRANSPORT;
        reply->detail = "the answer did not come whole";
    }
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    (void)context;
    emqx_tls_reply reply = {.size = sizeof reply, .code = EMQX_TLS_E_TRANSPORT};
    char *date = NULL, *retry_after = NULL;
    request *r = malloc(sizeof *r);
    *handle = NULL;
    if (!r || split(x->url, r) != 0) {
        free(r);
        /* nothing was sent, and `done` is not called */
        return r ? EMQX_TLS_E_TRANSPORT : EMQX_TLS_E_NO_MEMORY;
    }
    r->deadline = now_ms() + x->timeout_ms;
    int fd = connect_to(r, now_ms() + (x->connect_timeout_ms < x->timeout_ms ? x->connect_timeout_ms
                                                                             : x->timeout_ms));
    if (fd < 0) {
        reply.delivery = EMQX_TLS_DELIVERY_NOT_SENT; /* certain: there was no connection */
        reply.detail = "the sidecar does not take the connection";
    } else if (exchange(fd, x, r) != 0) {
        reply.delivery = EMQX_TLS_DELIVERY_MAYBE; /* some of it may have left */
        if (now_ms() >= r->deadline)
            reply.code = EMQX_TLS_E_TIMEOUT;
    } else {
        r->reply[r->reply_len] = '\0';
        reply.code = EMQX_TLS_OK;
        answer(x, r, &reply);
        reply.retry_after = retry_after = copy_line(header(r->reply, "Retry-After"));
        reply.date = date = copy_line(header(r->reply, "Date"));
    }
    if (fd >= 0)
        close(fd);
    x->done(x->done_user, &reply);
    free(retry_after);
    free(date);
    explicit_bzero(r->reply, r->reply_len); /* an error's body may echo the request */
    free(r);
    return EMQX_TLS_OK;
}

int main(int argc, char **argv)
{
    emqx_tls_config config;
    emqx_tls_transport transport;
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_error error;

    if (argc != 2) {
        fprintf(stderr, "usage: custom-transport DEPLOYMENT\n");
        return 2;
    }
    emqx_tls_transport_init(&transport);
    transport.start = start;
    emqx_tls_config_init(&config);
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    config.transport = &transport;
    config.flags = EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
    if (code == EMQX_TLS_OK)
        code = emqx_tls_get(client, argv[1], &status, &error);
    emqx_tls_client_free(client);
    if (code != EMQX_TLS_OK)
        fprintf(stderr, "%s: %s (%s)\n", argv[1], error.message, emqx_tls_code_name(code));
    else
        printf("%s: %s\n", argv[1],
               status.state == EMQX_TLS_STATE_ABSENT ? "no certificate" : status.state_text);
    return code == EMQX_TLS_OK ? 0 : 1;
}
