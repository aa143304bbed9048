/* SPDX-License-Identifier: MIT
 *
 * What is told of an answer that is no success, or of one that did not come: code and message.
 */
#ifndef EMQXI_ANSWER_H
#define EMQXI_ANSWER_H

#include "base/base.h"

/* An answer with another status than 2xx: sets code and message by the error's http_status,
 * api_code and retry_after_ms. */
void emqxi_answer_refused(emqxi_error *e, uint32_t op, const char *deployment_id);

/* A success whose body can't be read: the error is set, this adds what it means after a write. */
void emqxi_answer_unreadable(emqxi_error *e, uint32_t op);

/* No answer, or none that is HTTP: sets code and message by what the transport said and the error's
 * delivery. `detail` may be NULL. */
void emqxi_answer_missing(emqxi_error *e, uint32_t op, const char *host, emqx_tls_code code,
                          const char *detail);

#endif
