/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Any text as PEM: blocks stay within it, what can be sent is read back as it was written, and the
 * kind of line end changes nothing.
 */
#include "fuzz.h"

#include "check/pem.h"

static void same(const emqxi_pem_block *a, const emqxi_pem_block *b)
{
    HOLDS(a->kind == b->kind && !a->fault == !b->fault && a->der_len == b->der_len);
    HOLDS(a->der_len == 0 || memcmp(a->der, b->der, a->der_len) == 0);
}

static void comes_back(const emqxi_pem_block *b)
{
    emqxi_pem again;
    char *text = malloc(emqxi_pem_room(b));
    HOLDS(text);
    size_t len = (size_t)(emqxi_pem_write(b, text) - text);
    HOLDS(len < emqxi_pem_room(b));
    HOLDS(emqxi_pem_scan(&emqxi_malloc, text, len, &again) && again.count == 1 &&
          !again.stray_line);
    same(b, &again.blocks[0]);
    emqxi_pem_free(&emqxi_malloc, &again);
    free(text);
}

/* As long as the text has no CR of its own. */
static void crlf_is_the_same(const char *text, size_t size, const emqxi_pem *pem)
{
    emqxi_pem other;
    char *crlf = malloc(2 * size + 1);
    size_t len = 0;
    HOLDS(crlf);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            crlf[len++] = '\r';
        crlf[len++] = text[i];
    }
    HOLDS(emqxi_pem_scan(&emqxi_malloc, crlf, len, &other));
    HOLDS(other.count == pem->count && other.stray_line == pem->stray_line &&
          other.blank == pem->blank);
    for (size_t i = 0; i < pem->count; i++)
        same(&pem->blocks[i], &other.blocks[i]);
    emqxi_pem_free(&emqxi_malloc, &other);
    free(crlf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    emqxi_pem pem;
    const char *text = (const char *)data;
    HOLDS(emqxi_pem_scan(&emqxi_malloc, text, size, &pem));
    HOLDS(pem.der_used <= pem.der_size);
    for (size_t i = 0; i < pem.count; i++) {
        const emqxi_pem_block *b = &pem.blocks[i];
        HOLDS(b->kind == EMQXI_PEM_NONE
                  ? b->fault != NULL
                  : b->label >= text && b->label + b->label_len <= text + size);
        if (!b->fault && (b->kind == EMQXI_PEM_CERT || (b->kind == EMQXI_PEM_KEY && b->shape)) &&
            b->shape != EMQXI_DER_ENCRYPTED)
            comes_back(b);
    }
    if (!memchr(data, '\r', size))
        crlf_is_the_same(text, size, &pem);
    emqxi_pem_free(&emqxi_malloc, &pem);
    return 0;
}
