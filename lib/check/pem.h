/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * pem.h - a text as a row of PEM blocks (RFC 7468), and back.
 *
 * Own code: OpenSSL is optional, its reader keeps copies of the key, asks for passphrases, and does
 * not tell what is wrong with which block. Strict where the bytes are concerned (alphabet, padding,
 * one DER value of exactly the block's length), lax where nothing depends on it: line ends, line
 * lengths, space around a line, whatever stands between the blocks.
 */
#ifndef EMQXI_PEM_H
#define EMQXI_PEM_H

#include "check/der.h"

enum emqxi_pem_kind {
    EMQXI_PEM_NONE,      /* the rest of a block, or a line that is meant as BEGIN and is not */
    EMQXI_PEM_OTHER,     /* a label that belongs into no part */
    EMQXI_PEM_CERT,      /* CERTIFICATE, or its old name X509 CERTIFICATE */
    EMQXI_PEM_KEY,       /* any PRIVATE KEY: its shape tells the form, whatever the label says */
    EMQXI_PEM_PARAMETERS /* EC PARAMETERS, which openssl ecparam writes before a SEC1 key */
};

/* What is damaged, as the end of a sentence, and the way out. */
typedef struct emqxi_pem_fault {
    const char *what, *mend;
} emqxi_pem_fault;

typedef struct emqxi_pem_block {
    enum emqxi_pem_kind kind;
    enum emqxi_der_shape shape;   /* of what is in it; NONE: not known, or faulty */
    const emqxi_pem_fault *fault; /* NULL: none */
    uint32_t line;                /* of the fault, else of its BEGIN; from 1 */
    const char *shown;            /* what the fault is about, in the text that was scanned */
    size_t shown_len;
    const char *label; /* printable ASCII, likewise; not NUL-terminated */
    size_t label_len;
    const unsigned char *der; /* in emqxi_pem.der */
    size_t der_len;
    bool repeated; /* an earlier block is the same certificate; set by the check */
} emqxi_pem_block;

typedef struct emqxi_pem {
    emqxi_pem_block *blocks; /* in the order of the text, the damaged ones too */
    size_t count, capacity;
    unsigned char *der; /* may hold a private key: wiped */
    size_t der_size, der_used;
    /* the first line outside the blocks that looks like the rest of one; 0: none does */
    uint32_t stray_line;
    bool blank; /* nothing but white space */
} emqxi_pem;

/* False: no memory; then too emqxi_pem_free. `text` must outlive *pem. */
bool emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len, emqxi_pem *pem);
void emqxi_pem_free(const emqx_tls_allocator *a, emqxi_pem *pem);

bool emqxi_pem_is_cert(const emqxi_pem_block *block); /* a certificate, as far as PEM can tell */

/* -- canonical.c */
/* Writes a block as canonical PEM (64 columns, LF) and a NUL; returns where that is. */
char *emqxi_pem_write(const emqxi_pem_block *block, char *to);
size_t emqxi_pem_room(const emqxi_pem_block *block); /* so many bytes are enough for it */

#endif
