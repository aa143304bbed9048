/* SPDX-License-Identifier: MIT
 *
 * Without OpenSSL nothing is known of certificates.
 */
#include "check/check.h"

bool emqxi_leaf_of(const char *pem, size_t len, emqxi_leaf *leaf)
{
    (void)pem;
    (void)len;
    (void)leaf;
    return false;
}

bool emqxi_material_of(const emqx_tls_request *request, emqxi_material *material)
{
    (void)request;
    (void)material;
    return false;
}
