/* SPDX-License-Identifier: MIT
 *
 * file - the quota in a file, for the processes of one machine.
 *
 * Layout, in the machine's own byte order: a header of one block, written once, then cells. A cell
 * has the logs of all classes of one deployment; without PER_DEPLOYMENT there is one cell for all.
 * With it they are a hash table with linear probing, and the file is replaced by one with twice the
 * cells when it is too full.
 *
 * A cell is three records of one fixed size, each with a sequence number and a checksum of its
 * whole; the valid one with the highest number counts. A write's reservation is on the disk
 * (fdatasync) before its request may leave. All else, reads above all, is only written. The page
 * cache may bring such records to the disk in any order or not at all when the power goes, so one
 * of them must never stand where the last synced one was; and where the newest one was, nothing
 * must be written, since a process may be killed in the middle. Hence three places, not two: the
 * newest, the last synced, and the one that is written next. A crash leaves the newest record; a
 * loss of power that one or an older one, at the oldest the last synced one, and each record says
 * how many reads may have been reserved since without a sync: they are charged after a reboot. So
 * is a deployment that the file does not know then: its first reads need no sync either.
 */
#ifndef EMQXI_FILE_H
#define EMQXI_FILE_H

#include "limiter/origin.h"
#include "limiter/store.h"

#include <sys/types.h>

#define EMQXI_FILE_MAGIC   0x71736c7478716d65u /* "emqxtlsq" on a little-endian machine */
#define EMQXI_FILE_VERSION 1
#define EMQXI_RECORDS      3
/* of the header; and of a record, where there is one cell */
#define EMQXI_FILE_BLOCK  4096
#define EMQXI_SYNC_MEMORY 512
/* a power of two, as their number always is */
#define EMQXI_CELLS_MAX ((uint64_t)1 << 24)

typedef struct emqxi_file_header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t reads, writes;
    uint64_t window_ms;
    uint64_t cells;
    uint8_t hash_key[16];
    emqxi_origin born; /* where and when the first file was made: one that replaces it keeps this */
    uint64_t checksum; /* of all before */
} emqxi_file_header;

typedef struct emqxi_record {
    uint64_t checksum; /* of all that follows, and of the file and the place */
    uint64_t sequence;
    uint64_t key;            /* hash of the deployment's name; 0 without PER_DEPLOYMENT */
    uint32_t used;           /* 0: the cell has never had a deployment */
    uint32_t synced;         /* 1: fdatasync follows; no request of it leaves before */
    uint32_t unsynced_reads; /* so many may be reserved after this record before one is synced */
    uint32_t reserved;
    emqxi_origin origin;
    emqxi_log logs[EMQXI_CLASSES];
    emqxi_slot slots[]; /* of each class in turn, as many as its limit */
} emqxi_record;

typedef struct emqxi_file {
    emqxi_settings settings;
    const emqxi_host *host;
    char *path; /* absolute */
    uint32_t classes;
    emqxi_limits limits[EMQXI_CLASSES];
    uint32_t first_slot[EMQXI_CLASSES];
    size_t record_size; /* on the disk */
    size_t record_len;  /* of it, used */

    int fd; /* -1: not open */
    uint32_t forks;
    dev_t device;
    ino_t inode;
    uint64_t cells;
    uint8_t hash_key[16];
    emqxi_origin born;

    emqxi_origin here;
    int64_t wall_checked_ms; /* when the kernel was asked about the wall clock; INT64_MIN never */
    int64_t wall_offset_ms;  /* wall clock less now, as it was then; EMQXI_NO_WALL: not trusted */

    /* the cell in hand */
    uint64_t cell;
    /* its newest record, and its last synced one or EMQXI_RECORDS for none */
    uint32_t newest, base;
    bool changed;      /* new, or its stamps were another boot's: to be written */
    bool rebased;      /* the second of these: with a sync */
    emqxi_record *now; /* what it is now */
    char *records;     /* as they were read */

    /* Checksums of records that this limiter has synced itself, by cell. */
    uint64_t synced[EMQXI_SYNC_MEMORY];
} emqxi_file;

/* -- file.c ------------------------------------------------------------------------------------ */

