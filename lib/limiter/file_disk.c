/* SPDX-License-Identifier: MIT
 *
 * The file as a whole: opened, looked over, locked.
 */
#include "limiter/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define WALL_CHECK_MS  60000
#define BUSY_MIN_MS    5
#define BUSY_JITTER_MS 16
#define REPLACED_MAX   16 /* so often may the file be replaced while we take its lock */

/* Reads the clocks. The kernel is asked about the wall clock once a minute: what it was then and
 * the time since tell what it is, also after it has been stepped. */
void emqxi_file_look(emqxi_file *f)
{
    const emqx_tls_clock *clock = &f->settings.clock;
    int64_t now = f->here.seen_ms = emqxi_now(clock);
    if (f->wall_checked_ms == INT64_MIN || now - f->wall_checked_ms >= WALL_CHECK_MS ||
        now < f->wall_checked_ms) {
        bool trusted = clock->wall_ms && f->host->wall_trusted();
        f->wall_offset_ms = trusted ? clock->wall_ms(clock->context) - now : EMQXI_NO_WALL;
        f->wall_checked_ms = now;
    }
    f->here.wall_ms = f->wall_offset_ms == EMQXI_NO_WALL ? EMQXI_NO_WALL : now + f->wall_offset_ms;
}

/* -- open -------------------------------------------------------------------------------------- */

static emqx_tls_code damaged(const emqxi_file *f, emqxi_error *error, const char *how)
{
    return emqxi_file_fail(f, error,
                           "is damaged or no quota file (%s); if it is one, send nothing with this "
                           "key for one window, "
                           "then delete it",
                           how);
}

static emqx_tls_code check_settings(emqxi_file *f, const emqxi_file_header *h, bool take,
                                    emqxi_error *error)
{
    emqxi_settings *s = &f->settings, own;
    const emqx_tls_limiter_config in_file = {.size = sizeof in_file,
                                             .flags = h->flags,
                                             .reads = h->reads,
                                             .writes = h->writes,
                                             .window_ms = h->window_ms,
                                             .clock = &s->clock,
                                             .allocator = &s->allocator};
    if (take) {
        if (emqxi_settings_take(&own, &in_file, NULL) != EMQX_TLS_OK)
            return damaged(f, error, "settings out of range");
        *s = own;
        return EMQX_TLS_OK;
    }
    if (s->flags == h->flags && s->reads == h->reads && s->writes == h->writes &&
        s->window_ms == h->window_ms)
        return EMQX_TLS_OK;
    return emqxi_file_fail(f, error,
                           "has other settings: reads %u, writes %u, window_ms %llu, flags 0x%x; "
                           "asked for are %u, %u, %llu, "
                           "0x%x; use its own (config NULL) or another file",
                           h->reads, h->writes, (unsigned long long)h->window_ms, h->flags,
                           s->reads, s->writes, (unsigned long long)s->window_ms, s->flags);
}

