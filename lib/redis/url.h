/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#ifndef EMQXI_REDIS_URL_H
#define EMQXI_REDIS_URL_H

#include "base/base.h"

/* A Redis address, taken apart. Points into `memory`, which holds the password:
 * emqxi_redis_url_free wipes. What is NULL was not given. */
typedef struct emqxi_redis_url {
    char *memory;
    size_t memory_len;
    bool tls;
    const char *path; /* of a unix socket */
    const char *host;
    int port;
    const char *user, *password;
    int database;
    /* with TLS: a file or folder of CA certificates; files of our own certificate and its key */
    const char *ca, *cert, *key;
} emqxi_redis_url;

/* INVALID: the message names the fault, never the password. NO_MEMORY. */
emqx_tls_code emqxi_redis_url_parse(const emqx_tls_allocator *a, const char *text,
                                    emqxi_redis_url *url, emqx_tls_error *error);
void emqxi_redis_url_free(const emqx_tls_allocator *a, emqxi_redis_url *url);

#endif
