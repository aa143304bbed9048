/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/table.h"

emqxi_entry *emqxi_table_find(const emqxi_table *table, uint64_t key)
{
    size_t mask = table->size - 1;
    if (table->size == 0)
        return NULL;
    for (size_t i = key & mask; table->entries[i].value; i = (i + 1) & mask)
        if (table->entries[i].key == key)
            return &table->entries[i];
    return NULL;
}

static emqxi_entry *put(emqxi_entry *entries, size_t size, emqxi_entry entry)
{
    size_t i = entry.key & (size - 1);
    while (entries[i].value)
        i = (i + 1) & (size - 1);
    entries[i] = entry;
    return &entries[i];
}

static bool grow(emqxi_table *table)
{
    size_t size = table->size ? 2 * table->size : 8;
    emqxi_entry *entries = emqxi_zalloc(table->allocator, size * sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->entries[i].value)
            put(entries, size, table->entries[i]);
    emqxi_free(table->allocator, table->entries);
    table->entries = entries;
    table->size = size;
    return true;
}

emqxi_entry *emqxi_table_add(emqxi_table *table, uint64_t key, void *value)
{
    if (table->count >= table->size / 5 * 4 && !grow(table))
        return NULL;
    table->count++;
    return put(table->entries, table->size, (emqxi_entry){.key = key, .value = value});
}

void emqxi_table_remove(emqxi_table *table, emqxi_entry *entry)
{
    size_t mask = table->size - 1, hole = (size_t)(entry - table->entries);
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
