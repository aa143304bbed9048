/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Keys and certificates for tests, made when they run.
 */
#ifndef MATERIAL_H
#define MATERIAL_H

typedef struct test_material {
    char *cert; /* the leaf, and its CA behind it */
    char *key;
    char *cacert; /* the CA alone */
} test_material;

/* An EC P-256 key and a certificate for `name` that is valid for `days` more, issued by a new
 * CA. */
void material_make(test_material *m, const char *name, int days);
void material_free(test_material *m);

#endif
