/* SPDX-License-Identifier: MIT */
#include "limiter/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

bool emqxi_cell_setup(emqxi_file *f)
{
    const emqx_tls_allocator *a = &f->settings.allocator;
    uint32_t slots = 0;
    f->classes = f->settings.flags & EMQX_TLS_PER_METHOD ? 4 : 2;
    for (uint32_t class = 0; class < f->classes; class ++) {
        emqxi_class_limits(&f->settings, class, &f->limits[class]);
        f->first_slot[class] = slots;
        slots += f->limits[class].slots;
    }
    f->record_len = sizeof(emqxi_record) + slots * sizeof(emqxi_slot);
    /* A sector is written whole or not at all, a block of flash may not be: where it costs little,
     * records share none. */
    f->record_size = round_up(f->record_len,
                              f->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? 512 : EMQXI_FILE_BLOCK);
    emqxi_free(a, f->now);
    emqxi_free(a, f->records);
    f->now = emqxi_zalloc(a, f->record_size);
    f->records = emqxi_alloc(a, EMQXI_RECORDS * f->record_size);
    return f->now && f->records;
}

static emqxi_record *at(const emqxi_file *f, uint32_t i)
{
    return (emqxi_record *)(void *)(f->records + i * f->record_size);
}

static off_t offset(const emqxi_file *f, uint64_t cell, uint32_t i)
{
    return (off_t)(EMQXI_FILE_BLOCK + (cell * EMQXI_RECORDS + i) * f->record_size);
}

/* A record of another file or another place is none. */
static uint64_t checksum(const emqxi_file *f, uint64_t cell, uint32_t i, const emqxi_record *r)
{
    uint64_t seed;
    memcpy(&seed, f->hash_key, sizeof seed);
    seed += cell * EMQXI_RECORDS + i;
    return emqxi_checksum(seed, &r->sequence, f->record_len - offsetof(emqxi_record, sequence));
}

static bool valid(const emqxi_file *f, uint32_t i)
{
    const emqxi_record *r = at(f, i);
    if (r->checksum != checksum(f, f->cell, i, r))
        return false;
    for (uint32_t class = 0; class < f->classes; class ++) {
        const emqxi_log *log = &r->logs[class];
        if (log->capacity != f->limits[class].slots || log->first >= log->capacity ||
            log->count > log->capacity)
            return false;
    }
    return true;
}

/* The valid record with the highest number, among all or those that were to be synced;
 * EMQXI_RECORDS: none. */
static uint32_t highest(const emqxi_file *f, bool synced)
{
    for (;;) {
        uint32_t best = EMQXI_RECORDS;
        for (uint32_t i = 0; i < EMQXI_RECORDS; i++)
            if (at(f, i)->sequence > 0 && (!synced || at(f, i)->synced) &&
                (best == EMQXI_RECORDS || at(f, i)->sequence > at(f, best)->sequence))
                best = i;
        if (best == EMQXI_RECORDS || valid(f, best))
            return best;
        at(f, best)->sequence = 0;
    }
}

void emqxi_cell_clear(emqxi_file *f, bool used, uint64_t key)
{
    memset(f->now, 0, f->record_size);
    f->now->used = used;
    f->now->key = key;
    for (uint32_t class = 0; class < f->classes; class ++)
        f->now->logs[class].capacity = f->limits[class].slots;
}

bool emqxi_file_doubted(const emqxi_file *f)
{
    return !emqxi_origin_same_boot(&f->born, &f->here) &&
           emqxi_origin_uptime(&f->born, &f->here) < f->limits[0].held_ms + EMQXI_STRAY_MS;
}

/* Reads that a loss of power may have taken from the file: they were made before this boot at any
 * rate. */
static void charge(emqxi_file *f, const emqxi_origin *was)
{
    int64_t now = f->here.seen_ms,
            end = emqxi_add(now - emqxi_origin_uptime(was, &f->here), EMQXI_STRAY_MS);
    emqxi_log_charge(&f->now->logs[0], emqxi_cell_slots(f, 0), &f->limits[0], now, end,
                     f->now->unsynced_reads);
}

void emqxi_cell_begin(emqxi_file *f, uint64_t key)
{
    emqxi_cell_clear(f, true, key);
    f->now->unsynced_reads = f->settings.reads / 8;
    if (emqxi_file_doubted(f))
        charge(f, &f->born);
}

