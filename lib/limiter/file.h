/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file - the quota in a file, for the processes of one machine, above what is on the disk
 * (file_disk.h): how a cell is read and written, which one a deployment has, and who may use the
 * file. The files below stand in that order; each calls only those before it.
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
#ifndef EMQXI_FILE_H
#define EMQXI_FILE_H

#include "limiter/file_disk.h"

#define EMQXI_SYNC_MEMORY 512

typedef struct emqxi_file {
    emqxi_disk disk;
    emqxi_settings settings;

    const emqxi_host *host;
    emqxi_timebase here;
    int64_t wall_checked_ms; /* when the kernel was asked about the wall clock */
    int64_t wall_offset_ms;  /* wall clock less now, as it was then; EMQXI_NO_WALL: not trusted */

    /* the cell in hand */
    uint64_t cell;
    uint32_t newest, base;  /* its newest record, and its last synced one */
    bool changed;           /* new, or its stamps were another boot's: to be written */
    bool rebased;           /* the second of these: with a sync */
    emqxi_file_record *now; /* what it is now; NULL: not set up yet */
    char *records;          /* as they were read */

    /* Checksums of records that this limiter has synced itself, by cell. */
    uint64_t *synced;
    size_t remembered;
    uint32_t forks;
} emqxi_file;

/* -- file_cell.c. Where false is returned disk.error tells ------------------------------------- */

/* What depends on the settings: groups, limits, sizes, memory for a cell. */
bool emqxi_file_set_up(emqxi_file *f);
void emqxi_file_free(emqxi_file *f);
void emqxi_file_forget_syncs(emqxi_file *f); /* it is another file now */

bool emqxi_file_no_memory(emqxi_file *f); /* sets the error; false */

void emqxi_file_look(emqxi_file *f); /* reads the clocks */

/* May a loss of power have taken records whose slots would still be held? Those of deployments that
 * had reads alone: the file is older than this boot, and the boot is younger than a window. */
bool emqxi_file_doubted(const emqxi_file *f);

/* Sets f->now for a cell that holds nothing; for a deployment that the file does not know, which
 * holds nothing either, or as many reads as may have been lost. */
void emqxi_cell_clear(emqxi_file *f, bool used, uint64_t key);
void emqxi_cell_begin(emqxi_file *f, uint64_t key);

/* Reads the cell into f->now and brings its stamps to this boot's clock. */
bool emqxi_cell_read(emqxi_file *f, uint64_t cell);

/* Writes f->now as the cell's newest record; `sync`: it is on the disk when this returns. */
bool emqxi_cell_write(emqxi_file *f, bool sync);

/* Writes f->now as the first record of a cell in a new file. False: errno tells. */
bool emqxi_cell_put(emqxi_file *f, const emqxi_disk *to, uint64_t cell);

emqxi_view emqxi_cell_view(const emqxi_file *f, uint32_t group); /* its log in f->now */
bool emqxi_cell_idle(const emqxi_file *f);

/* -- file_make.c ------------------------------------------------------------------------------- */

bool emqxi_file_make(emqxi_file *f); /* unless somebody else has by then */

/* Replaces the locked file by one whose cells are `from[i]` of this one, or fresh where that is
 * UINT64_MAX. */
bool emqxi_file_replace(emqxi_file *f, const uint64_t *from, uint64_t cells);

/* -- file_table.c ------------------------------------------------------------------------------ */

/* Reads the deployment's cell into f->now; *found false: it has none. With `claim` it gets one. */
bool emqxi_cell_find(emqxi_file *f, uint64_t key, bool *found);
bool emqxi_cell_claim(emqxi_file *f, uint64_t key);

/* -- file_access.c ----------------------------------------------------------------------------- */

/* Opens the file, making it if it does not exist. `take`: its settings are taken over, else they
 * must be the same. */
bool emqxi_file_attach(emqxi_file *f, bool take);
void emqxi_file_detach(emqxi_file *f);

/* Takes the lock on the file that the path names now, and looks at the clocks. False, and
 * error.retry_after_ms is not -1: another process has the lock. */
bool emqxi_file_lock(emqxi_file *f);
void emqxi_file_unlock(const emqxi_file *f);

/* -- file_store.c ------------------------------------------------------------------------------ */

/* Opens the store: emqx_tls_limiter_open_file with the machine's answers given. */
emqx_tls_code emqxi_file_open(const char *path, const emqx_tls_limiter_config *config,
                              const emqxi_host *host, emqx_tls_store *store,
                              emqxi_settings *settings, emqx_tls_error *error);

#endif
