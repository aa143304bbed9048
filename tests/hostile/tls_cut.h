/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A server's side of a handshake of which only a part goes out.
 */
#ifndef HOSTILE_TLS_CUT_H
#define HOSTILE_TLS_CUT_H

#include <openssl/ssl.h>

/* No tickets, which come behind the handshake. */
void tls_cut_prepare(SSL_CTX *tls);

/* So many thousandths of what a whole handshake sends. */
void tls_cut(int fd, SSL_CTX *tls, unsigned thousandths);

#endif
