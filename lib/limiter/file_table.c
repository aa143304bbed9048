/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Which cell a deployment has. With PER_DEPLOYMENT the cells are a hash table with linear probing: a
 * deployment's is the first from its hash on that has its key. A key stands no further from its
 * place than REACH cells, and never behind a cell that was never used, but where a loss of power has
 * emptied that one. A new key takes the first cell on its way that is idle; where there is none, the
 * file is replaced by one with twice the cells, and what is idle is left behind.
 */
#include "limiter/file_cell.h"

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
static bool place_all(emqxi_cells *c, uint64_t *from, uint64_t cells, bool *fits)
{
    memset(from, 0xff, cells * sizeof *from);
    *fits = true;
    for (uint64_t cell = 0; *fits && cell < c->disk.cells; cell++) {
        if (!emqxi_cell_read(c, cell))
            return false;
        if (c->now->used && !emqxi_cell_idle(c))
            *fits = place(from, cells, c->now->key, cell);
    }
    return true;
}

static bool grow_file(emqxi_cells *c)
{
    const emqx_tls_allocator *a = &c->settings.allocator;
    bool ok = true, fits = false;
    for (uint64_t cells = 2 * c->disk.cells; ok && !fits; cells *= 2) {
        uint64_t *from = cells <= EMQXI_CELLS_MAX ? emqxi_alloc(a, cells * sizeof *from) : NULL;
        if (!from)
            return !emqxi_fail(&c->disk.error, EMQX_TLS_E_NO_MEMORY,
                               "no memory for the quota of one more deployment");
        ok =
            place_all(c, from, cells, &fits) && (!fits || emqxi_cells_replace_file(c, from, cells));
        emqxi_free(a, from);
    }
    return ok;
}

/* As emqxi_cells_find; not found, *idle is the first cell on the way that the key may take. */
static bool search(emqxi_cells *c, uint64_t key, bool *found, uint64_t *idle)
{
    *found = false;
    *idle = NO_CELL;
    for (uint64_t i = 0; i < EMQXI_MIN(c->disk.cells, REACH); i++) {
        uint64_t cell = (key + i) & (c->disk.cells - 1);
        if (!emqxi_cell_read(c, cell))
            return false;
        if ((*found = c->now->used && c->now->key == key))
            return true;
        if (*idle == NO_CELL && (!c->now->used || emqxi_cell_idle(c)))
            *idle = cell;
        /* else its record may have been lost, and this one's not */
        if (!c->now->used && !emqxi_cells_doubted(c))
            break;
    }
    return true;
}

bool emqxi_cells_find(emqxi_cells *c, uint64_t key, bool *found)
{
    uint64_t idle;
    return search(c, key, found, &idle);
}

bool emqxi_cells_claim(emqxi_cells *c, uint64_t key)
{
    bool found;
    uint64_t idle = NO_CELL;
    while (idle == NO_CELL) {
        if (!search(c, key, &found, &idle))
            return false;
        if (found)
            return true;
        if (idle == NO_CELL && !grow_file(c))
            return false;
    }
    if (!emqxi_cell_read(c, idle))
        return false;
    emqxi_cell_begin(c, key);
    c->changed = true;
    c->rebased = false; /* whose stamps they were is gone */
    return true;
}
