/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "emulator.h"

#include <errno.h>
#include <poll.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* False: deadline or stop. */
static bool ready(struct stream *s, short events, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = s->fd, .events = events}, {.fd = s->stop_fd, .events = POLLIN}};
    for (;;) {
        int64_t left = deadline - real_ms();
        int n = poll(fds, 2, left < 0 ? 0 : (int)left);
        if (n < 0 && errno == EINTR)
            continue;
        return n > 0 && !fds[1].revents;
    }
}

/* What a TLS call that returned `r` waits for; 0: it failed. */
static short tls_wants(struct stream *s, int r)
{
    switch (SSL_get_error(s->ssl, r)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        ERR_clear_error();
        return 0;
    }
}

bool stream_handshake(struct stream *s, SSL_CTX *context, int64_t deadline)
{
    s->ssl = SSL_new(context);
    if (!s->ssl || !SSL_set_fd(s->ssl, s->fd))
        return false;
    for (;;) {
        int r = SSL_accept(s->ssl);
        if (r == 1)
            return true;
        short events = tls_wants(s, r);
        if (!events || !ready(s, events, deadline))
            return false;
    }
}

/* Bytes now in the buffer: more than 0, else end, error, deadline or stop. */
static size_t fill(struct stream *s, int64_t deadline)
{
    while (s->start == s->end) {
        short events = POLLIN;
        int n;
        if (s->ssl) {
            n = SSL_read(s->ssl, s->in, sizeof s->in);
            if (n <= 0)
                events = tls_wants(s, n);
        } else {
            n = (int)recv(s->fd, s->in, sizeof s->in, 0);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                events = 0;
        }
        if (n > 0) {
            s->start = 0;
            s->end = (size_t)n;
        } else if (!events || !ready(s, events, deadline)) {
            break;
        }
    }
    return s->end - s->start;
}

bool stream_waiting(struct stream *s, int64_t deadline)
{
    unsigned char byte;
    if (s->end > s->start)
        return true;
    /* Only looked at: what the program has not taken off the socket makes the kernel say RST when
     * it is closed. */
    for (;;) {
        short events = POLLIN;
        int n;
        if (s->ssl) {
            n = SSL_peek(s->ssl, &byte, 1);
            if (n <= 0)
                events = tls_wants(s, n);
        } else {
            n = (int)recv(s->fd, &byte, 1, MSG_PEEK);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                events = 0;
        }
        if (n > 0)
            return true;
        if (!events || !ready(s, events, deadline))
            return false;
    }
}

int stream_getc(struct stream *s, int64_t deadline)
{
    return fill(s, deadline) ? s->in[s->start++] : -1;
}

bool stream_read(struct stream *s, void *to, size_t n, int64_t deadline)
{
    unsigned char *p = to;
    while (n) {
        size_t part = fill(s, deadline);
        if (!part)
            return false;
        part = part < n ? part : n;
        memcpy(p, s->in + s->start, part);
        s->start += part;
        p += part;
        n -= part;
    }
    return true;
}

bool stream_write(struct stream *s, const void *from, size_t n, int64_t deadline)
{
    const unsigned char *p = from;
    while (n) {
        short events = POLLOUT;
        ssize_t done;
        if (s->ssl) {
            done = SSL_write(s->ssl, p, (int)n);
            if (done <= 0)
                events = tls_wants(s, (int)done);
        } else {
            done = send(s->fd, p, n, MSG_NOSIGNAL);
            if (done < 0 && errno != EAGAIN && errno != EINTR)
                events = 0;
        }
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        } else if (!events || !ready(s, events, deadline)) {
            return false;
        }
    }
    return true;
}

void stream_sleep(struct stream *s, int64_t ms)
{
    if (ms > 0)
        ready(s, POLLRDHUP, real_ms() + ms);
}

void stream_close(struct stream *s, enum stream_end end)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (end == END_RESET)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    else if (end == END_CLOSE && s->ssl && SSL_is_init_finished(s->ssl))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
    SSL_free(s->ssl);
    OPENSSL_cleanse(s->in, sizeof s->in);
    close(s->fd);
}
