/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * tls - TLS to the server that the URL names, and to no other, on a socket that does not block.
 */
#ifndef EMQXI_REDIS_TLS_H
#define EMQXI_REDIS_TLS_H

#include <sys/types.h>

#include "redis/url.h"

typedef struct emqxi_tls emqxi_tls;

extern const bool emqxi_tls_available;

/* On the socket *fd. NULL: *problem tells; "": no memory. */
emqxi_tls *emqxi_tls_new(const emqxi_redis_url *url, const int *fd, const char **problem);
void emqxi_tls_free(emqxi_tls *t);

enum emqxi_tls_step { EMQXI_TLS_HANDSHAKE, EMQXI_TLS_READ, EMQXI_TLS_WRITE };

/* As recv and send; a handshake that is done gives 1. Where errno is EAGAIN *events says what to
 * wait for. */
ssize_t emqxi_tls_step(emqxi_tls *t, enum emqxi_tls_step step, void *data, size_t len,
                       short *events);

/* Why the last step has failed, said of the server. NULL: the connection was lost. */
const char *emqxi_tls_problem(const emqxi_tls *t);

#endif
