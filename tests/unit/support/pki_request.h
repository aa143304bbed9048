/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Requests out of the pieces of pki.h.
 */
#ifndef PKI_REQUEST_H
#define PKI_REQUEST_H

#include <emqxtls/check.h>

#include "pki.h"

typedef struct pki_parts {
    pki_text cert, key, cacert;
} pki_parts;

/* Each a list of names; "" is nothing. */
pki_parts pki_parts_make(const char *cert, const char *key, const char *cacert);
void pki_parts_free(pki_parts *parts);

/* Borrows them. Two-way where there is something for the client CA. */
emqx_tls_request pki_request(const pki_parts *parts);

/* For a group's tear-down: pki_end. */
int pki_tear_down(void **state);

#endif
