/* SPDX-License-Identifier: MIT
 *
 * answer - what an exchange brought, and how the caller is told of it when that is no success.
 */
#ifndef EMQXI_ANSWER_H
#define EMQXI_ANSWER_H

#include "base/base.h"

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

/* Each sets code and message. */

/* An answer with another status than 2xx: by the error's http_status, api_code, retry_after_ms. */
void emqxi_answer_refused(emqxi_error *e, uint32_t op, const char *deployment_id);

/* A success whose body can't be read: the error is set, this adds what it means after a write. */
void emqxi_answer_unreadable(emqxi_error *e, uint32_t op);

/* No answer, or none that is HTTP. */
void emqxi_answer_missing(emqxi_error *e, uint32_t op, const char *host, const emqxi_answer *a);

#endif
