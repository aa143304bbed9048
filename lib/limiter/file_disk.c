/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/file_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"

#define PATH_SHOWN 96 /* bytes of a path in a message, from its end */

bool emqxi_disk_fail(emqxi_disk *d, const char *format, ...)
{
    char text[sizeof d->error.message];
    size_t n = strlen(d->path);
    EMQXI_FORMAT(text, format);
    emqxi_fail(&d->error, EMQX_TLS_E_STORE, "quota file %s%s %s", n > PATH_SHOWN ? "..." : "",
               n > PATH_SHOWN ? d->path + n - PATH_SHOWN : d->path, text);
    return false;
}

bool emqxi_disk_cant(emqxi_disk *d, const char *what)
{
    return emqxi_disk_fail(d, "%s: %s", what, strerror(errno));
}

static bool damaged(emqxi_disk *d, const char *how)
{
    return emqxi_disk_fail(d,
                           "is damaged or no quota file (%s); if it is one, send nothing with this "
                           "key for one window, then delete it",
                           how);
}

/* -- layout ------------------------------------------------------------------------------------ */

void emqxi_disk_layout(emqxi_disk *d, const emqxi_settings *settings)
{
    /* A sector is written whole or not at all, a block of flash may not be: where it costs little,
     * records share none. */
    size_t block = settings->flags & EMQX_TLS_PER_DEPLOYMENT ? 512 : EMQXI_FILE_BLOCK;
    d->settings = settings;
    d->groups = settings->flags & EMQX_TLS_PER_METHOD ? 4 : 2;
    d->record_len =
        sizeof(emqxi_file_record) + emqxi_disk_first_slot(d, d->groups) * sizeof(emqxi_slot);
    d->record_size = (d->record_len + block - 1) / block * block;
}

static off_t place_of(const emqxi_disk *d, uint64_t cell, uint32_t place)
{
    return (off_t)(EMQXI_FILE_BLOCK + (cell * EMQXI_RECORDS + place) * d->record_size);
}

/* -- header ------------------------------------------------------------------------------------ */

/* Against torn writes and flipped bits, not against people. */
static uint64_t checksum(const uint64_t hash_key[2], uint64_t number, const void *data, size_t len)
{
    const uint64_t key[2] = {hash_key[0], hash_key[1] + number};
    return emqxi_hash(key, data, len);
}

uint64_t emqxi_header_checksum(const emqxi_file_header *h)
{
    return checksum(h->hash_key, 0, h, offsetof(emqxi_file_header, checksum));
}

bool emqxi_disk_read_header(emqxi_disk *d, emqxi_file_header *h)
{
    ssize_t n = pread(d->fd, h, sizeof *h, 0);
    if (n < 0)
        return emqxi_disk_cant(d, "can't be read");
    if (n != (ssize_t)sizeof *h || h->magic != EMQXI_FILE_MAGIC)
        return damaged(d, "wrong beginning");
    if (h->version != EMQXI_FILE_VERSION)
        return emqxi_disk_fail(d, "has format %u of %s library, this one has format %u; %s",
                               h->version, h->version < EMQXI_FILE_VERSION ? "an older" : "a newer",
                               EMQXI_FILE_VERSION,
                               h->version < EMQXI_FILE_VERSION
                                   ? "send nothing with this key for one window, then delete it"
                                   : "use the newer library");
    return h->checksum == emqxi_header_checksum(h) || damaged(d, "wrong checksum");
}

bool emqxi_disk_take_header(emqxi_disk *d, const emqxi_file_header *h, const struct stat *s)
{
    uint64_t most = h->flags & EMQX_TLS_PER_DEPLOYMENT ? EMQXI_CELLS_MAX : 1;
    if (h->cells < 1 || h->cells > most || (h->cells & (h->cells - 1)) != 0)
        return damaged(d, "wrong number of cells");
    if (s->st_size != place_of(d, h->cells, 0))
        return damaged(d, "wrong length");
    if (!emqxi_timebase_sound(&h->born))
        return damaged(d, "made at a time that can't be");
    d->cells = h->cells;
    memcpy(d->hash_key, h->hash_key, sizeof d->hash_key);
    d->born = h->born;
    d->device = s->st_dev;
    d->inode = s->st_ino;
    return true;
}

