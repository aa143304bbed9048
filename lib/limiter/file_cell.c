/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/file_cell.h"

#include <errno.h>
#include <string.h>

#define WALL_CHECK_MS 60000

bool emqxi_cells_set_up(emqxi_cells *c)
{
    const emqx_tls_allocator *a = &c->settings.allocator;
    emqxi_cells_free(c);
    emqxi_disk_layout(&c->disk, &c->settings);
    c->now = emqxi_zalloc(a, c->disk.record_size);
    c->records = emqxi_alloc(a, EMQXI_RECORDS * c->disk.record_size);
    return (c->now && c->records) ||
           !emqxi_fail(&c->disk.error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
}

void emqxi_cells_free(emqxi_cells *c)
{
    emqxi_free(&c->settings.allocator, c->now);
    emqxi_free(&c->settings.allocator, c->records);
    c->now = NULL;
    c->records = NULL;
}

static int64_t clock_within(int64_t ms)
{
    return EMQXI_MIN(EMQXI_MAX(ms, -EMQXI_TIME_MAX), EMQXI_TIME_MAX);
}

/* The kernel is asked about the wall clock once a minute: what it was then and the time since tell
 * what it is, also after it has been stepped. */
void emqxi_cells_look(emqxi_cells *c)
{
    const emqx_tls_clock *clock = &c->settings.clock;
    int64_t now = c->here.seen_ms = clock_within(emqxi_now(clock));
    if (c->wall_checked_ms == INT64_MIN || now - c->wall_checked_ms >= WALL_CHECK_MS ||
        now < c->wall_checked_ms) {
        bool trusted = clock->wall_ms && c->host->wall_trusted();
        c->wall_offset_ms =
            trusted ? clock_within(clock->wall_ms(clock->context)) - now : EMQXI_NO_WALL;
        c->wall_checked_ms = now;
    }
    c->here.wall_ms =
        c->wall_offset_ms == EMQXI_NO_WALL ? EMQXI_NO_WALL : clock_within(now + c->wall_offset_ms);
}

/* -- what it is now ---------------------------------------------------------------------------- */

emqxi_view emqxi_cell_view(const emqxi_cells *c, uint32_t group)
{
    return (emqxi_view){.log = &c->now->logs[group],
                        .slots = c->now->slots + emqxi_disk_first_slot(&c->disk, group),
                        .limits = emqxi_group_limits(&c->settings, group),
                        .now = c->here.seen_ms};
}

void emqxi_cell_clear(emqxi_cells *c, bool used, uint64_t key)
{
    memset(c->now, 0, c->disk.record_size);
    c->now->used = used;
    c->now->key = key;
    for (uint32_t group = 0; group < c->disk.groups; group++)
        c->now->logs[group].capacity = emqxi_group_limits(&c->settings, group)->slots;
}

bool emqxi_cell_idle(const emqxi_cells *c)
{
    for (uint32_t group = 0; group < c->disk.groups; group++) {
        const emqxi_view v = emqxi_cell_view(c, group);
        if (!emqxi_log_idle(&v))
            return false;
    }
    return true;
}

bool emqxi_cells_doubted(const emqxi_cells *c)
{
    return !emqxi_timebase_same_boot(&c->disk.born, &c->here) &&
           emqxi_timebase_uptime(&c->disk.born, &c->here) <
               c->settings.limits[0].held_ms + EMQXI_STRAY_MS;
}

/* Reads that a loss of power may have taken from the file: they were made before this boot at any
 * rate. */
static void charge(emqxi_cells *c, const emqxi_timebase *was)
{
    const emqxi_view v = emqxi_cell_view(c, 0);
    emqxi_log_charge(&v, v.now - emqxi_timebase_uptime(was, &c->here) + EMQXI_STRAY_MS,
                     c->now->unsynced_reads);
}

void emqxi_cell_begin(emqxi_cells *c, uint64_t key)
{
    emqxi_cell_clear(c, true, key);
    c->now->unsynced_reads = c->settings.reads / 8;
    if (emqxi_cells_doubted(c))
        charge(c, &c->disk.born);
}

/* The stamps are another boot's or another machine's: as old as they must be at least. */
static void rebase(emqxi_cells *c)
{
    const emqxi_timebase was = c->now->timebase;
    for (uint32_t group = 0; group < c->disk.groups; group++) {
        const emqxi_view v = emqxi_cell_view(c, group);
        emqxi_log_rebase(&v, v.now - was.seen_ms - emqxi_timebase_elapsed(&was, &c->here));
    }
    if (!emqxi_timebase_same_boot(&was, &c->here))
        charge(c, &was);
    c->changed = c->rebased = true;
}

/* -- read -------------------------------------------------------------------------------------- */

static emqxi_file_record *record_at(const emqxi_cells *c, uint32_t place)
{
    return (emqxi_file_record *)(void *)(c->records + place * c->disk.record_size);
}

static bool is_sound(const emqxi_cells *c, uint32_t place)
{
    return emqxi_disk_sound(&c->disk, c->cell, place, record_at(c, place));
}

/* Finds the valid record with the highest number, and the synced one that it names. */
static bool find_records(emqxi_cells *c)
{
    for (;;) {
        uint64_t highest = 0;
        for (uint32_t i = 0; i < EMQXI_RECORDS; i++)
            if (record_at(c, i)->sequence > highest)
                highest = record_at(c, c->newest = i)->sequence;
        if (highest == 0)
            return false;
        if (is_sound(c, c->newest))
            break;
        record_at(c, c->newest)->sequence = 0;
    }
    /* What that holds is in the newest, too: that it stands there is enough. */
    const uint64_t synced = record_at(c, c->newest)->synced;
    for (c->base = 0; c->base < EMQXI_RECORDS; c->base++)
        if (record_at(c, c->base)->sequence == synced && record_at(c, c->base)->synced == synced)
            return synced > 0;
    return false;
}

bool emqxi_cell_read(emqxi_cells *c, uint64_t cell)
{
    c->cell = cell;
    if (!emqxi_disk_read(&c->disk, cell, c->records))
        return false;
    if (!find_records(c))
        return emqxi_disk_fail(&c->disk,
                               "is damaged, so what is left of the quota is not known; when "
                               "nothing has been sent with this API key for %llu min, delete it",
                               (unsigned long long)(c->settings.window_ms + 59999) / 60000 + 2);
    memcpy(c->now, record_at(c, c->newest), c->disk.record_len);
    c->changed = c->rebased = false;
    if (!emqxi_timebase_same(&c->now->timebase, &c->here))
        rebase(c);
    return true;
}

/* -- write ------------------------------------------------------------------------------------- */

/* Until the next sync loses its power to undo: a record that was the last synced one is marked, so
 * that it can't be taken for that if its successor is lost. */
static bool retire_others(emqxi_cells *c, uint32_t place)
{
    for (uint32_t i = 0; i < EMQXI_RECORDS; i++) {
        emqxi_file_record *r = record_at(c, i);
        if (i == place || r->sequence == 0 || r->synced != r->sequence || !is_sound(c, i))
            continue;
        r->synced = 0;
        if (!emqxi_disk_write(&c->disk, c->cell, i, r))
            return false;
    }
    return true;
}

/* Writes a record and syncs it. */
static bool sync_record(emqxi_cells *c, uint32_t place, emqxi_file_record *r)
{
    if (!emqxi_disk_write(&c->disk, c->cell, place, r) || !emqxi_disk_sync(&c->disk))
        return false;
    c->synced[c->cell % EMQXI_SYNC_MEMORY] = r->checksum;
    return retire_others(c, place);
}

/* Who wrote the newest record may have been killed before its fdatasync, or that has failed: then
 * it must be written again, too, since the kernel reports what it could not write only once. A
 * cell's first was synced before its file had a name. */
static bool sync_newest(emqxi_cells *c)
{
    emqxi_file_record *newest = record_at(c, c->newest);
    return newest->synced != newest->sequence || newest->sequence == 1 ||
           newest->checksum == c->synced[c->cell % EMQXI_SYNC_MEMORY] ||
           sync_record(c, c->newest, newest);
}

/* What each record says that is written. */
static void stamp(emqxi_cells *c, uint64_t sequence, uint64_t synced)
{
    c->now->sequence = sequence;
    c->now->synced = synced;
    if (sequence == synced)
        c->now->unsynced_reads = c->settings.reads / 8;
    c->now->timebase = c->here;
}

bool emqxi_cell_write(emqxi_cells *c, bool sync)
{
    const uint64_t sequence = record_at(c, c->newest)->sequence + 1;
    uint32_t place = 0;
    if (!sync_newest(c))
        return emqxi_disk_cant(&c->disk, "can't be written");
    while (place == c->newest || place == c->base)
        place++;
    sync = sync || c->rebased;
    stamp(c, sequence, sync ? sequence : record_at(c, c->base)->sequence);
    return (sync ? sync_record(c, place, c->now)
                 : emqxi_disk_write(&c->disk, c->cell, place, c->now)) ||
           emqxi_disk_cant(&c->disk, "can't be written");
}

bool emqxi_cell_put(emqxi_cells *c, const emqxi_disk *to, uint64_t cell)
{
    stamp(c, 1, 1);
    return emqxi_disk_write(to, cell, 0, c->now);
}
