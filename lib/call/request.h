/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#ifndef EMQXI_REQUEST_H
#define EMQXI_REQUEST_H

#include "call/client.h"
#include "check/check.h"

/* What ensure wants to know of a request, which may be in place already. */
typedef struct emqxi_wanted {
    emqxi_identity identity;
    emqxi_advice advice;
} emqxi_wanted;

/* Checks a request as the client is set up to and encodes its body, to be freed with
 * emqxi_wipe_free. With `wanted`, what the policy alone refuses has no body, but is OK. INVALID,
 * CHECK, NO_MEMORY: no body. */
emqx_tls_code emqxi_request_body(emqx_tls_client *client, const emqx_tls_request *request,
                                 const emqx_tls_policy *policy, char **body, size_t *body_len,
                                 emqxi_wanted *wanted, emqxi_error *error);

/* Seconds since 1970 by the client's clock. */
int64_t emqxi_wall_s(const emqx_tls_client *client);

#endif
