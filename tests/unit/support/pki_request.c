/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "pki_request.h"

#include <stdlib.h>

pki_parts pki_parts_make(const char *cert, const char *key, const char *cacert)
{
    pki_parts parts = {{0}, {0}, {0}};
    pki_put(&parts.cert, cert);
    pki_put(&parts.key, key);
    pki_put(&parts.cacert, cacert);
    return parts;
}

void pki_parts_free(pki_parts *parts)
{
    free(parts->cert.data);
    free(parts->key.data);
    free(parts->cacert.data);
}

emqx_tls_request pki_request(const pki_parts *parts)
{
    emqx_tls_request r;
    emqx_tls_request_init(&r);
    r.type = parts->cacert.len > 0 ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    r.cert = parts->cert.data;
    r.cert_len = parts->cert.len;
    r.key = parts->key.data;
    r.key_len = parts->key.len;
    r.cacert = parts->cacert.data;
    r.cacert_len = parts->cacert.len;
    return r;
}

int pki_tear_down(void **state)
{
    (void)state;
    pki_end();
    return 0;
}
