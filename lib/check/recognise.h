/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * recognise - what it is that should be PEM, or in PEM, and is not; and the step that mends it.
 */
#ifndef EMQXI_RECOGNISE_H
#define EMQXI_RECOGNISE_H

#include "check/der.h"

typedef struct emqxi_nature {
    const char *what; /* "cert is ..." */
    bool der, binary;
    char mend[176];
} emqxi_nature;

/* A whole part. False: nothing that is known. */
bool emqxi_recognise(const char *text, size_t len, emqxi_nature *nature);

/* A DER value of this shape, in a block of PEM or (`der`) as a file of its own. */
void emqxi_recognise_shape(enum emqxi_der_shape shape, bool der, emqxi_nature *nature);

#endif
