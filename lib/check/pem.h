/* SPDX-License-Identifier: MIT
 *
 * pem.h - a text as a row of PEM blocks (RFC 7468), and back.
 *
 * Own code: OpenSSL is optional, its reader keeps copies of the key, asks for passphrases, and does
 * not tell what is wrong with which block. Strict where the bytes are concerned (alphabet, padding,
 * one DER value of exactly the block's length), lax where RFC 7468 is: line ends, line lengths,
 * space around a line, a BOM, text between the blocks.
 */
#ifndef EMQXI_PEM_H
#define EMQXI_PEM_H

#include "base/base.h"

enum emqxi_pem_kind {
    EMQXI_PEM_NONE,       /* a line that begins with "-----" but is no boundary in its place */
    EMQXI_PEM_OTHER,      /* a label that belongs into no part */
    EMQXI_PEM_CERT,       /* CERTIFICATE, or its old name X509 CERTIFICATE */
    EMQXI_PEM_PKCS8,      /* PRIVATE KEY */
    EMQXI_PEM_PKCS1,      /* RSA PRIVATE KEY */
    EMQXI_PEM_SEC1,       /* EC PRIVATE KEY */
    EMQXI_PEM_ENCRYPTED,  /* ENCRYPTED PRIVATE KEY, or any other with Proc-Type: 4,ENCRYPTED */
    EMQXI_PEM_KEY_OTHER,  /* any other PRIVATE KEY: OPENSSH, DSA, ... */
    EMQXI_PEM_PARAMETERS, /* EC PARAMETERS, which openssl ecparam writes before a SEC1 key */
};

typedef struct emqxi_pem_block {
    enum emqxi_pem_kind kind;
    uint32_t line;     /* of its BEGIN, from 1 */
    const char *fault; /* what is damaged, as the end of a sentence; NULL: nothing */
    const char *label; /* printable ASCII, in the text that was scanned; not NUL-terminated */
    size_t label_len;
    const unsigned char *der; /* in emqxi_pem.der */
    size_t der_len;
    /* the first block of the same certificate, if it is another; set by the check */
    const struct emqxi_pem_block *twin;
} emqxi_pem_block;

typedef struct emqxi_pem {
    emqxi_pem_block *blocks; /* in the order of the text, the damaged ones too */
    size_t count, capacity;
    unsigned char *der; /* may hold a private key: wiped */
    size_t der_size, der_used;
    /* the first line outside the blocks that looks like the rest of one, or is no text; 0: none */
    uint32_t stray_line;
    bool blank; /* nothing but white space */
} emqxi_pem;

/* False: no memory; then too emqxi_pem_free. `text` must outlive *pem. */
bool emqxi_pem_scan(const emqx_tls_allocator *a, const char *text, size_t len, emqxi_pem *pem);
void emqxi_pem_free(const emqx_tls_allocator *a, emqxi_pem *pem);

bool emqxi_pem_is_key(const emqxi_pem_block *block); /* a private key of any kind */

/* -- canonical.c */
/* Writes a block as canonical PEM (64 columns, LF) and a NUL; returns where that is. */
char *emqxi_pem_write(const emqxi_pem_block *block, char *to);
size_t emqxi_pem_room(const emqxi_pem_block *block); /* so many bytes are enough for it */

#endif
