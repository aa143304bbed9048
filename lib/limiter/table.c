/* SPDX-License-Identifier: MIT */
#include "limiter/table.h"

emqxi_node **emqxi_table_find(const emqxi_table *table, uint64_t key)
{
    if (table->size == 0)
        return NULL;
    for (emqxi_node **link = &table->buckets[key & (table->size - 1)]; *link; link = &(*link)->next)
        if ((*link)->key == key)
            return link;
    return NULL;
}

static void put(emqxi_node **buckets, size_t size, emqxi_node *node)
{
    emqxi_node **bucket = &buckets[node->key & (size - 1)];
    node->next = *bucket;
    *bucket = node;
}

/* A table that can't grow goes on with longer chains. */
static bool grow(emqxi_table *table)
{
    size_t size = table->size ? 2 * table->size : 4;
    emqxi_node **buckets = emqxi_zalloc(table->allocator, size * sizeof *buckets);
    if (!buckets)
        return table->size > 0;
    for (size_t i = 0; i < table->size; i++)
        for (emqxi_node *node = table->buckets[i], *next; node; node = next) {
            next = node->next;
            put(buckets, size, node);
        }
    emqxi_free(table->allocator, table->buckets);
    table->buckets = buckets;
    table->size = size;
    return true;
}

bool emqxi_table_add(emqxi_table *table, emqxi_node *node)
{
    if (table->count == table->size && !grow(table))
        return false;
    put(table->buckets, table->size, node);
    table->count++;
    return true;
}

emqxi_node *emqxi_table_take(emqxi_table *table, emqxi_node **link)
{
    emqxi_node *node = *link;
    *link = node->next;
    table->count--;
    return node;
}

void emqxi_table_free(emqxi_table *table)
{
    emqxi_free(table->allocator, table->buckets);
    table->buckets = NULL;
    table->size = table->count = 0;
}
