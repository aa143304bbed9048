/* SPDX-License-Identifier: MIT */
#include "check/pem.h"

#include <string.h>

#include "check/der.h"

#define DASHES    "-----"
#define LABEL_MAX 40

typedef struct line {
    const char *p;
    size_t len;
} line;

typedef struct scanner {
    const emqx_tls_allocator *a;
    emqxi_pem *pem;
    emqxi_pem_block *block; /* open; NULL: between the blocks */
    size_t der_at;
    uint32_t bits;   /* base64 digits that are no full byte yet */
    unsigned digits; /* of the block, padding included */
    unsigned padding;
    bool began, in_headers; /* a line of the block was seen; its header lines are being read */
} scanner;

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static line trim(line l)
{
    if (l.len >= 3 && memcmp(l.p, "\xEF\xBB\xBF", 3) == 0) {
        l.p += 3;
        l.len -= 3;
    }
    while (l.len > 0 && is_space(l.p[0])) {
        l.p++;
        l.len--;
    }
    while (l.len > 0 && is_space(l.p[l.len - 1]))
        l.len--;
    return l;
}

static bool starts(line l, const char *with)
{
    size_t n = strlen(with);
    return l.len >= n && memcmp(l.p, with, n) == 0;
}

static bool label_is(const emqxi_pem_block *b, const char *label)
{
    return b->label_len == strlen(label) && memcmp(b->label, label, b->label_len) == 0;
}

/* "-----BEGIN LABEL-----" */
static bool boundary(line l, const char *word, const char **label, size_t *label_len)
{
    size_t before = strlen(word), after = strlen(DASHES);
    if (!starts(l, word) || l.len <= before + after ||
        memcmp(l.p + l.len - after, DASHES, after) != 0)
        return false;
    *label = l.p + before;
    *label_len = l.len - before - after;
    if (*label_len > LABEL_MAX)
        return false;
    for (size_t i = 0; i < *label_len; i++) {
        char c = (*label)[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != ' ' && c != '#')
            return false;
    }
    return true;
}

static uint32_t kind_of(const emqxi_pem_block *b)
{
    static const char key[] = "PRIVATE KEY";
    const size_t n = sizeof key - 1;
    if (label_is(b, "CERTIFICATE") || label_is(b, "X509 CERTIFICATE"))
        return EMQXI_PEM_CERT;
    if (label_is(b, key))
        return EMQXI_PEM_PKCS8;
    if (label_is(b, "RSA PRIVATE KEY"))
        return EMQXI_PEM_PKCS1;
    if (label_is(b, "EC PRIVATE KEY"))
        return EMQXI_PEM_SEC1;
    if (label_is(b, "ENCRYPTED PRIVATE KEY"))
        return EMQXI_PEM_ENCRYPTED;
    if (label_is(b, "EC PARAMETERS"))
        return EMQXI_PEM_PARAMETERS;
    if (b->label_len > n && memcmp(b->label + b->label_len - n, key, n) == 0)
        return EMQXI_PEM_KEY_OTHER;
    return EMQXI_PEM_OTHER;
}

