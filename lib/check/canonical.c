/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What passed the check, as canonical PEM.
 */
#include "check/rules.h"

#include <string.h>

#define COLUMNS    64u
#define NAMES_ROOM 64u /* of a body's members */

static const char *label_of(const emqxi_pem_block *b)
{
    switch (b->shape) {
    case EMQXI_DER_PKCS8:
        return "PRIVATE KEY";
    case EMQXI_DER_PKCS1:
        return "RSA PRIVATE KEY";
    case EMQXI_DER_SEC1:
        return "EC PRIVATE KEY";
    default:
        return "CERTIFICATE"; /* the check lets nothing else through */
    }
}

static size_t lines(const emqxi_pem_block *b) /* or one more */
{
    return b->der_len / (COLUMNS / 4 * 3) + 3;
}

size_t emqxi_pem_room(const emqxi_pem_block *b)
{
    return 2 * sizeof "-----BEGIN RSA PRIVATE KEY-----\n" + (b->der_len + 2) / 3 * 4 + lines(b);
}

char *emqxi_pem_write(const emqxi_pem_block *b, char *to)
{
    const size_t each = COLUMNS / 4 * 3;
    to = stpcpy(stpcpy(stpcpy(to, "-----BEGIN "), label_of(b)), "-----\n");
    for (size_t i = 0; i < b->der_len; i += each) {
        to = emqxi_base64(b->der + i, EMQXI_MIN(b->der_len - i, each), to);
        *to++ = '\n';
    }
    return stpcpy(stpcpy(stpcpy(to, "-----END "), label_of(b)), "-----\n");
}

static bool is_sent(const emqxi_pem_block *b)
{
    return b->kind == EMQXI_PEM_CERT || b->kind == EMQXI_PEM_KEY;
}

static char *write_part(const emqxi_pem *pem, char *at, const char **text, size_t *len)
{
    *text = at;
    for (size_t i = 0; i < pem->count; i++)
        if (is_sent(&pem->blocks[i]))
            at = emqxi_pem_write(&pem->blocks[i], at);
    *len = (size_t)(at - *text);
    return at;
}

emqx_tls_code emqxi_canonical_write(const emqxi_check *c, emqxi_canonical *out, emqxi_error *error)
{
    emqx_tls_request *r = &out->request;
    size_t size = 0, gap = NAMES_ROOM;
    for (uint32_t part = 0; part < 4; part++)
        for (size_t i = 0; i < c->pem[part].count; i++) {
            size += emqxi_pem_room(&c->pem[part].blocks[i]);
            gap += lines(&c->pem[part].blocks[i]);
        }
    out->memory = emqxi_zalloc(c->allocator, gap + size);
    if (!out->memory)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for the certificate");
    *r = c->request;
    char *at = write_part(&c->pem[EMQX_TLS_PART_CERT], out->memory + gap, &r->cert, &r->cert_len);
    at = write_part(&c->pem[EMQX_TLS_PART_KEY], at, &r->key, &r->key_len);
    at = write_part(&c->pem[EMQX_TLS_PART_CACERT], at, &r->cacert, &r->cacert_len);
    out->memory_len = (size_t)(at - out->memory);
    return EMQX_TLS_OK;
}

void emqxi_canonical_free(const emqx_tls_allocator *a, emqxi_canonical *canonical)
{
    emqxi_wipe_free(a, canonical->memory, canonical->memory_len);
    *canonical = (emqxi_canonical){0};
}
