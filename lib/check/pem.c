/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/pem.h"

#include <string.h>

#define LABEL_MAX   40
#define ROW_MIN     40  /* a shorter line of base64 may be a word */
#define COMMENT_MAX 120 /* a longer line with BEGIN in it is a block */

#define COPY "copy the file again"

static const emqxi_pem_fault
    no_end = {"has no END line", COPY},
    cut_short = {"has no END line: the file was cut short", COPY},
    other_end = {"has an END line of another name", COPY},
    no_begin = {"has an END line without its BEGIN", COPY},
    misspelt = {"has a line that is not quite BEGIN or END",
                "write it as -----BEGIN NAME----- or -----END NAME-----, with "
                "five hyphens, single spaces and capital letters"},
    before = {"has something before its BEGIN line", "take it away"},
    behind_begin = {"has something behind its BEGIN line", "take it away"},
    behind_end = {"has something behind its END line", "take it away"},
    escaped = {"has the two characters \\n in the place of line ends",
               "'printf %b \"$(cat FILE)\" > NEW' makes lines of them"},
    joined = {"has spaces in the place of line ends",
              COPY "; in a shell put the variable in double quotes"},
    headers = {"has header lines, which do not belong there", COPY},
    no_data = {"has header lines and no data", COPY},
    bad_digit = {"is damaged: it has a character that is not base64", COPY},
    goes_on = {"is damaged: its base64 goes on behind its end", COPY},
    not_fours = {"is cut short: its base64 does not come in groups of four", COPY},
    bad_bits = {"is damaged: the end of its base64 is not as an encoder writes it", COPY},
    bad_length = {"is damaged: what is in it has another length than it says", COPY};

typedef struct line {
    const char *p;
    size_t len;
} line;

typedef struct scanner {
    const emqx_tls_allocator *a;
    emqxi_pem *pem;
    uint32_t number;         /* of the line */
    emqxi_pem_block *block;  /* open; NULL: between the blocks */
    emqxi_pem_block *closed; /* by the END that stands on this line */
    bool tentative;          /* its BEGIN is misspelt, or is none: rows tell */
    size_t rows;             /* of base64 in a tentative block, or between the blocks */
    uint32_t first_row;
    size_t der_at;
    uint32_t bits;   /* base64 digits that are no full byte yet */
    unsigned digits; /* of the block, padding included */
    unsigned padding;
    bool began, in_headers; /* a line of the block was seen; its header lines are being read */
} scanner;

/* -- lines ------------------------------------------------------------------------------------- */

/* The white space that a line begins or ends with. NUL pads, and no-break and zero-width spaces
 * come with what was copied from a page. */
static size_t blank(line l, bool at_end)
{
    static const char *const long_ones[] = {"\xC2\xA0", "\xE2\x80\x8B", "\xEF\xBB\xBF"};
    if (l.len == 0)
        return 0;
    char c = l.p[at_end ? l.len - 1 : 0];
    if (c == ' ' || c == '\0' || (c >= '\t' && c <= '\r'))
        return 1;
    for (size_t i = 0; i < sizeof long_ones / sizeof long_ones[0]; i++) {
        size_t n = strlen(long_ones[i]);
        if (l.len >= n && memcmp(at_end ? l.p + l.len - n : l.p, long_ones[i], n) == 0)
            return n;
    }
    return 0;
}

static line trim(line l)
{
    for (size_t n; (n = blank(l, false)) > 0; l.len -= n)
        l.p += n;
    for (size_t n; (n = blank(l, true)) > 0;)
        l.len -= n;
    return l;
}

static bool has(line l, const char *what)
{
    return memmem(l.p, l.len, what, strlen(what)) != NULL;
}

typedef struct boundary {
    line before, label, after;
    bool end; /* END; else BEGIN */
} boundary;

static bool is_label(line l)
{
    for (size_t i = 0; i < l.len; i++) {
        char c = l.p[i];
        bool inside = i > 0 && i + 1 < l.len && l.p[i + 1] != ' ';
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '#' && !(c == ' ' && inside))
            return false;
    }
    return l.len > 0 && l.len <= LABEL_MAX;
}

