/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/file.h"

#include <errno.h>
#include <string.h>

#define WALL_CHECK_MS 60000

bool emqxi_file_no_memory(emqxi_file *f)
{
    return !emqxi_fail(&f->disk.error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
}

bool emqxi_file_set_up(emqxi_file *f)
{
    const emqx_tls_allocator *a = &f->settings.allocator;
    emqxi_file_free(f);
    emqxi_disk_layout(&f->disk, &f->settings);
    f->now = emqxi_zalloc(a, f->disk.record_len);
    f->records = emqxi_alloc(a, emqxi_disk_room(&f->disk));
    f->remembered = f->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? EMQXI_SYNC_MEMORY : 1;
    f->synced = emqxi_zalloc(a, f->remembered * sizeof *f->synced);
    if (f->now && f->records && f->synced)
        return true;
    emqxi_file_free(f);
    return emqxi_file_no_memory(f);
}

void emqxi_file_free(emqxi_file *f)
{
    emqxi_free(&f->settings.allocator, f->now);
    emqxi_free(&f->settings.allocator, f->records);
    emqxi_free(&f->settings.allocator, f->synced);
    f->now = NULL;
    f->records = NULL;
    f->synced = NULL;
}

void emqxi_file_forget_syncs(emqxi_file *f)
{
    for (size_t i = 0; f->synced && i < f->remembered; i++)
        f->synced[i] = 0;
}

static int64_t clock_within(int64_t ms)
{
    return EMQXI_MIN(EMQXI_MAX(ms, -EMQXI_TIME_MAX), EMQXI_TIME_MAX);
}

/* The kernel is asked about the wall clock once a minute: what it was then and the time since tell
 * what it is, also after it has been stepped. */
void emqxi_file_look(emqxi_file *f)
{
    const emqx_tls_clock *clock = &f->settings.clock;
    int64_t now = f->here.seen_ms = clock_within(emqxi_now(clock));
    if (now < f->wall_checked_ms || now - f->wall_checked_ms >= WALL_CHECK_MS) {
        bool trusted = clock->wall_ms && f->host->wall_trusted(clock);
        f->wall_offset_ms =
            trusted ? clock_within(clock->wall_ms(clock->context)) - now : EMQXI_NO_WALL;
        f->wall_checked_ms = now;
    }
    f->here.wall_ms =
        f->wall_offset_ms == EMQXI_NO_WALL ? EMQXI_NO_WALL : clock_within(now + f->wall_offset_ms);
}

/* -- what it is now ---------------------------------------------------------------------------- */

emqxi_view emqxi_cell_view(const emqxi_file *f, uint32_t group)
{
    return (emqxi_view){.log = &f->now->logs[group],
                        .slots = f->now->slots + emqxi_disk_first_slot(&f->disk, group),
                        .limits = emqxi_group_limits(&f->settings, group),
                        .now = f->here.seen_ms};
}

void emqxi_cell_clear(emqxi_file *f, bool used, uint64_t key)
{
    memset(f->now, 0, f->disk.record_len);
    f->now->used = used;
    f->now->key = key;
    for (uint32_t group = 0; group < f->disk.groups; group++)
        f->now->logs[group].capacity = emqxi_group_limits(&f->settings, group)->slots;
}

bool emqxi_cell_idle(const emqxi_file *f)
{
    for (uint32_t group = 0; group < f->disk.groups; group++) {
        const emqxi_view v = emqxi_cell_view(f, group);
        if (!emqxi_log_idle(&v))
            return false;
    }
    return true;
}

bool emqxi_file_doubted(const emqxi_file *f)
{
    return !emqxi_timebase_same_boot(&f->disk.born, &f->here) &&
           emqxi_timebase_uptime(&f->disk.born, &f->here) <
               f->settings.limits[0].held_ms + EMQXI_STRAY_MS;
}

/* Reads that a loss of power may have taken from the file: they were made before this boot at any
 * rate. */
static void charge(emqxi_file *f, const emqxi_timebase *was)
{
    const emqxi_view v = emqxi_cell_view(f, 0);
    emqxi_log_charge(&v, v.now - emqxi_timebase_uptime(was, &f->here) + EMQXI_STRAY_MS,
                     f->now->unsynced_reads);
}

void emqxi_cell_begin(emqxi_file *f, uint64_t key)
{
    emqxi_cell_clear(f, true, key);
    f->now->unsynced_reads = f->settings.limits[0].slots / 8;
    if (emqxi_file_doubted(f))
        charge(f, &f->disk.born);
}

/* The stamps are another boot's or another machine's: as old as they must be at least. */
static void rebase(emqxi_file *f)
{
    const emqxi_timebase was = f->now->timebase;
    const bool same_boot = emqxi_timebase_same_boot(&was, &f->here); /* who was in flight goes on */
    for (uint32_t group = 0; group < f->disk.groups; group++) {
        const emqxi_view v = emqxi_cell_view(f, group);
        emqxi_log_rebase(&v, v.now - was.seen_ms - emqxi_timebase_elapsed(&was, &f->here),
                         same_boot ? INT32_MAX : 0);
    }
    if (!same_boot)
        charge(f, &was);
    f->changed = f->rebased = true;
}

/* -- read -------------------------------------------------------------------------------------- */

static emqxi_file_record *record_at(const emqxi_file *f, uint32_t place)
{
    return (emqxi_file_record *)(void *)(f->records + place * f->disk.record_len);
}

static bool is_sound(const emqxi_file *f, uint32_t place)
{
    return emqxi_disk_sound(&f->disk, f->cell, place, record_at(f, place));
}

/* Finds the valid record with the highest number, and the synced one that it names. `known`: where
 * f->now stands in this cell; what still is so needs no checksum. */
static bool find_records(emqxi_file *f, uint32_t known)
{
    for (;;) {
        uint64_t highest = 0;
        for (uint32_t i = 0; i < EMQXI_RECORDS; i++)
            if (record_at(f, i)->sequence > highest)
                highest = record_at(f, f->newest = i)->sequence;
        if (highest == 0)
            return false;
        if ((f->newest == known && memcmp(record_at(f, known), f->now, f->disk.record_len) == 0) ||
            is_sound(f, f->newest))
            break;
        record_at(f, f->newest)->sequence = 0;
    }
    /* What that holds is in the newest, too: that it stands there is enough. */
    const uint64_t synced = record_at(f, f->newest)->synced;
    for (f->base = 0; f->base < EMQXI_RECORDS; f->base++)
        if (record_at(f, f->base)->sequence == synced && record_at(f, f->base)->synced == synced)
            return synced > 0;
    return false;
}

bool emqxi_cell_read(emqxi_file *f, uint64_t cell)
{
    const uint32_t known = cell == f->cell ? f->newest : EMQXI_RECORDS;
    f->cell = cell;
    if (!emqxi_disk_read(&f->disk, cell, f->records))
        return false;
    if (!find_records(f, known))
        return emqxi_disk_fail(
            &f->disk,
            "is damaged, so what is left of the quota is not known; when "
            "nothing has been sent with this API key for %llu min, delete it",
            (unsigned long long)(f->settings.limits[0].window_ms + 59999) / 60000 + 2);
    memcpy(f->now, record_at(f, f->newest), f->disk.record_len);
    f->changed = f->rebased = false;
    if (!emqxi_timebase_same(&f->now->timebase, &f->here))
        rebase(f);
    return true;
}

/* -- write ------------------------------------------------------------------------------------- */

/* Until the next sync loses its power to undo: a record that was the last synced one is marked, so
 * that it can't be taken for that if its successor is lost. */
static bool retire_others(emqxi_file *f, uint32_t place)
{
    for (uint32_t i = 0; i < EMQXI_RECORDS; i++) {
        emqxi_file_record *r = record_at(f, i);
        if (i == place || r->sequence == 0 || r->synced != r->sequence || !is_sound(f, i))
            continue;
        r->synced = 0;
        if (!emqxi_disk_write(&f->disk, f->cell, i, r, false))
            return false;
    }
    return true;
}

static bool sync_record(emqxi_file *f, uint32_t place, emqxi_file_record *r)
{
    if (!emqxi_disk_write(&f->disk, f->cell, place, r, true))
        return false;
    f->synced[f->cell % f->remembered] = r->checksum;
    return retire_others(f, place);
}

/* Who wrote the newest record may have been killed before its fdatasync, or that has failed: then
 * it must be written again, too, since the kernel reports what it could not write only once. A
 * cell's first was synced before its file had a name. */
static bool sync_newest(emqxi_file *f)
{
    emqxi_file_record *newest = record_at(f, f->newest);
    return newest->synced != newest->sequence || newest->sequence == 1 ||
           newest->checksum == f->synced[f->cell % f->remembered] ||
           sync_record(f, f->newest, newest);
}

static void stamp(emqxi_file *f, uint64_t sequence, uint64_t synced)
{
    f->now->sequence = sequence;
    f->now->synced = synced;
    if (sequence == synced)
        f->now->unsynced_reads = f->settings.limits[0].slots / 8;
    f->now->timebase = f->here;
}

bool emqxi_cell_write(emqxi_file *f, bool sync)
{
    const uint64_t sequence = record_at(f, f->newest)->sequence + 1;
    uint32_t place = 0;
    if (!sync_newest(f))
        return emqxi_disk_cant(&f->disk, "can't be written");
    while (place == f->newest || place == f->base)
        place++;
    sync = sync || f->rebased;
    stamp(f, sequence, sync ? sequence : record_at(f, f->base)->sequence);
    f->newest = place;
    return (sync ? sync_record(f, place, f->now)
                 : emqxi_disk_write(&f->disk, f->cell, place, f->now, false)) ||
           emqxi_disk_cant(&f->disk, "can't be written");
}

bool emqxi_cell_put(emqxi_file *f, const emqxi_disk *to, uint64_t cell)
{
    stamp(f, 1, 1);
    f->cell = cell;
    f->newest = 0;
    return emqxi_disk_write(to, cell, 0, f->now, false);
}
