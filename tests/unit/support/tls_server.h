/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a TLS server on loopback needs: a certificate of its own, made now.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <openssl/ssl.h>

typedef struct tls_server {
    SSL_CTX *tls;
    char ca_path[32]; /* the PEM that a client must trust */
} tls_server;

/* A certificate that signs itself, for `san` ("IP:127.0.0.1"), valid for an hour around now. */
void tls_server_make(tls_server *s, const char *san);

/* The same, valid from and until so many seconds from now. */
void tls_server_make_dated(tls_server *s, const char *san, long from, long until);

/* The server chooses HTTP/2 where a client offers it. */
void tls_server_offer_http2(tls_server *s);

void tls_server_free(tls_server *s);

#endif
