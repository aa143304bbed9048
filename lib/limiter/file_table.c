/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Which cell a deployment has. With PER_DEPLOYMENT the cells are a hash table with linear probing:
 * a deployment's is the first from its hash on that has its key. A key stands no further from its
 * place than REACH cells, and never behind a cell that was never used, but where a loss of power
 * has emptied that one. A new key takes the first cell on its way that is idle; where there is
 * none, the file is replaced by one with twice the cells, and what is idle is left behind.
 */
#include "limiter/file.h"

#include <string.h>

#define REACH   64
#define NO_CELL UINT64_MAX

/* Finds a free place for `key` in a table that `from` describes. */
static bool place(uint64_t *from, uint64_t cells, uint64_t key, uint64_t cell)
{
    for (uint64_t i = 0; i < REACH; i++) {
        uint64_t to = (key + i) & (cells - 1);
        if (from[to] == NO_CELL) {
            from[to] = cell;
            return true;
        }
    }
    return false;
}

/* Places all cells that are not idle; *fits false: there is no place for one. */
static bool place_all(emqxi_file *f, uint64_t *from, uint64_t cells, bool *fits)
{
    memset(from, 0xff, cells * sizeof *from);
    *fits = true;
    for (uint64_t cell = 0; *fits && cell < f->disk.cells; cell++) {
        if (!emqxi_cell_read(f, cell))
            return false;
        if (f->now->used && !emqxi_cell_idle(f))
            *fits = place(from, cells, f->now->key, cell);
    }
    return true;
}

static bool grow_file(emqxi_file *f)
{
    const emqx_tls_allocator *a = &f->settings.allocator;
    bool ok = true, fits = false;
    for (uint64_t cells = 2 * f->disk.cells; ok && !fits; cells *= 2) {
        uint64_t *from = cells <= EMQXI_CELLS_MAX ? emqxi_alloc(a, cells * sizeof *from) : NULL;
        if (!from)
            return !emqxi_fail(&f->disk.error, EMQX_TLS_E_NO_MEMORY,
                               "no memory for the quota of one more deployment");
        ok = place_all(f, from, cells, &fits) && (!fits || emqxi_file_replace(f, from, cells));
        emqxi_free(a, from);
    }
    return ok;
}

/* As emqxi_cell_find; not found, *idle is the first cell on the way that the key may take. */
static bool search(emqxi_file *f, uint64_t key, bool *found, uint64_t *idle)
{
    *found = false;
    *idle = NO_CELL;
    for (uint64_t i = 0; i < EMQXI_MIN(f->disk.cells, REACH); i++) {
        uint64_t cell = (key + i) & (f->disk.cells - 1);
        if (!emqxi_cell_read(f, cell))
            return false;
        if ((*found = f->now->used && f->now->key == key))
            return true;
        if (*idle == NO_CELL && (!f->now->used || emqxi_cell_idle(f)))
            *idle = cell;
        /* else its record may have been lost, and this one's not */
        if (!f->now->used && !emqxi_file_doubted(f))
            break;
    }
    return true;
}

bool emqxi_cell_find(emqxi_file *f, uint64_t key, bool *found)
{
    uint64_t idle;
    return search(f, key, found, &idle);
}

bool emqxi_cell_claim(emqxi_file *f, uint64_t key)
{
    bool found;
    uint64_t idle = NO_CELL;
    while (idle == NO_CELL) {
        if (!search(f, key, &found, &idle))
            return false;
        if (found)
            return true;
        if (idle == NO_CELL && !grow_file(f))
            return false;
    }
    if (!emqxi_cell_read(f, idle))
        return false;
    emqxi_cell_begin(f, key);
    f->changed = true;
    f->rebased = false; /* whose stamps they were is gone */
    return true;
}