static emqxi_pem_block *add_block(scanner *s, uint32_t number)
{
    emqxi_pem *pem = s->pem;
    if (pem->count == pem->capacity) {
        size_t capacity = pem->capacity ? 2 * pem->capacity : 8;
        emqxi_pem_block *blocks = emqxi_resize(s->a, pem->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return NULL;
        pem->blocks = blocks;
        pem->capacity = capacity;
    }
    emqxi_pem_block *b = &pem->blocks[pem->count++];
    *b = (emqxi_pem_block){.kind = EMQXI_PEM_NONE, .line = number};
    return b;
}

static void set_fault(emqxi_pem_block *b, const char *fault)
{
    if (!b->fault)
        b->fault = fault;
}

static bool open_block(scanner *s, const char *label, size_t label_len, uint32_t number)
{
    emqxi_pem_block *b = add_block(s, number);
    if (!b)
        return false;
    b->label = label;
    b->label_len = label_len;
    b->kind = kind_of(b);
    s->block = b;
    s->der_at = s->pem->der_used;
    s->bits = s->digits = s->padding = 0;
    s->began = s->in_headers = false;
    return true;
}

static void close_block(scanner *s, const char *fault)
{
    emqxi_der content;
    emqxi_pem_block *b = s->block;
    s->block = NULL;
    b->der = s->pem->der + s->der_at;
    b->der_len = s->pem->der_used - s->der_at;
    if (fault)
        set_fault(b, fault);
    if (b->kind == EMQXI_PEM_ENCRYPTED || b->kind == EMQXI_PEM_OTHER ||
        b->kind == EMQXI_PEM_PARAMETERS)
        return; /* never sent */
    if (s->in_headers)
        set_fault(b, "has header lines and no data");
    else if (s->digits % 4 != 0)
        set_fault(b, "is cut short: its base64 does not come in groups of four");
    else if (s->padding > 0 && s->bits != 0)
        set_fault(b, "is damaged: the end of its base64 is not as an encoder writes it");
    else if (!emqxi_der_is((emqxi_der){b->der, b->der_len}, EMQXI_DER_SEQUENCE, &content))
        /* what was cut or lengthened is not one SEQUENCE that fills the block */
        set_fault(b, "is damaged: what is in it has another length than it says");
}

static void decode_line(scanner *s, line l)
{
    for (size_t i = 0; i < l.len; i++) {
        int value = emqxi_base64_digit(l.p[i]);
        if (l.p[i] == '=' && s->padding < 2 && s->digits % 4 >= 2) {
            s->padding++;
            s->digits++;
            continue;
        }
        if (value < 0 || s->padding > 0) {
            set_fault(s->block, value < 0 ? "is damaged: it has a character that is not base64"
                                          : "is damaged: its base64 goes on behind its end");
            return;
        }
        s->bits = s->bits << 6 | (uint32_t)value;
        unsigned in_group = s->digits++ % 4;
        if (in_group == 0)
            continue;
        unsigned rest = 6 - 2 * in_group; /* bits that are left when a byte is taken */
        s->pem->der[s->pem->der_used++] = (unsigned char)(s->bits >> rest);
        s->bits &= (1u << rest) - 1;
    }
}

static void data_line(scanner *s, line l)
{
    bool header = memchr(l.p, ':', l.len) != NULL;
    if (!s->began && header)
        s->in_headers = true;
    s->began = true;
    if (!s->in_headers) {
        if (!s->block->fault)
            decode_line(s, l);
        return;
    }
    if (l.len == 0) {
        s->in_headers = false;
        return;
    }
    if (starts(l, "Proc-Type:") && memmem(l.p, l.len, "ENCRYPTED", 9))
        s->block->kind = EMQXI_PEM_ENCRYPTED;
    set_fault(s->block, "has header lines, which do not belong there");
}

/* Would a reader take this line between the blocks for a comment? Not a row of base64 (a BEGIN line
 * is missing, perhaps), nor control characters. */
static bool is_stray(line l)
{
    size_t base64 = 0;
    for (size_t i = 0; i < l.len; i++) {
        if (((unsigned char)l.p[i] < 0x20 && l.p[i] != '\t') || l.p[i] == 0x7F)
            return true;
        if (emqxi_base64_digit(l.p[i]) >= 0 || l.p[i] == '=')
            base64++;
    }
    return base64 == l.len && l.len >= 40;
}

static const char *boundary_fault(line l)
{
    if (memmem(l.p, l.len, "\\n", 2))
        return "has the two characters \\n in the place of line ends";
    if (starts(l, "-----END "))
        return "has an END line without its BEGIN";
    if (starts(l, "-----BEGIN "))
        return "has a BEGIN line that is not \"-----BEGIN NAME-----\" alone on its line";
    return "has a line of dashes that is neither BEGIN nor END";
}

static bool scan_line(scanner *s, line l, uint32_t number)
{
    const char *label;
    size_t label_len;
    l = trim(l);
    if (l.len > 0)
        s->pem->blank = false;
    if (!starts(l, DASHES)) {
        if (s->block)
            data_line(s, l);
        else if (!s->pem->stray_line && is_stray(l))
            s->pem->stray_line = number;
        return true;
    }
    if (boundary(l, "-----BEGIN ", &label, &label_len)) {
        if (s->block)
            close_block(s, "has no END line");
        return open_block(s, label, label_len, number);
    }
    if (s->block) {
        bool end = boundary(l, "-----END ", &label, &label_len);
        bool same = end && label_len == s->block->label_len &&
                    memcmp(label, s->block->label, label_len) == 0;
        close_block(s, same ? NULL : end ? "has an END line of another name" : boundary_fault(l));
        return true;
    }
    emqxi_pem_block *b = add_block(s, number);
    if (b)
        set_fault(b, boundary_fault(l));
    return b != NULL;
}

bool emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len, emqxi_pem *pem)
{
    scanner s = {.a = a, .pem = pem};
    uint32_t number = 1;
    *pem = (emqxi_pem){.blank = true, .der_size = len / 4 * 3 + 3};
    pem->der = emqxi_alloc(a, pem->der_size);
    if (!pem->der)
        return false;
    for (size_t at = 0; at < len; number++) {
        size_t end = at;
        while (end < len && text[end] != '\n' && text[end] != '\r')
            end++;
        if (!scan_line(&s, (line){text + at, end - at}, number))
            return false;
        at = end + (end + 1 < len && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1);
    }
    if (s.block)
        close_block(&s, "has no END line: the file was cut short");
    return true;
}

void emqxi_pem_free(const emqx_tls_allocator *a, emqxi_pem *pem)
{
    emqxi_wipe_free(a, pem->der, pem->der_size);
    emqxi_free(a, pem->blocks);
    *pem = (emqxi_pem){0};
}

bool emqxi_pem_is_key(const emqxi_pem_block *b)
{
    return b->kind >= EMQXI_PEM_PKCS8 && b->kind <= EMQXI_PEM_KEY_OTHER;
}
