/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A good request whose bytes are changed: as text, and below the base64, where the DER is.
 */
#ifndef CHECK_EDIT_H
#define CHECK_EDIT_H

#include "fuzz.h"

#include "support/pki.h"

enum { EDIT_CERT, EDIT_KEY, EDIT_CACERT, EDIT_PARTS };

typedef struct edit_request {
    pki_text parts[EDIT_PARTS];
} edit_request;

void edit_make(edit_request *e);
void edit_free(edit_request *e);

/* Checks it in memory of exact size. What passed comes out canonical, and canonical stays what it
 * is. */
emqx_tls_code edit_check(const edit_request *e);

/* Changes a byte of a part's DER, all of its blocks taken as one row, and writes the part anew.
 * False: there is none there. */
bool edit_der(edit_request *e, size_t part, size_t at, uint8_t value);

#endif
