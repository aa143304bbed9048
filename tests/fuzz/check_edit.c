/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check_edit.h"

#include "check/check.h"
#include "check/pem.h"

void edit_make(edit_request *e)
{
    static const char *const pieces[EDIT_PARTS] = {"leaf inter", "leaf.key", "root"};
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < EDIT_PARTS; i++)
        pki_put(&e->parts[i], pieces[i]);
}

void edit_free(edit_request *e)
{
    for (size_t i = 0; i < EDIT_PARTS; i++)
        free(e->parts[i].data);
}

emqx_tls_code edit_check(const edit_request *e)
{
    emqx_tls_request r;
    emqxi_error error;
    emqxi_canonical once, twice;
    char *exact[EDIT_PARTS];
    for (size_t i = 0; i < EDIT_PARTS; i++) {
        exact[i] = malloc(e->parts[i].len);
        HOLDS(exact[i] || e->parts[i].len == 0);
        if (e->parts[i].len > 0)
            memcpy(exact[i], e->parts[i].data, e->parts[i].len);
    }
    emqx_tls_request_init(&r);
    emqxi_error_clear(&error);
    r.type = EMQX_TLS_TYPE_TWO_WAY;
    r.cert = exact[EDIT_CERT];
    r.cert_len = e->parts[EDIT_CERT].len;
    r.key = exact[EDIT_KEY];
    r.key_len = e->parts[EDIT_KEY].len;
    r.cacert = exact[EDIT_CACERT];
    r.cacert_len = e->parts[EDIT_CACERT].len;
    emqx_tls_code code =
        emqxi_check_canonical(&emqxi_malloc, &r, NULL, PKI_NOW, &once, NULL, &error);
    HOLDS(code == EMQX_TLS_OK || (code == EMQX_TLS_E_CHECK && *error.message && !once.memory));
    if (code == EMQX_TLS_OK) {
        HOLDS(emqxi_check_canonical(&emqxi_malloc, &once.request, NULL, PKI_NOW, &twice, NULL,
                                    &error) == EMQX_TLS_OK);
        HOLDS(once.memory_len == twice.memory_len &&
              memcmp(once.memory, twice.memory, once.memory_len) == 0);
        emqxi_canonical_free(&emqxi_malloc, &twice);
    }
    emqxi_canonical_free(&emqxi_malloc, &once);
    for (size_t i = 0; i < EDIT_PARTS; i++)
        free(exact[i]);
    return code;
}

bool edit_der(edit_request *e, size_t part, size_t at, uint8_t value)
{
    emqxi_pem pem;
    pki_text to = {0};
    HOLDS(emqxi_pem_scan(&emqxi_malloc, e->parts[part].data, e->parts[part].len, &pem));
    bool there = at < pem.der_used;
    if (there)
        pem.der[at] = value;
    for (size_t i = 0; there && i < pem.count; i++) {
        char *text = malloc(emqxi_pem_room(&pem.blocks[i]));
        HOLDS(text);
        pki_append(&to, text, (size_t)(emqxi_pem_write(&pem.blocks[i], text) - text));
        free(text);
    }
    emqxi_pem_free(&emqxi_malloc, &pem);
    if (there) {
        free(e->parts[part].data);
        e->parts[part] = to;
    }
    return there;
}