/* The first "-----BEGIN NAME-----" or "-----END NAME-----" of a line. */
static bool find_boundary(line l, boundary *b)
{
    const char *begin = memmem(l.p, l.len, "-----BEGIN ", 11);
    const char *end = memmem(l.p, l.len, "-----END ", 9);
    b->end = end && (!begin || end < begin);
    const char *at = b->end ? end : begin;
    if (!at)
        return false;
    b->before = (line){l.p, (size_t)(at - l.p)};
    b->label.p = at + (b->end ? 9 : 11);
    size_t rest = (size_t)(l.p + l.len - b->label.p);
    const char *close = memmem(b->label.p, rest, "-----", 5);
    b->label.len = close ? (size_t)(close - b->label.p) : 0;
    b->after = close ? (line){close + 5, rest - b->label.len - 5} : l;
    return is_label(b->label);
}

/* Is a line meant as BEGIN or END, whatever dashes, quotes, spaces or small letters it has? */
static bool meant_as_boundary(line l, bool *end)
{
    static const char *const names[] = {"CERTIFICATE",        "XCERTIFICATE",  "TRUSTEDCERTIFICATE",
                                        "PRIVATEKEY",         "RSAPRIVATEKEY", "ECPRIVATEKEY",
                                        "ENCRYPTEDPRIVATEKEY"};
    char letters[100], word[32];
    size_t n = 0;
    for (size_t i = 0; i < l.len && n + 1 < sizeof letters; i++)
        if ((l.p[i] | 0x20) >= 'a' && (l.p[i] | 0x20) <= 'z')
            letters[n++] = l.p[i] & ~0x20;
    letters[n] = '\0';
    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        *end = i % 2;
        stpcpy(stpcpy(word, *end ? "END" : "BEGIN"), names[i / 2]);
        if (strstr(letters, word))
            return true;
    }
    return false;
}

/* Nothing but base64, at least so much of it, and no number in hexadecimal digits. */
static bool is_row(line l, size_t least)
{
    bool hex = true;
    for (size_t i = 0; i < l.len; i++) {
        if (emqxi_base64_digit(l.p[i]) < 0 && !(l.p[i] == '=' && i + 2 >= l.len))
            return false;
        hex = hex && emqxi_hex_digit(l.p[i]) >= 0;
    }
    return l.len >= least && (!hex || least < ROW_MIN);
}

/* -- blocks ------------------------------------------------------------------------------------ */

static enum emqxi_pem_kind kind_of(line label)
{
    static const struct {
        const char *ending; /* or all of it */
        enum emqxi_pem_kind kind;
        bool whole;
    } rows[] = {{"CERTIFICATE", EMQXI_PEM_CERT, true},
                {"X509 CERTIFICATE", EMQXI_PEM_CERT, true},
                {"EC PARAMETERS", EMQXI_PEM_PARAMETERS, true},
                {"PRIVATE KEY", EMQXI_PEM_KEY, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].ending);
        if ((rows[i].whole ? label.len == n : label.len >= n) &&
            memcmp(label.p + label.len - n, rows[i].ending, n) == 0)
            return rows[i].kind;
    }
    return EMQXI_PEM_OTHER;
}

