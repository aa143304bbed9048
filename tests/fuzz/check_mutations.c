/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Every prefix of a good request's parts, and every byte of them changed, as text and as DER:
 * nothing crashes, and no change of what was signed gets through. check-mutations [STEP]: every
 * STEP-th of them.
 */
#include "check_edit.h"

#include "check/pem.h"

static edit_request good;
static size_t checked, step = 1;

static emqx_tls_code check_with(size_t part, const char *data, size_t len)
{
    edit_request e = good;
    e.parts[part] = (pki_text){(char *)(uintptr_t)data, len};
    checked++;
    return edit_check(&e);
}

static void every_prefix(size_t part)
{
    const pki_text *t = &good.parts[part];
    for (size_t len = 0; len < t->len; len += step) {
        emqx_tls_code code = check_with(part, t->data, len);
        bool whole = len + 1 == t->len; /* but for the last newline */
#ifdef WITH_OPENSSL
        HOLDS(code == (whole ? EMQX_TLS_OK : EMQX_TLS_E_CHECK));
#else
        HOLDS(!whole || code == EMQX_TLS_OK);
#endif
    }
}

static void every_byte_of_the_text(size_t part)
{
    pki_text *t = &good.parts[part];
    for (size_t i = 0; i < t->len; i += step) {
        const char was = t->data[i], values[] = {(char)(was ^ 1), '\n', '-', '\0'};
        for (size_t v = 0; v < sizeof values; v++) {
            t->data[i] = values[v];
            check_with(part, t->data, t->len);
        }
        t->data[i] = was;
    }
}

/* Of the chain, what the leaf itself is made of: all of it is signed, or is the signature. */
static size_t leaf_bytes(void)
{
    emqxi_pem pem;
    HOLDS(
        emqxi_pem_scan(&emqxi_malloc, good.parts[EDIT_CERT].data, good.parts[EDIT_CERT].len, &pem));
    size_t n = pem.blocks[0].der_len;
    emqxi_pem_free(&emqxi_malloc, &pem);
    return n;
}

static void every_byte_of_the_der(size_t part)
{
    const size_t leaf = leaf_bytes();
    for (size_t i = 0;; i += step) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            emqxi_pem pem;
            edit_request e;
            HOLDS(emqxi_pem_scan(&emqxi_malloc, good.parts[part].data, good.parts[part].len, &pem));
            bool there = i < pem.der_used;
            uint8_t value = there ? (uint8_t)(pem.der[i] ^ 1u << bit) : 0;
            emqxi_pem_free(&emqxi_malloc, &pem);
            if (!there)
                return;
            memset(&e, 0, sizeof e);
            pki_append(&e.parts[part], good.parts[part].data, good.parts[part].len);
            HOLDS(edit_der(&e, part, i, value));
            emqx_tls_code code = check_with(part, e.parts[part].data, e.parts[part].len);
#ifdef WITH_OPENSSL
            HOLDS(part != EDIT_CERT || code == EMQX_TLS_E_CHECK || i >= leaf);
#else
            (void)code, (void)leaf;
#endif
            edit_free(&e);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        step = strtoul(argv[1], NULL, 10);
    HOLDS(step > 0);
    edit_make(&good);
    HOLDS(edit_check(&good) == EMQX_TLS_OK);
    for (size_t part = 0; part < EDIT_PARTS; part++) {
        every_prefix(part);
        every_byte_of_the_text(part);
        every_byte_of_the_der(part);
    }
    edit_free(&good);
    pki_end();
    printf("%zu requests\n", checked);
    return 0;
}
