/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#ifndef EMQXI_TLS_SOCKET_H
#define EMQXI_TLS_SOCKET_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* Lets an SSL send and receive on the socket *fd, whichever it is by then. OpenSSL's own BIO can't
 * keep SIGPIPE away. *method is to be given to BIO_meth_free when the SSL was freed. False: no
 * memory. */
bool emqxi_tls_use_socket(SSL *ssl, const int *fd, BIO_METHOD **method);

#endif