bool emqxi_cell_idle(const emqxi_file *f)
{
    for (uint32_t class = 0; class < f->classes; class ++)
        if (!emqxi_log_idle(&f->now->logs[class], emqxi_cell_slots(f, class), &f->limits[class],
                            f->here.seen_ms))
            return false;
    return true;
}

/* The stamps are another boot's or another machine's: as old as they must be at least. */
static void rebase(emqxi_file *f)
{
    const emqxi_origin *was = &f->now->origin;
    int64_t now = f->here.seen_ms;
    int64_t delta = now - emqxi_add(was->seen_ms, emqxi_origin_elapsed(was, &f->here));
    for (uint32_t class = 0; class < f->classes; class ++)
        emqxi_log_rebase(&f->now->logs[class], emqxi_cell_slots(f, class), &f->limits[class], delta,
                         now);
    if (!emqxi_origin_same_boot(was, &f->here))
        charge(f, was);
    f->changed = f->rebased = true;
}

emqx_tls_code emqxi_cell_read(emqxi_file *f, uint64_t cell, emqxi_error *error)
{
    size_t size = EMQXI_RECORDS * f->record_size;
    ssize_t n = pread(f->fd, f->records, size, offset(f, cell, 0));
    if (n < 0)
        return emqxi_file_fail(f, error, "can't be read: %s", strerror(errno));
    if ((size_t)n != size)
        memset(f->records, 0, size);
    f->cell = cell;
    f->newest = highest(f, false);
    f->base = f->newest != EMQXI_RECORDS && at(f, f->newest)->synced ? f->newest : highest(f, true);
    if (f->newest == EMQXI_RECORDS)
        return emqxi_file_fail(f, error,
                               "is damaged, so what is left of the quota is not known; when "
                               "nothing has been sent with "
                               "this API key for %llu min, delete it",
                               (unsigned long long)(f->settings.window_ms + 59999) / 60000 + 2);
    memcpy(f->now, at(f, f->newest), f->record_len);
    f->changed = f->rebased = false;
    if (!emqxi_origin_same(&f->now->origin, &f->here))
        rebase(f);
    return EMQX_TLS_OK;
}

static bool put(const emqxi_file *f, int fd, uint64_t cell, uint32_t i, const emqxi_record *r)
{
    ssize_t n = pwrite(fd, r, f->record_len, offset(f, cell, i));
    if (n >= 0 && (size_t)n != f->record_len)
        errno = ENOSPC;
    return (size_t)n == f->record_len;
}

bool emqxi_cell_put(emqxi_file *f, int fd, uint64_t cell)
{
    f->now->sequence = 1;
    f->now->synced = 1;
    f->now->unsynced_reads = f->settings.reads / 8;
    f->now->origin = f->here;
    f->now->checksum = checksum(f, cell, 0, f->now);
    return put(f, fd, cell, 0, f->now);
}

static bool sync_record(emqxi_file *f, uint32_t i, const emqxi_record *r)
{
    if (!put(f, f->fd, f->cell, i, r) || fdatasync(f->fd) != 0)
        return false;
    f->synced[f->cell % EMQXI_SYNC_MEMORY] = r->checksum;
    return true;
}

emqx_tls_code emqxi_cell_write(emqxi_file *f, bool sync, emqxi_error *error)
{
    const emqxi_record *newest = at(f, f->newest);
    uint32_t i = 0;
    /* Who wrote the newest one may have been killed before its fdatasync, or that has failed: then
     * it must be written again, too, since the kernel reports what it could not write only once. A
     * cell's first was synced before its file had a name. */
    bool ok = !newest->synced || newest->sequence == 1 ||
              newest->checksum == f->synced[f->cell % EMQXI_SYNC_MEMORY] ||
              sync_record(f, f->newest, newest);
    if (ok) {
        while (i == f->newest || i == f->base)
            i++;
        sync = sync || f->rebased || f->base == EMQXI_RECORDS;
        f->now->sequence = newest->sequence + 1;
        f->now->synced = sync;
        if (sync)
            f->now->unsynced_reads = f->settings.reads / 8;
        f->now->origin = f->here;
        f->now->checksum = checksum(f, f->cell, i, f->now);
        ok = sync ? sync_record(f, i, f->now) : put(f, f->fd, f->cell, i, f->now);
    }
    return ok ? EMQX_TLS_OK : emqxi_file_fail(f, error, "can't be written: %s", strerror(errno));
}
