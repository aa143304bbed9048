/* SPDX-License-Identifier: MIT
 *
 * Without OpenSSL nothing is known of certificates.
 */
#include "check/identity.h"

void emqxi_identity_of(const emqx_tls_request *request, emqxi_identity *identity)
{
    *identity = (emqxi_identity){.type = request->type};
}

void emqxi_identity_of_leaf(const char *pem, size_t len, emqxi_identity *identity)
{
    (void)pem;
    (void)len;
    *identity = (emqxi_identity){0};
}
