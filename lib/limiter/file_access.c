/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Who may use the file: the path names a regular file of this user's, with these settings, and the
 * lock is ours.
 */
#include "limiter/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

#define BUSY_MIN_MS    5
#define BUSY_JITTER_MS 16
#define REPLACED_MAX   16 /* so often may the file be replaced while we take its lock */

/* -- open -------------------------------------------------------------------------------------- */

static bool check_settings(emqxi_file *f, const emqxi_file_header *h, bool take)
{
    emqxi_settings *s = &f->settings, own;
    const emqx_tls_limiter_config in_file = {.size = sizeof in_file,
                                             .flags = h->flags,
                                             .reads = h->reads,
                                             .writes = h->writes,
                                             .window_ms = h->window_ms,
                                             .clock = &s->clock,
                                             .allocator = &s->allocator};
    if (take && emqxi_settings_take(&own, &in_file, 0, NULL) == EMQX_TLS_OK)
        *s = own;
    const uint32_t reads = s->limits[0].slots, writes = s->limits[1].slots;
    const uint64_t window_ms = (uint64_t)s->limits[0].window_ms;
    if (s->flags == h->flags && reads == h->reads && writes == h->writes &&
        window_ms == h->window_ms)
        return true;
    return emqxi_disk_fail(&f->disk,
                           "has other settings: reads %u, writes %u, window_ms %llu, flags 0x%x; "
                           "asked for are %u, %u, %llu, 0x%x; use its own (config NULL) or another "
                           "file",
                           h->reads, h->writes, (unsigned long long)h->window_ms, h->flags, reads,
                           writes, (unsigned long long)window_ms, s->flags);
}

static bool check_owner(emqxi_disk *d, const struct stat *s)
{
    if (!S_ISREG(s->st_mode))
        return emqxi_disk_fail(
            d, "is not a regular file; give the path of one that does not exist yet");
    if (s->st_uid != geteuid())
        return emqxi_disk_fail(d,
                               "belongs to user %u and this process is user %u; every user needs a "
                               "file and a key of its own",
                               (unsigned)s->st_uid, (unsigned)geteuid());
    if (s->st_mode & (S_IWGRP | S_IWOTH))
        return emqxi_disk_fail(d, "can be written by others (mode %03o); chmod 600 it",
                               (unsigned)(s->st_mode & 0777));
    return true;
}

static bool check_file(emqxi_file *f, bool take)
{
    struct stat s;
    emqxi_file_header h;
    if (fstat(f->disk.fd, &s) != 0)
        return emqxi_disk_cant(&f->disk, "can't be looked at");
    return check_owner(&f->disk, &s) && emqxi_disk_read_header(&f->disk, &h) &&
           check_settings(f, &h, take) && ((f->now && !take) || emqxi_file_set_up(f)) &&
           emqxi_disk_take_header(&f->disk, &h, &s) && emqxi_disk_sync_name(&f->disk);
}

static bool open_path(emqxi_disk *d)
{
    d->fd =
        emqxi_above_stdio(open(d->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return d->fd >= 0;
}

bool emqxi_file_attach(emqxi_file *f, bool take)
{
    if (!open_path(&f->disk) && errno == ENOENT) {
        if (!emqxi_file_make(f))
            return false;
        open_path(&f->disk);
    }
    if (f->disk.fd < 0)
        return errno == ELOOP
                   ? emqxi_disk_fail(&f->disk,
                                     "is a symbolic link; give the path of the file itself")
                   : emqxi_disk_cant(&f->disk, "can't be opened");
    f->forks = emqxi_fork_count();
    emqxi_file_forget_syncs(f);
    f->newest = EMQXI_RECORDS;
    bool ok = check_file(f, take);
    if (!ok)
        emqxi_file_detach(f);
    return ok;
}

void emqxi_file_detach(emqxi_file *f)
{
    if (f->disk.fd >= 0)
        close(f->disk.fd);
    f->disk.fd = -1;
}

/* -- lock -------------------------------------------------------------------------------------- */

/* 1: locked and the path's own; 0: the path names another one by now; -1: errno tells. */
static int try_file_lock(const emqxi_disk *d)
{
    struct stat s;
    if (flock(d->fd, LOCK_EX | LOCK_NB) != 0)
        return -1;
    return lstat(d->path, &s) == 0 && s.st_ino == d->inode && s.st_dev == d->device;
}

bool emqxi_file_lock(emqxi_file *f)
{
    emqxi_disk *d = &f->disk;
    emqxi_error_clear(&d->error);
    for (int i = 0; i < REPLACED_MAX; i++) {
        /* After a fork the parent's descriptor is closed here and not unlocked: its lock is the
         * parent's. */
        if (d->fd >= 0 && f->forks != emqxi_fork_count())
            emqxi_file_detach(f);
        if (d->fd < 0 && !emqxi_file_attach(f, false))
            return false;
        int locked = try_file_lock(d);
        if (locked == 1) {
            emqxi_file_look(f);
            return true;
        }
        if (locked < 0 && errno != EWOULDBLOCK && errno != EINTR)
            return emqxi_disk_cant(d, "can't be locked");
        if (locked < 0)
            break;
        emqxi_file_detach(f);
    }
    d->error.retry_after_ms = BUSY_MIN_MS + (int64_t)(emqxi_random() % BUSY_JITTER_MS);
    return emqxi_disk_fail(
        d, "is locked by another process that does not go on; look for a stopped one");
}

void emqxi_file_unlock(const emqxi_file *f)
{
    flock(f->disk.fd, LOCK_UN);
}
