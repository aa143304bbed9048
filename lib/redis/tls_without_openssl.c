/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "redis/tls.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

const bool emqxi_tls_available = false;

emqxi_tls *emqxi_tls_new(const emqxi_redis_url *url, const int *fd, const char **problem)
{
    *problem = "needs TLS, which this build lacks";
    return NULL;
}

void emqxi_tls_free(emqxi_tls *t)
{
}

ssize_t emqxi_tls_step(emqxi_tls *t, enum emqxi_tls_step step, void *data, size_t len,
                       short *events)
{
    return -1;
}

const char *emqxi_tls_problem(const emqxi_tls *t)
{
    return NULL;
}