static emqx_tls_code check_file(emqxi_file *f, bool take, emqxi_error *error)
{
    struct stat s;
    emqxi_file_header h;
    if (fstat(f->fd, &s) != 0)
        return emqxi_file_fail(f, error, "can't be looked at: %s", strerror(errno));
    if (!S_ISREG(s.st_mode))
        return emqxi_file_fail(
            f, error, "is not a regular file; give the path of one that does not exist yet");
    if (s.st_uid != geteuid())
        return emqxi_file_fail(
            f, error,
            "belongs to user %u and this process is user %u; every user needs a file and a "
            "key of its own",
            (unsigned)s.st_uid, (unsigned)geteuid());
    if (s.st_mode & (S_IWGRP | S_IWOTH))
        return emqxi_file_fail(f, error, "can be written by others (mode %03o); chmod 600 it",
                               (unsigned)(s.st_mode & 0777));
    ssize_t n = pread(f->fd, &h, sizeof h, 0);
    if (n < 0)
        return emqxi_file_fail(f, error, "can't be read: %s", strerror(errno));
    if (n != (ssize_t)sizeof h || h.magic != EMQXI_FILE_MAGIC)
        return damaged(f, error, "wrong beginning");
    if (h.version != EMQXI_FILE_VERSION)
        return emqxi_file_fail(
            f, error, "has format %u and this library knows format %u; use the newer library",
            h.version, EMQXI_FILE_VERSION);
    if (h.checksum != emqxi_header_checksum(&h))
        return damaged(f, error, "wrong checksum");
    emqx_tls_code code = check_settings(f, &h, take, error);
    if (code != EMQX_TLS_OK)
        return code;
    if ((take || !f->now) && !emqxi_cell_setup(f))
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
    bool many = f->settings.flags & EMQX_TLS_PER_DEPLOYMENT;
    if (h.cells < 1 || h.cells > (many ? EMQXI_CELLS_MAX : 1) || (h.cells & (h.cells - 1)) != 0)
        return damaged(f, error, "wrong number of cells");
    if (s.st_size != emqxi_file_size(f, h.cells))
        return damaged(f, error, "wrong length");
    f->device = s.st_dev;
    f->inode = s.st_ino;
    f->cells = h.cells;
    memcpy(f->hash_key, h.hash_key, sizeof f->hash_key);
    f->born = h.born;
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_file_attach(emqxi_file *f, bool take, emqxi_error *error)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    emqx_tls_code code = EMQX_TLS_OK;
    f->fd = emqxi_above_stdio(open(f->path, flags));
    if (f->fd < 0 && errno == ENOENT) {
        code = emqxi_file_make(f, error);
        if (code != EMQX_TLS_OK)
            return code;
        f->fd = emqxi_above_stdio(open(f->path, flags));
    }
    if (f->fd < 0 && errno == ELOOP)
        return emqxi_file_fail(f, error, "is a symbolic link; give the path of the file itself");
    if (f->fd < 0)
        return emqxi_file_fail(f, error, "can't be opened: %s", strerror(errno));
    f->forks = emqxi_fork_count();
    memset(f->synced, 0, sizeof f->synced);
    code = check_file(f, take, error);
    if (code == EMQX_TLS_OK && !emqxi_file_sync_name(f))
        code = emqxi_file_fail(f, error, "has a folder that can't be synced: %s", strerror(errno));
    if (code != EMQX_TLS_OK)
        emqxi_file_detach(f);
    return code;
}

void emqxi_file_detach(emqxi_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* -- lock -------------------------------------------------------------------------------------- */

/* 1: locked and the path's own; 0: the path names another one by now; -1: errno tells. */
static int try_lock(const emqxi_file *f)
{
    struct stat s;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return -1;
    return lstat(f->path, &s) == 0 && s.st_ino == f->inode && s.st_dev == f->device;
}

emqx_tls_code emqxi_file_lock(emqxi_file *f, emqxi_error *error)
{
    for (int i = 0; i < REPLACED_MAX; i++) {
        /* After a fork the parent's descriptor is closed here and not unlocked: its lock is the
         * parent's. */
        if (f->fd >= 0 && f->forks != emqxi_fork_count())
            emqxi_file_detach(f);
        emqx_tls_code code = f->fd >= 0 ? EMQX_TLS_OK : emqxi_file_attach(f, false, error);
        if (code != EMQX_TLS_OK)
            return code;
        int locked = try_lock(f);
        if (locked == 1) {
            emqxi_file_look(f);
            return EMQX_TLS_OK;
        }
        if (locked < 0 && errno != EWOULDBLOCK && errno != EINTR)
            return emqxi_file_fail(f, error, "can't be locked: %s", strerror(errno));
        if (locked < 0)
            break;
        emqxi_file_detach(f);
    }
    error->retry_after_ms = BUSY_MIN_MS + (int64_t)(emqxi_random() % BUSY_JITTER_MS);
    return emqxi_file_fail(
        f, error, "is locked by another process that does not go on; look for a stopped one");
}

void emqxi_file_unlock(const emqxi_file *f)
{
    flock(f->fd, LOCK_UN);
}
