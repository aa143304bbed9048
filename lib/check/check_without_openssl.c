/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Without OpenSSL the check ends with the structure of the PEM, and nothing is known of
 * certificates.
 */
#include "check/rules.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

void emqxi_check_x509(emqxi_check *c)
{
    emqxi_found(c, EMQX_TLS_FINDING_NOT_CHECKED, EMQX_TLS_PART_REQUEST, 0,
                "only the structure of the PEM was checked: this library was built without "
                "OpenSSL; look at validity, key and chain yourself");
}

void emqxi_identity_of(const emqx_tls_request *request, emqxi_identity *identity)
{
    *identity = (emqxi_identity){.type = request->type};
}

void emqxi_identity_of_leaf(const char *pem, size_t len, emqxi_identity *identity)
{
    *identity = (emqxi_identity){0};
}
