/* SPDX-License-Identifier: MIT
 *
 * table - a chained hash table of nodes that the user allocates, keyed by 64 bits that are a hash already. Own code: what glibc has
 * (hsearch) can't remove, and the nodes must carry their links to stay small.
 */
#ifndef EMQXI_TABLE_H
#define EMQXI_TABLE_H

#include "base/base.h"

/* First member of what is kept. */
typedef struct emqxi_node {
    struct emqxi_node *next;
    uint64_t key;
} emqxi_node;

typedef struct emqxi_table {
    const emqx_tls_allocator *allocator;
    emqxi_node **buckets;
    size_t size; /* a power of two, or 0 before the first node */
    size_t count;
} emqxi_table;

/* The link that points to the node, to replace or remove it by; NULL if there is none. */
emqxi_node **emqxi_table_find(const emqxi_table *table, uint64_t key);

/* Adds a node whose key is not in it. False: no memory. */
bool emqxi_table_add(emqxi_table *table, emqxi_node *node);

/* Takes the node out that the link points to, and returns it. */
emqxi_node *emqxi_table_take(emqxi_table *table, emqxi_node **link);

/* Gives the buckets back; the nodes are the user's. */
void emqxi_table_free(emqxi_table *table);

#endif