bool emqxi_disk_lay_out(const emqxi_disk *d)
{
    const emqxi_settings *settings = d->settings;
    emqxi_file_header h = {.magic = EMQXI_FILE_MAGIC,
                           .version = EMQXI_FILE_VERSION,
                           .flags = settings->flags,
                           .reads = settings->limits[0].slots,
                           .writes = settings->limits[1].slots,
                           .window_ms = (uint64_t)settings->limits[0].window_ms,
                           .cells = d->cells,
                           .born = d->born};
    off_t size = place_of(d, d->cells, 0);
    memcpy(h.hash_key, d->hash_key, sizeof h.hash_key);
    h.checksum = emqxi_header_checksum(&h);
    errno = posix_fallocate(d->fd, 0, size);
    /* where this file system can't, a full disk will be told by each write */
    bool roomy =
        errno == 0 || ((errno == EOPNOTSUPP || errno == EINVAL) && ftruncate(d->fd, size) == 0);
    return roomy && fchmod(d->fd, 0600) == 0 && emqxi_write_all(d->fd, &h, sizeof h);
}

/* -- records ----------------------------------------------------------------------------------- */

size_t emqxi_disk_room(const emqxi_disk *d)
{
    return (EMQXI_RECORDS - 1) * d->record_len + d->record_size;
}

bool emqxi_disk_read(emqxi_disk *d, uint64_t cell, void *records)
{
    struct iovec parts[2 * EMQXI_RECORDS];
    char *padding = (char *)records + EMQXI_RECORDS * d->record_len;
    for (uint32_t place = 0; place < EMQXI_RECORDS; place++) {
        parts[2 * place] = (struct iovec){(char *)records + place * d->record_len, d->record_len};
        parts[2 * place + 1] = (struct iovec){padding, d->record_size - d->record_len};
    }
    ssize_t n = preadv(d->fd, parts, 2 * EMQXI_RECORDS, place_of(d, cell, 0));
    if (n < 0)
        return emqxi_disk_cant(d, "can't be read");
    if ((size_t)n != EMQXI_RECORDS * d->record_size)
        memset(records, 0, EMQXI_RECORDS * d->record_len);
    return true;
}

/* A record of another file or another place is none. */
static uint64_t record_checksum(const emqxi_disk *d, uint64_t cell, uint32_t place,
                                const emqxi_file_record *r)
{
    return checksum(d->hash_key, 1 + cell * EMQXI_RECORDS + place, &r->sequence,
                    d->record_len - offsetof(emqxi_file_record, sequence));
}

/* A file may have been written by another program or a bug: its numbers must be no reason to count
 * or reach beyond what is there. */
static bool log_sound(const emqxi_log *log, const emqxi_slot *slots, uint32_t capacity)
{
    const emqxi_throttle *t = &log->throttle;
    uint32_t passed = 0, refused = 0;
    if (log->capacity != capacity || log->first >= capacity || log->count > capacity || t->k > 31 ||
        !emqxi_time_sound(t->refused_ms) || !emqxi_time_sound(t->shut_ms) ||
        !emqxi_time_sound(t->probe_ms) || !emqxi_time_sound(t->probe_end_ms))
        return false;
    for (uint32_t i = 0, at = log->first; i < log->count;
         i++, at = at + 1 == capacity ? 0 : at + 1) {
        if (!emqxi_time_sound(slots[at].release_ms))
            return false;
        passed += slots[at].state == EMQXI_SLOT_PASSED;
        refused += slots[at].state == EMQXI_SLOT_REFUSED;
    }
    return log->passed == passed && log->refused == refused;
}

bool emqxi_disk_sound(const emqxi_disk *d, uint64_t cell, uint32_t place,
                      const emqxi_file_record *r)
{
    if (r->checksum != record_checksum(d, cell, place, r) || !emqxi_timebase_sound(&r->timebase))
        return false;
    for (uint32_t group = 0; group < d->groups; group++)
        if (!log_sound(&r->logs[group], r->slots + emqxi_disk_first_slot(d, group),
                       emqxi_group_limits(d->settings, group)->slots))
            return false;
    return true;
}

bool emqxi_disk_write(const emqxi_disk *d, uint64_t cell, uint32_t place, emqxi_file_record *r,
                      bool sync)
{
    r->checksum = record_checksum(d, cell, place, r);
    ssize_t n = pwrite(d->fd, r, d->record_len, place_of(d, cell, place));
    if (n >= 0 && (size_t)n != d->record_len)
        errno = ENOSPC;
    return (size_t)n == d->record_len && (!sync || fdatasync(d->fd) == 0);
}

/* -- name -------------------------------------------------------------------------------------- */

bool emqxi_disk_sync_name(emqxi_disk *d)
{
    char *name = strrchr(d->path, '/') + 1, first = *name;
    *name = '\0';
    int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *name = first;
    /* it may be entered and not be read: then somebody else has made the file, long ago */
    if (fd < 0 && errno == EACCES)
        return true;
    bool ok = (fd >= 0 && emqxi_folder_sync(fd)) ||
              emqxi_disk_cant(d, "has a folder that can't be synced");
    close(fd);
    return ok;
}
