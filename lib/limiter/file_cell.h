/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file_cell - the quota file, its second layer: how a cell is read and written, and which one a
 * deployment has. The file is locked by whoever calls.
 *
 * Of a cell's three records the valid one with the highest number counts. A write's reservation is
 * on the disk (fdatasync) before its request may leave. All else, reads above all, is only written.
 * The page cache may bring such records to the disk in any order or not at all when the power goes,
 * so one of them must never stand where the last synced one was; and where the newest one was,
 * nothing must be written, since a process may be killed in the middle. Hence three places, not
 * two: the newest, the last synced, and the one that is written next.
 *
 * A crash leaves the newest record. A loss of power leaves that one or an older one, at the oldest
 * the last synced one, and each record says how many reads may have been reserved since without a
 * sync: they are charged after a reboot. So is a deployment that the file does not know then: its
 * first reads need no sync either. Each record also names the last synced one: where that is
 * missing, the disk has lost more than a loss of power can take, and the cell counts as damaged.
 */
#ifndef EMQXI_FILE_CELL_H
#define EMQXI_FILE_CELL_H

#include "limiter/file_disk.h"

#define EMQXI_SYNC_MEMORY 512

typedef struct emqxi_cells {
    emqxi_disk disk;
    emqxi_settings settings;

    const emqxi_host *host;
    emqxi_timebase here;
    int64_t wall_checked_ms; /* when the kernel was asked about the wall clock; INT64_MIN never */
    int64_t wall_offset_ms;  /* wall clock less now, as it was then; EMQXI_NO_WALL: not trusted */

    /* the cell in hand */
    uint64_t cell;
    uint32_t newest, base;  /* its newest record, and its last synced one */
    bool changed;           /* new, or its stamps were another boot's: to be written */
    bool rebased;           /* the second of these: with a sync */
    emqxi_file_record *now; /* what it is now; NULL: not set up yet */
    char *records;          /* as they were read */

    /* Checksums of records that this limiter has synced itself, by cell. */
    uint64_t synced[EMQXI_SYNC_MEMORY];
} emqxi_cells;

/* -- file_cell.c. Where false is returned disk.error tells ------------------------------------- */

/* What depends on the settings: groups, limits, sizes, memory for a cell. */
bool emqxi_cells_set_up(emqxi_cells *c);
void emqxi_cells_free(emqxi_cells *c);

/* Reads the clocks. */
void emqxi_cells_look(emqxi_cells *c);

/* Sets c->now for a cell that holds nothing. */
void emqxi_cell_clear(emqxi_cells *c, bool used, uint64_t key);

/* May a loss of power have taken records whose slots would still be held? Those of deployments that
 * had reads alone: the file is older than this boot, and the boot is younger than a window. */
bool emqxi_cells_doubted(const emqxi_cells *c);

/* Sets c->now for a deployment that the file does not know: it holds nothing, or as many reads as
 * may have been lost. */
void emqxi_cell_begin(emqxi_cells *c, uint64_t key);

/* Reads the cell into c->now and brings its stamps to this boot's clock. */
bool emqxi_cell_read(emqxi_cells *c, uint64_t cell);

/* Writes c->now as the cell's newest record; `sync`: it is on the disk when this returns. */
bool emqxi_cell_write(emqxi_cells *c, bool sync);

/* Writes c->now as the first record of a cell in a new file. False: errno tells. */
bool emqxi_cell_put(emqxi_cells *c, const emqxi_disk *to, uint64_t cell);

/* A group's log in c->now. */
emqxi_view emqxi_cell_view(const emqxi_cells *c, uint32_t group);
bool emqxi_cell_idle(const emqxi_cells *c);

/* -- file_make.c ------------------------------------------------------------------------------- */

/* Makes the file, unless somebody else has by then. */
bool emqxi_cells_make_file(emqxi_cells *c);

/* Replaces the locked file by one whose cells are `from[i]` of this one, or fresh where that is
 * UINT64_MAX. */
bool emqxi_cells_replace_file(emqxi_cells *c, const uint64_t *from, uint64_t cells);

/* -- file_table.c ------------------------------------------------------------------------------ */

/* Reads the deployment's cell into c->now; *found false: it has none. */
bool emqxi_cells_find(emqxi_cells *c, uint64_t key, bool *found);

/* The same, but one that has none gets one. */
bool emqxi_cells_claim(emqxi_cells *c, uint64_t key);

#endif
