/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * wire - request and reply as bytes. No I/O, no clock; what can be fuzzed byte for byte.
 */
#ifndef EMQXI_WIRE_H
#define EMQXI_WIRE_H

#include "base/base.h"

#include <emqxtls/values.h>

#define EMQXI_REPLY_MAX 16384
#define EMQXI_ID_MAX    128

/* -- where to (url.c, auth.c) */

/* The endpoint, checked: https, or http to a loopback address if `flags` (of emqx_tls_config) allow
 * it. */
typedef struct emqxi_endpoint {
    char *base; /* scheme, host, port and path without a trailing slash; of the allocator */
    char *host; /* for the log */
    bool loopback_http;
} emqxi_endpoint;

emqx_tls_code emqxi_endpoint_parse(const emqx_tls_allocator *a, const char *endpoint,
                                   uint32_t flags, emqxi_endpoint *out, emqxi_error *error);
void emqxi_endpoint_free(const emqx_tls_allocator *a, emqxi_endpoint *endpoint);

/* What is wrong with a deployment ID (NULL included), as the end of "deployment_id ..."; NULL if
 * nothing is. */
const char *emqxi_deployment_id_problem(const char *id);

/* BASE/deployments/ID/tls, the ID percent-encoded: its bytes with the NUL, and the writing of
 * it. */
size_t emqxi_url_size(const char *base, const char *deployment_id);
void emqxi_url(const char *base, const char *deployment_id, char *to);

/* "Authorization: Basic ...", to be wiped (strlen + 1 bytes). NULL: no memory. */
char *emqxi_basic_auth(const emqx_tls_allocator *a, const char *key, const char *secret);

/* -- request body (encode.c) */

/* Bytes of the body; then writes exactly that many. Parts of length 0 are left out. The PEM is
 * valid UTF-8. A request that is in order, and stands so far behind `to` as the body has more bytes
 * than it, is encoded in place. */
size_t emqxi_encode_size(const emqx_tls_request *request);
void emqxi_encode(const emqx_tls_request *request, char *to);

/* What stands between the quotes of a JSON string: its length, at most 6 times the text's; `to` may
 * be NULL. */
size_t emqxi_encode_text(const char *text, size_t len, char *to);

/* -- reply (decode.c, api_code.c, expire.c) */

/* Decodes the body of a success. OK, or PROTOCOL with a message in `error`; NO_MEMORY. But for OK,
 * *status is empty. */
emqx_tls_code emqxi_decode_status(const char *body, size_t len, emqx_tls_status *status,
                                  emqxi_error *error);

/* The `code` of an error body, if it is short and of [A-Za-z0-9._:-]; else "". */
void emqxi_api_code(const char *body, size_t len, char to[64]);

/* "2034-05-22 02:43:21" or "2030-01-01"; false: no such date. */
bool emqxi_expire_parse(const char *text, int64_t *seconds);

/* Retry-After: seconds, or an HTTP date read against the reply's Date (NULL: none). Milliseconds,
 * or one of these, as a store's settle takes them: absent; there, but no value that can be read, or
 * one in the past. */
#define EMQXI_RETRY_NONE        (-1)
#define EMQXI_RETRY_IMPLAUSIBLE (-2)
int64_t emqxi_retry_after(const char *value, const char *date);

#endif
