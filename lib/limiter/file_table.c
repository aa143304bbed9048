/* SPDX-License-Identifier: MIT
 *
 * Which cell a deployment has: the first of the cells from its hash on that has its key. A key
 * stands no further from its place than REACH cells, and never behind a cell that was never used,
 * but where a loss of power has emptied that one. A new key takes the first cell on its way that is
 * idle; where there is none, the file is replaced by one with twice the cells, and what is idle is
 * left behind.
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

/* The keys of the cells that are not idle, at their cells' places; the others' are `idle`. */
static emqx_tls_code keys_in_use(emqxi_file *f, uint64_t *keys, bool *used, emqxi_error *error)
{
    for (uint64_t cell = 0; cell < f->cells; cell++) {
        emqx_tls_code code = emqxi_cell_read(f, cell, error);
        if (code != EMQX_TLS_OK)
            return code;
        keys[cell] = f->now->key;
        used[cell] = f->now->used && !emqxi_cell_idle(f);
    }
    return EMQX_TLS_OK;
}

static bool place_all(uint64_t *from, uint64_t cells, const emqxi_file *f, const uint64_t *keys,
                      const bool *used)
{
    memset(from, 0xff, cells * sizeof *from);
    for (uint64_t cell = 0; cell < f->cells; cell++)
        if (used[cell] && !place(from, cells, keys[cell], cell))
            return false;
    return true;
}

static emqx_tls_code grow(emqxi_file *f, emqxi_error *error)
{
    const emqx_tls_allocator *a = &f->settings.allocator;
    uint64_t *keys = emqxi_alloc(a, f->cells * sizeof *keys), *from = NULL;
    bool *used = emqxi_alloc(a, f->cells * sizeof *used);
    uint64_t cells = f->cells;
    emqx_tls_code code = EMQX_TLS_E_NO_MEMORY;
    if (keys && used)
        code = keys_in_use(f, keys, used, error);
    while (code == EMQX_TLS_OK) {
        cells *= 2;
        emqxi_free(a, from);
        from = cells <= EMQXI_CELLS_MAX ? emqxi_alloc(a, cells * sizeof *from) : NULL;
        if (!from)
            code = EMQX_TLS_E_NO_MEMORY;
        else if (place_all(from, cells, f, keys, used))
            break;
    }
    if (code == EMQX_TLS_OK)
        code = emqxi_file_replace(f, from, cells, error);
    else if (code == EMQX_TLS_E_NO_MEMORY)
        emqxi_fail(error, code, "no memory for the quota of one more deployment");
    emqxi_free(a, from);
    emqxi_free(a, used);
    emqxi_free(a, keys);
    return code;
}

static emqx_tls_code claim_cell(emqxi_file *f, uint64_t cell, uint64_t key, emqxi_error *error)
{
    emqx_tls_code code = emqxi_cell_read(f, cell, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqxi_cell_begin(f, key);
    f->changed = true;
    f->rebased = false; /* whose stamps they were is gone */
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_file_find(emqxi_file *f, uint64_t key, bool claim, bool *found,
                              emqxi_error *error)
{
    for (;;) {
        uint64_t idle = NO_CELL;
        *found = false;
        for (uint64_t i = 0; i < EMQXI_MIN(f->cells, REACH); i++) {
            uint64_t cell = (key + i) & (f->cells - 1);
            emqx_tls_code code = emqxi_cell_read(f, cell, error);
            if (code != EMQX_TLS_OK)
                return code;
            if (f->now->used && f->now->key == key) {
                *found = true;
                return code;
            }
            if (idle == NO_CELL && (!f->now->used || emqxi_cell_idle(f)))
                idle = cell;
            /* else its record may have been lost, and this one's not */
            if (!f->now->used && !emqxi_file_doubted(f))
                break;
        }
        if (!claim)
            return EMQX_TLS_OK;
        if (idle != NO_CELL)
            return claim_cell(f, idle, key, error);
        emqx_tls_code code = grow(f, error);
        if (code != EMQX_TLS_OK)
            return code;
    }
}
