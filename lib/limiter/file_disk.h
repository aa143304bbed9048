/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file_disk - the quota file, its first layer: what is on the disk.
 *
 * In the machine's own byte order: a header of one block, written once, then cells. A cell has the
 * logs of all groups of one deployment; without PER_DEPLOYMENT there is one cell for all. A cell is
 * three records of one fixed size, each with a sequence number and a checksum of its whole.
 */
#ifndef EMQXI_FILE_DISK_H
#define EMQXI_FILE_DISK_H

#include "limiter/store.h"
#include "limiter/timebase.h"

#include <sys/stat.h>

#define EMQXI_FILE_MAGIC   0x71736c7478716d65u /* "emqxtlsq" on a little-endian machine */
#define EMQXI_FILE_VERSION 2                   /* 1 had another checksum; it was never released */
#define EMQXI_RECORDS      3
/* of the header; and of a record, where there is one cell */
#define EMQXI_FILE_BLOCK 4096
/* a power of two, as their number always is */
#define EMQXI_CELLS_MAX ((uint64_t)1 << 24)

typedef struct emqxi_file_header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t reads, writes;
    uint64_t window_ms;
    uint64_t cells;
    uint64_t hash_key[2];
    emqxi_timebase born; /* of the first file: one that replaces it keeps this */
    uint64_t checksum;   /* of all before */
} emqxi_file_header;

typedef struct emqxi_file_record {
    uint64_t checksum; /* of all that follows, and of the file and the place */
    uint64_t sequence;
    /* the sequence of the last record that was synced, its own if it is that one; 0: it was that
     * one, and another is by now */
    uint64_t synced;
    uint64_t key;            /* hash of the deployment's name; 0 without PER_DEPLOYMENT */
    uint32_t used;           /* 0: the cell has never had a deployment */
    uint32_t unsynced_reads; /* so many may be reserved after this record before one is synced */
    emqxi_timebase timebase;
    emqxi_log logs[EMQXI_GROUPS];
    emqxi_slot slots[]; /* of each group in turn, as many as its limit */
} emqxi_file_record;

typedef struct emqxi_disk {
    char *path;   /* absolute */
    int fd;       /* -1: not open */
    dev_t device; /* of the open file */
    ino_t inode;
    emqxi_error error; /* why a call returned false */
    /* follow from the settings */
    const emqxi_settings *settings;
    uint32_t groups;
    size_t record_size; /* on the disk */
    size_t record_len;  /* of it, used */
    /* from the header */
    uint64_t cells;
    uint64_t hash_key[2];
    emqxi_timebase born;
} emqxi_disk;

/* Sets STORE, the path before the text, or errno's text behind it; returns false. */
bool emqxi_disk_fail(emqxi_disk *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool emqxi_disk_cant(emqxi_disk *d, const char *what);

void emqxi_disk_layout(emqxi_disk *d, const emqxi_settings *settings); /* groups and sizes */

/* Where a group's slots begin in a record. */
static inline uint32_t emqxi_disk_first_slot(const emqxi_disk *d, uint32_t group)
{
    return group == 0 ? 0
                      : d->settings->limits[0].slots + (group - 1) * d->settings->limits[1].slots;
}

uint64_t emqxi_header_checksum(const emqxi_file_header *h);

/* Reads the header: is it one that we know? Takes over what it says, if it fits such a file. */
bool emqxi_disk_read_header(emqxi_disk *d, emqxi_file_header *h);
bool emqxi_disk_take_header(emqxi_disk *d, const emqxi_file_header *h, const struct stat *s);

/* Makes room for all cells, and writes the header. False: errno tells. */
bool emqxi_disk_lay_out(const emqxi_disk *d);

/* All records of a cell, one behind the other; zero, if one is not there whole. They need a room of
 * so many bytes. */
size_t emqxi_disk_room(const emqxi_disk *d);
bool emqxi_disk_read(emqxi_disk *d, uint64_t cell, void *records);

/* Is this a record that was written here, with numbers that can be? */
bool emqxi_disk_sound(const emqxi_disk *d, uint64_t cell, uint32_t place,
                      const emqxi_file_record *r);

/* Writes a record with its checksum, which is set; `sync`: it is on the disk when this returns.
 * False: errno tells. */
bool emqxi_disk_write(const emqxi_disk *d, uint64_t cell, uint32_t place, emqxi_file_record *r,
                      bool sync);

/* Syncs the folder: its entry for the file must be on the disk before the file is relied on, and
 * whoever made it may have been killed before. */
bool emqxi_disk_sync_name(emqxi_disk *d);

#endif
