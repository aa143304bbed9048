/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "tls_cut.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* What is to go out: moves as much as may to the client. False: that was all. */
static bool move_out(BIO *from, int fd, size_t *left)
{
    char data[4096];
    int n;
    while (*left > 0 && (n = BIO_read(from, data, sizeof data)) > 0) {
        size_t most = (size_t)n < *left ? (size_t)n : *left;
        if (write(fd, data, most) != (ssize_t)most)
            return false;
        *left -= most;
    }
    return *left > 0;
}

static bool move_in(int fd, BIO *to)
{
    char data[4096];
    ssize_t n = read(fd, data, sizeof data);
    return n > 0 && BIO_write(to, data, (int)n) == n;
}

/* In memory, with a client that asks for nothing else. */
static size_t whole_handshake(SSL_CTX *tls)
{
    SSL_CTX *other = SSL_CTX_new(TLS_client_method());
    SSL *server = SSL_new(tls), *client = SSL_new(other);
    BIO *ours, *theirs;
    SSL_CTX_set_security_level(other, 0);
    if (BIO_new_bio_pair(&ours, 65536, &theirs, 65536) != 1)
        abort();
    SSL_set_bio(server, ours, ours);
    SSL_set_bio(client, theirs, theirs);
    for (int i = 0; i < 10; i++) {
        SSL_connect(client);
        SSL_accept(server);
    }
    size_t sent = BIO_number_written(ours);
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(other);
    return sent;
}

void tls_cut_prepare(SSL_CTX *tls)
{
    SSL_CTX_set_num_tickets(tls, 0);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
}

void tls_cut(int fd, SSL_CTX *tls, unsigned thousandths)
{
    size_t left = whole_handshake(tls) * thousandths / 1000;
    SSL *ssl = SSL_new(tls);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    while (SSL_accept(ssl) != 1 && move_out(out, fd, &left) && move_in(fd, in))
        ;
    move_out(out, fd, &left);
    SSL_free(ssl);
}
