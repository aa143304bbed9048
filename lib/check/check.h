/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * check - PEM and X.509: what the platform would refuse. One report and one rule table; x509.c
 * or check_without_openssl.c fill it.
 */
#ifndef EMQXI_CHECK_H
#define EMQXI_CHECK_H

#include "base/base.h"
#include "check/identity.h"

#include <emqxtls/check.h>

/* A request whose parts were rewritten as canonical PEM: only the blocks, LF, 64 columns, no text
 * between. Before them `memory` has room for what a body needs besides, so that it can be encoded in
 * place. Holds a copy of the private key: free it with emqxi_canonical_free, which wipes. */
typedef struct emqxi_canonical {
    emqx_tls_request request; /* points into `memory` */
    emqxi_identity identity;
    char *memory;
    size_t memory_len;
} emqxi_canonical;

/* What the check says of a request that may be in place already. */
typedef struct emqxi_advice {
    bool barred;       /* the policy refuses to write it */
    char refusal[256]; /* why */
    uint32_t count;    /* of all findings */
    char first[256];   /* the text of the first */
} emqxi_advice;

/* Checks and, where nothing is refused, makes the canonical form. `advice` NULL: what the policy
 * refuses is refused; else it bars, and there is an identity alone. OK, CHECK (message: the first
 * refusal), INVALID, NO_MEMORY. */
emqx_tls_code emqxi_check_canonical(const emqx_tls_allocator *a, const emqx_tls_request *request,
                                    const emqx_tls_policy *policy, int64_t now_s,
                                    emqxi_canonical *out, emqxi_advice *advice, emqxi_error *error);
void emqxi_canonical_free(const emqx_tls_allocator *a, emqxi_canonical *canonical);

#endif
