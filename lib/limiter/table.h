/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * table - a hash table from 64 bits, which are a hash already, to pointers: open addressing, so
 * that a look-up among 100,000 reads one place and not a chain of them. Own code: what glibc has
 * (hsearch) can't remove.
 */
#ifndef EMQXI_TABLE_H
#define EMQXI_TABLE_H

#include "base/base.h"

typedef struct emqxi_entry {
    uint64_t key;
    void *value; /* NULL: none */
} emqxi_entry;

typedef struct emqxi_table {
    const emqx_tls_allocator *allocator;
    emqxi_entry *entries;
    size_t size; /* a power of two, or 0 before the first entry */
    size_t count;
} emqxi_table;

/* A key's value; NULL: none. */
void *emqxi_table_get(const emqxi_table *table, uint64_t key);

/* Sets a key's value. False: no memory, which a key that is there already does not need. */
bool emqxi_table_set(emqxi_table *table, uint64_t key, void *value);

/* Takes a key out that is there. Entries move to fill its place. */
void emqxi_table_remove(emqxi_table *table, uint64_t key);

/* Gives the entries back, not what they point to. */
void emqxi_table_free(emqxi_table *table);

#endif
