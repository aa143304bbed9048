/* SPDX-License-Identifier: MIT
 *
 * exchange - what goes to the transport, and what comes from it, put right.
 */
#ifndef EMQXI_EXCHANGE_H
#define EMQXI_EXCHANGE_H

#include "call/answer.h"
#include "call/client.h"

/* Sets up all of an exchange but its time and `done`. */
void emqxi_exchange_init(emqx_tls_exchange *x, const emqx_tls_client *client, uint32_t op,
                         const char *url, const char *body, size_t body_len);

/* False: nothing was sent, *answer says why, and `done` is not called. */
bool emqxi_exchange_start(emqx_tls_client *client, emqx_tls_exchange *x, int64_t timeout_ms,
                          void **handle, emqxi_answer *answer);

/* Takes it back from the transport: a time-out, with how far it had come. */
emqxi_answer emqxi_exchange_withdraw(emqx_tls_client *client, void *handle);

/* What a reply says, which anybody's transport may have made. */
emqxi_answer emqxi_exchange_read(const emqx_tls_reply *reply, bool is_delete);

#endif
