/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * names - is this one of the names of a certificate, however it is written? Pure.
 */
#ifndef EMQXI_NAMES_H
#define EMQXI_NAMES_H

#include "base/base.h"

#define EMQXI_NAMES_MAX 64

/* A hash for each common name and alternative name of a leaf. */
typedef struct emqxi_names {
    uint32_t count;
    bool more; /* there are more than can be kept */
    uint64_t hash[EMQXI_NAMES_MAX];
} emqxi_names;

void emqxi_names_add(emqxi_names *names, const char *text, size_t len);

/* Case, a final dot, "CN=", an A- or U-label, being cut off at 64 bytes and being one of several in
 * a row make no difference. True also where that can't be told, since not all names are known. */
bool emqxi_names_have(const emqxi_names *names, const char *told);

#endif
