/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/tls_socket.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static int moved(BIO *bio, ssize_t n, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int receive_bytes(BIO *bio, char *to, int len)
{
    const int *fd = BIO_get_data(bio);
    return moved(bio, recv(*fd, to, (size_t)len, 0), BIO_FLAGS_READ);
}

static int send_bytes(BIO *bio, const char *from, int len)
{
    const int *fd = BIO_get_data(bio);
    return moved(bio, send(*fd, from, (size_t)len, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

bool emqxi_tls_use_socket(SSL *ssl, const int *fd, BIO_METHOD **method)
{
    BIO_METHOD *m = *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "emqxtls");
    BIO *bio = m && BIO_meth_set_read(m, receive_bytes) == 1 &&
                       BIO_meth_set_write(m, send_bytes) == 1 && BIO_meth_set_ctrl(m, control) == 1
                   ? BIO_new(m)
                   : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, (void *)(uintptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}
