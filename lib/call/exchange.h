/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * exchange - what goes to the transport, what comes from it, and how the caller is told.
 */
#ifndef EMQXI_EXCHANGE_H
#define EMQXI_EXCHANGE_H

#include "base/base.h"
#include "wire/wire.h"

#include <emqxtls/client.h>

typedef struct emqxi_answer {
    emqx_tls_code code;     /* OK: of HTTP; else TRANSPORT, TIMEOUT, PROTOCOL or NO_MEMORY */
    int32_t status;         /* of HTTP, also where the answer is not whole; 0: none */
    uint32_t delivery;      /* EMQX_TLS_DELIVERY_* */
    bool permanent;         /* not of HTTP, and a repeat can't mend it */
    int64_t retry_after_ms; /* or EMQXI_RETRY_* */
    const char *body;       /* body and detail (or NULL) are the transport's */
    size_t body_len;
    const char *detail;
} emqxi_answer;

/* Sets up all of an exchange but its time and `done`. */
void emqxi_exchange_init(emqx_tls_exchange *x, const emqx_tls_client *client, uint32_t op,
                         const char *url, const char *body, size_t body_len);
/* False: nothing was sent, *answer says why, and `done` is not called. */
bool emqxi_exchange_start(emqx_tls_client *client, emqx_tls_exchange *x, int64_t timeout_ms,
                          void **handle, emqxi_answer *answer);
/* Takes it back from the transport: a time-out, with how far it had come. */
emqxi_answer emqxi_exchange_withdraw(emqx_tls_client *client, void *handle);
/* Makes sense of a reply, whatever transport it is from. */
emqxi_answer emqxi_exchange_read(const emqx_tls_reply *reply, bool is_delete);

/* -- answer.c: sets error and status; of a 429 error->retry_after_ms is set before */
void emqxi_answer_tell(const emqxi_answer *answer, uint32_t op, const char *deployment_id,
                       const emqxi_endpoint *endpoint, emqx_tls_status *status, emqxi_error *error);

#endif
