/* SPDX-License-Identifier: MIT
 *
 * Keys and certificates for tests, made when they run.
 */
#ifndef MATERIAL_H
#define MATERIAL_H

#include <string.h>

#include <emqxtls/values.h>

typedef struct test_material {
    char *cert; /* the leaf, and its CA behind it */
    char *key;
    char *cacert; /* the CA alone */
} test_material;

/* An EC P-256 key and a certificate for `name` that is valid for `days` more, issued by a new
 * CA. */
void material_make(test_material *m, const char *name, int days);
void material_free(test_material *m);

/* A request that borrows it: one-way, or two-way with the CA as client CA. */
static inline emqx_tls_request material_request(const test_material *m, uint32_t type)
{
    emqx_tls_request r;
    emqx_tls_request_init(&r);
    r.type = type;
    r.cert = m->cert;
    r.cert_len = strlen(m->cert);
    r.key = m->key;
    r.key_len = strlen(m->key);
    if (type == EMQX_TLS_TYPE_TWO_WAY) {
        r.cacert = m->cacert;
        r.cacert_len = strlen(m->cacert);
    }
    return r;
}

#endif
