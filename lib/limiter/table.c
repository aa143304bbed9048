/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/table.h"

/* Where a key is, or would go. The table is not full. */
static emqxi_entry *place_of(emqxi_entry *entries, size_t size, uint64_t key)
{
    size_t i = key & (size - 1);
    while (entries[i].value && entries[i].key != key)
        i = (i + 1) & (size - 1);
    return &entries[i];
}

void *emqxi_table_get(const emqxi_table *table, uint64_t key)
{
    return table->size ? place_of(table->entries, table->size, key)->value : NULL;
}

static bool grow(emqxi_table *table)
{
    size_t size = table->size ? 2 * table->size : 8;
    emqxi_entry *entries = emqxi_zalloc(table->allocator, size * sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->entries[i].value)
            *place_of(entries, size, table->entries[i].key) = table->entries[i];
    emqxi_free(table->allocator, table->entries);
    table->entries = entries;
    table->size = size;
    return true;
}

bool emqxi_table_set(emqxi_table *table, uint64_t key, void *value)
{
    if (!emqxi_table_get(table, key)) {
        if (table->count >= table->size / 5 * 4 && !grow(table))
            return false;
        table->count++;
    }
    *place_of(table->entries, table->size, key) = (emqxi_entry){.key = key, .value = value};
    return true;
}

void emqxi_table_remove(emqxi_table *table, uint64_t key)
{
    size_t mask = table->size - 1;
    size_t hole = (size_t)(place_of(table->entries, table->size, key) - table->entries);
    table->count--;
    for (size_t i = (hole + 1) & mask; table->entries[i].value; i = (i + 1) & mask) {
        size_t home = table->entries[i].key & mask;
        /* its search would pass the hole: it moves there */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole].value = NULL;
}

void emqxi_table_free(emqxi_table *table)
{
    emqxi_free(table->allocator, table->entries);
    table->entries = NULL;
    table->size = table->count = 0;
}
