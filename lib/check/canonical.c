/* SPDX-License-Identifier: MIT
 *
 * The request as it is, until the check itself is here.
 */
#include "check/check.h"

#include <string.h>

emqx_tls_code emqxi_check_canonical(const emqx_tls_allocator *a, const emqx_tls_request *request,
                                    const emqx_tls_policy *policy, int64_t now_s, emqxi_canonical *out,
                                    emqx_tls_error *error)
{
    (void)policy;
    (void)now_s;
    (void)a;
    (void)error;
    out->request = *request;
    out->memory = NULL;
    out->memory_len = 0;
    return EMQX_TLS_OK;
}

void emqxi_canonical_free(const emqx_tls_allocator *a, emqxi_canonical *canonical)
{
    emqxi_wipe_free(a, canonical->memory, canonical->memory_len);
}