/* emqx_tls_limiter_open_file with the machine's answers given. */
emqx_tls_code emqxi_file_open(const char *path, const emqx_tls_limiter_config *config,
                              const emqxi_host *host, emqx_tls_store *store,
                              emqxi_settings *settings, emqx_tls_error *error);

/* STORE, the path before the text. `error` as a store gets it. */
emqx_tls_code emqxi_file_fail(const emqxi_file *f, emqxi_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* -- file_disk.c: the file as a whole ---------------------------------------------------------- */

/* Opens the file, making it if it does not exist. `take`: its settings are taken over, else they
 * must be the same. NO_MEMORY, STORE. */
emqx_tls_code emqxi_file_attach(emqxi_file *f, bool take, emqxi_error *error);
void emqxi_file_detach(emqxi_file *f);

/* Takes the lock on the file that the path names now, and looks at the clocks. STORE; with
 * error->retry_after_ms >= 0: another process has the lock. */
emqx_tls_code emqxi_file_lock(emqxi_file *f, emqxi_error *error);
void emqxi_file_unlock(const emqxi_file *f);

/* Reads the clocks. */
void emqxi_file_look(emqxi_file *f);

/* -- file_make.c ------------------------------------------------------------------------------- */

uint64_t emqxi_header_checksum(const emqxi_file_header *h);
off_t emqxi_file_size(const emqxi_file *f, uint64_t cells);

/* Makes the file, unless somebody else has by then. NO_MEMORY, STORE. */
emqx_tls_code emqxi_file_make(emqxi_file *f, emqxi_error *error);

/* Syncs the folder: its entry for the file must be on the disk before the file is relied on, and
 * whoever made it may have been killed before. False: errno tells. */
bool emqxi_file_sync_name(const emqxi_file *f);

/* Replaces the locked file by one whose cells are `from[i]` of this one, or fresh where that is
 * UINT64_MAX. */
emqx_tls_code emqxi_file_replace(emqxi_file *f, const uint64_t *from, uint64_t cells,
                                 emqxi_error *error);

/* -- file_cell.c: one cell --------------------------------------------------------------------- */

/* What depends on the settings: classes, limits, sizes, memory for a cell. False: no memory. */
bool emqxi_cell_setup(emqxi_file *f);

/* A record for a cell that holds nothing. */
void emqxi_cell_clear(emqxi_file *f, bool used, uint64_t key);

/* May a loss of power have taken records whose slots would still be held? Those of deployments that
 * had reads alone: the file is older than this boot, and the boot is younger than a window. */
bool emqxi_file_doubted(const emqxi_file *f);

/* A record for a deployment that the file does not know: it holds nothing, or as many reads as may
 * have been lost. */
void emqxi_cell_begin(emqxi_file *f, uint64_t key);

/* Reads the cell and brings its stamps to this boot's clock. STORE. */
emqx_tls_code emqxi_cell_read(emqxi_file *f, uint64_t cell, emqxi_error *error);

/* Writes f->now as the cell's newest record; `sync`: it is on the disk when this returns. STORE. */
emqx_tls_code emqxi_cell_write(emqxi_file *f, bool sync, emqxi_error *error);

/* Writes f->now as the first record of a cell in a new file. False: errno tells. */
bool emqxi_cell_put(emqxi_file *f, int fd, uint64_t cell);

/* Where a class's slots are in f->now. */
static inline emqxi_slot *emqxi_cell_slots(const emqxi_file *f, uint32_t class)
{
    return f->now->slots + f->first_slot[class];
}

bool emqxi_cell_idle(const emqxi_file *f);

/* -- checksum.c -------------------------------------------------------------------------------- */

/* Of whole words: len is a multiple of 8. */
uint64_t emqxi_checksum(uint64_t seed, const void *data, size_t len);

/* -- file_table.c: which cell ------------------------------------------------------------------ */

/* Reads the deployment's cell into hand; *found false: it has none. `claim`: then it gets one, to
 * be written with a sync. */
emqx_tls_code emqxi_file_find(emqxi_file *f, uint64_t key, bool claim, bool *found,
                              emqxi_error *error);

#endif