static emqxi_pem_block *add_block(scanner *s)
{
    emqxi_pem *pem = s->pem;
    if (pem->count == pem->capacity) {
        size_t capacity = pem->capacity ? 2 * pem->capacity : 2;
        emqxi_pem_block *blocks = emqxi_resize(s->a, pem->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return NULL;
        pem->blocks = blocks;
        pem->capacity = capacity;
    }
    emqxi_pem_block *b = &pem->blocks[pem->count++];
    s->closed = NULL; /* the blocks may have moved */
    *b = (emqxi_pem_block){.line = s->number};
    return b;
}

/* The first fault is told; but that line ends are lost explains all others. */
static void set_fault(scanner *s, emqxi_pem_block *b, const emqxi_pem_fault *fault, line shown)
{
    if (b->fault && fault != &escaped)
        return;
    if (!b->fault) {
        b->line = s->number;
        b->shown = shown.p;
        b->shown_len = shown.len;
    }
    b->fault = fault;
}

/* What text that does not belong on the line of a boundary is. */
static const emqxi_pem_fault *fault_of(line text, const emqxi_pem_fault *other)
{
    if (has(text, "\\n") || has(text, "\\r"))
        return &escaped;
    bool whole = other != &misspelt && other != &bad_digit && text.len >= ROW_MIN;
    return whole && has(text, " ") ? &joined : other;
}

static bool open_block(scanner *s, line label, bool tentative)
{
    emqxi_pem_block *b = add_block(s);
    if (!b)
        return false;
    if (s->rows > 0 && !s->pem->stray_line)
        s->pem->stray_line = s->first_row;
    s->block = b;
    s->tentative = tentative;
    s->der_at = s->pem->der_used;
    s->bits = s->digits = s->padding = 0;
    s->rows = 0;
    s->began = s->in_headers = false;
    if (tentative)
        return true;
    b->label = label.p;
    b->label_len = label.len;
    b->kind = kind_of(label);
    return true;
}

static void close_block(scanner *s, const emqxi_pem_fault *fault)
{
    emqxi_pem_block *b = s->closed = s->block;
    s->block = NULL;
    if (s->tentative) {
        s->pem->count -= s->rows == 0; /* a comment */
        s->closed = NULL;
        s->rows = 0;
        return;
    }
    b->der = s->pem->der + s->der_at;
    b->der_len = s->pem->der_used - s->der_at;
    if (fault)
        set_fault(s, b, fault, (line){0});
    if (b->fault)
        return;
    const emqxi_der der = {b->der, b->der_len};
    if (b->kind != EMQXI_PEM_PARAMETERS)
        b->shape = emqxi_der_shape(der);
    if (b->kind == EMQXI_PEM_OTHER || b->kind == EMQXI_PEM_PARAMETERS ||
        b->shape == EMQXI_DER_ENCRYPTED)
        return; /* what is not sent may be in any state */
    bool whole = b->shape || emqxi_der_match(der, ".$", NULL);
    fault = s->in_headers                    ? &no_data
            : s->digits % 4 != 0             ? &not_fours
            : s->padding > 0 && s->bits != 0 ? &bad_bits
            : !whole                         ? &bad_length
                                             : NULL;
    b->fault = fault;
}

/* -- what is in a block ------------------------------------------------------------------------ */

static void decode_line(scanner *s, line l, const emqxi_pem_fault *bad)
{
    for (size_t i = 0; i < l.len && !s->block->fault; i++) {
        int value = emqxi_base64_digit(l.p[i]);
        if (l.p[i] == '=' && s->padding < 2 && s->digits % 4 >= 2) {
            s->padding++;
            s->digits++;
            continue;
        }
        if (value < 0) {
            line rest = {l.p + i, l.len - i};
            size_t n = emqxi_utf8_sequence(rest.p, rest.len);
            set_fault(s, s->block, fault_of(rest, bad), (line){rest.p, n ? n : 1});
        } else if (s->padding > 0) {
            set_fault(s, s->block, &goes_on, (line){0});
        } else {
            s->bits = s->bits << 6 | (uint32_t)value;
            unsigned in_group = s->digits++ % 4;
            if (in_group == 0)
                continue;
            unsigned rest = 6 - 2 * in_group; /* bits that are left when a byte is taken */
            s->pem->der[s->pem->der_used++] = (unsigned char)(s->bits >> rest);
            s->bits &= (1u << rest) - 1;
        }
    }
}

static void data_line(scanner *s, line l)
{
    if (s->tentative) {
        s->rows += l.len > 0 && is_row(l, 1);
        return;
    }
    if (!s->began && memchr(l.p, ':', l.len))
        s->in_headers = true;
    s->began = true;
    if (!s->in_headers) {
        decode_line(s, l, &bad_digit);
        return;
    }
    if (l.len == 0) {
        s->in_headers = false;
        return;
    }
    if (has(l, "Proc-Type:") && has(l, "ENCRYPTED"))
        s->block->shape = EMQXI_DER_ENCRYPTED;
    set_fault(s, s->block, &headers, (line){0});
}

/* -- lines, and what they open and close ------------------------------------------------------- */

/* An END line between the blocks. */
static bool end_without_begin(scanner *s)
{
    emqxi_pem_block *b = add_block(s);
    if (!b)
        return false;
    b->fault = &no_begin;
    b->line = s->rows > 0 ? s->first_row : s->number;
    s->rows = 0;
    return true;
}

static bool take_boundary(scanner *s, const boundary *b)
{
    const line front = trim(b->before);
    if (!b->end) {
        bool behind = s->closed && front.len > 0;
        if (behind)
            set_fault(s, s->closed, fault_of(front, &behind_end), front);
        if (s->block)
            close_block(s, &no_end);
        if (!open_block(s, b->label, false))
            return false;
        if (front.len > 0 && !behind)
            set_fault(s, s->block, fault_of(front, &before), front);
        return true;
    }
    if (!s->block)
        return end_without_begin(s);
    if (!s->tentative)
        decode_line(s, front, s->block->line == s->number ? &behind_begin : &bad_digit);
    bool same = b->label.len == s->block->label_len &&
                memcmp(b->label.p, s->block->label, b->label.len) == 0;
    close_block(s, same ? NULL : &other_end);
    return true;
}

/* A line, or the rest of one, that has no boundary as it should be. */
static bool take_plain(scanner *s, line l)
{
    bool end;
    if (!is_row(l, 1) && meant_as_boundary(l, &end)) {
        if (s->block && (!end || !s->tentative))
            set_fault(s, s->block, end ? &misspelt : &no_end, l);
        if (s->block)
            close_block(s, NULL);
        else if (end)
            return s->rows == 0 || end_without_begin(s);
        if (end)
            return true;
        if (!open_block(s, l, true))
            return false;
        set_fault(s, s->block, fault_of(l, &misspelt), l);
        s->rows = l.len > COMMENT_MAX;
    } else if (s->block) {
        data_line(s, l);
    } else if (is_row(l, ROW_MIN) && s->rows++ == 0) {
        s->first_row = s->number;
    }
    return true;
}

static bool take_line(scanner *s, line l)
{
    boundary b;
    bool any = false;
    s->closed = NULL;
    l = trim(l);
    if (l.len > 0)
        s->pem->blank = false;
    for (; memchr(l.p, '-', l.len) && find_boundary(l, &b); l = trim(b.after), any = true)
        if (!take_boundary(s, &b))
            return false;
    if (!any)
        return take_plain(s, l);
    if (l.len > 0 && s->closed)
        set_fault(s, s->closed, fault_of(l, &behind_end), l);
    else if (l.len > 0 && s->block)
        decode_line(s, l, &behind_begin);
    return true;
}

bool emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len, emqxi_pem *pem)
{
    scanner s = {.a = a, .pem = pem};
    *pem = (emqxi_pem){.blank = true, .der_size = len / 4 * 3 + 3};
    pem->der = emqxi_alloc(a, pem->der_size);
    if (!pem->der)
        return false;
    for (size_t at = 0; at < len;) {
        size_t end = at;
        while (end < len && text[end] != '\n' && text[end] != '\r')
            end++;
        s.number++;
        if (!take_line(&s, (line){text + at, end - at}))
            return false;
        at = end + (end + 1 < len && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1);
    }
    if (s.block)
        close_block(&s, &cut_short);
    if (s.rows > 0 && !pem->stray_line)
        pem->stray_line = s.first_row;
    return true;
}

void emqxi_pem_free(const emqx_tls_allocator *a, emqxi_pem *pem)
{
    emqxi_wipe_free(a, pem->der, pem->der_size);
    emqxi_free(a, pem->blocks);
    *pem = (emqxi_pem){0};
}

bool emqxi_pem_is_cert(const emqxi_pem_block *b)
{
    return b->kind == EMQXI_PEM_CERT && !b->fault && b->shape <= EMQXI_DER_CERT;
}
