/* SPDX-License-Identifier: MIT
 *
 * check - PEM and X.509: what the platform would refuse. One report and one rule table; x509.c
 * (OpenSSL) or none.c fill it.
 */
#ifndef EMQXI_CHECK_H
#define EMQXI_CHECK_H

#include "base/base.h"

#include <emqxtls/check.h>

/* A request whose parts were rewritten as canonical PEM: only the blocks, LF, 64 columns, no text
 * between. Holds a copy of the private key: free it with emqxi_canonical_free, which wipes. */
typedef struct emqxi_canonical {
    emqx_tls_request request; /* points into `memory` */
    char *memory;
    size_t memory_len;
} emqxi_canonical;

/* Checks and, where nothing is refused, makes the canonical form. OK, CHECK (message: the first
 * refusal), INVALID, NO_MEMORY. */
emqx_tls_code emqxi_check_canonical(const emqx_tls_allocator *a, const emqx_tls_request *request,
                                    const emqx_tls_policy *policy, int64_t now_s,
                                    emqxi_canonical *out, emqxi_error *error);
void emqxi_canonical_free(const emqx_tls_allocator *a, emqxi_canonical *canonical);

/* What ensure and probe need of a leaf. SHA-256 of the DER. Only with OpenSSL; else false. */
typedef struct emqxi_leaf {
    int64_t not_after; /* seconds since 1970 */
    char common_name[256];
    unsigned char sha256[32];
} emqxi_leaf;
bool emqxi_leaf_of(const char *pem, size_t len, emqxi_leaf *leaf);

/* What a receipt keeps of a request to know it again: SHA-256 of the chain's certificates (DER, in
 * their order), of the leaf's public key, and of the client CA's certificates (zeroes: none).
 * Nothing of the private key. Only with OpenSSL; else, or where something can't be read, false. */
typedef struct emqxi_material {
    unsigned char chain_sha256[32], spki_sha256[32], cacert_sha256[32];
} emqxi_material;
bool emqxi_material_of(const emqx_tls_request *request, emqxi_material *material);

#endif
