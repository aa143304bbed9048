/* SPDX-License-Identifier: MIT
 *
 * The file as a whole: made complete under another name and then linked, so that it never exists half made and of two
 * who make it at once one is first. Its header never changes.
 */
#include "limiter/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC          0x71736c7478716d65u /* "emqxtlsq" on a little-endian machine */
#define VERSION        1
#define FIRST_CELLS    64 /* with PER_DEPLOYMENT */
#define WALL_CHECK_MS  60000
#define BUSY_MIN_MS    5
#define BUSY_JITTER_MS 16
#define REPLACED_MAX   16 /* so often may the file be replaced while we take its lock */

typedef struct header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t reads, writes;
    uint64_t window_ms;
    uint64_t cells;
    uint8_t hash_key[16];
    uint64_t checksum; /* of all before */
} header;

static uint64_t header_checksum(const header *h)
{
    return emqxi_checksum(0, h, offsetof(header, checksum));
}

static off_t file_size(const emqxi_file *f, uint64_t cells)
{
    return (off_t)(EMQXI_FILE_BLOCK + cells * EMQXI_RECORDS * f->record_size);
}

/* Reads the clocks. The kernel is asked about the wall clock once a minute: what it was then and the time since tell what it is, also
 * after it has been stepped. */
static void look(emqxi_file *f)
{
    const emqx_tls_clock *clock = &f->settings.clock;
    int64_t now = f->here.seen_ms = emqxi_now(clock);
    if (f->wall_checked_ms == INT64_MIN || now - f->wall_checked_ms >= WALL_CHECK_MS || now < f->wall_checked_ms) {
        bool trusted = clock->wall_ms && f->host->wall_trusted();
        f->wall_offset_ms = trusted ? clock->wall_ms(clock->context) - now : EMQXI_NO_WALL;
        f->wall_checked_ms = now;
    }
    f->here.wall_ms = f->wall_offset_ms == EMQXI_NO_WALL ? EMQXI_NO_WALL : now + f->wall_offset_ms;
}

/* -- open ------------------------------------------------------------------------------------------------------------------ */

static emqx_tls_code damaged(const emqxi_file *f, emqx_tls_error *error, const char *how)
{
    return emqxi_file_fail(
        f, error,
        "is no quota file of this library, or is damaged (%s); if it is one, delete it when nothing has "
        "been sent with this API key for one window",
        how);
}

static emqx_tls_code check_settings(emqxi_file *f, const header *h, bool take, emqx_tls_error *error)
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
    if (s->flags == h->flags && s->reads == h->reads && s->writes == h->writes && s->window_ms == h->window_ms)
        return EMQX_TLS_OK;
    return emqxi_file_fail(
        f, error,
        "has other settings: reads %u, writes %u, window_ms %llu, flags 0x%x; asked for are %u, %u, %llu, "
        "0x%x; use its own (config NULL) or another file",
        h->reads, h->writes, (unsigned long long)h->window_ms, h->flags, s->reads, s->writes,
        (unsigned long long)s->window_ms, s->flags);
}

static emqx_tls_code check_file(emqxi_file *f, bool take, emqx_tls_error *error)
{
    struct stat s;
    header h;
    if (fstat(f->fd, &s) != 0)
        return emqxi_file_fail(f, error, "can't be looked at: %s", strerror(errno));
    if (!S_ISREG(s.st_mode))
        return emqxi_file_fail(f, error, "is not a regular file; give the path of one that does not exist yet");
    if (s.st_uid != geteuid())
        return emqxi_file_fail(f, error,
                               "belongs to user %u and this process is user %u; every user needs a file and a "
                               "key of its own",
                               (unsigned)s.st_uid, (unsigned)geteuid());
    if (s.st_mode & (S_IWGRP | S_IWOTH))
        return emqxi_file_fail(f, error, "can be written by others (mode %03o); chmod 600 it",
                               (unsigned)(s.st_mode & 0777));
    ssize_t n = pread(f->fd, &h, sizeof h, 0);
    if (n < 0)
        return emqxi_file_fail(f, error, "can't be read: %s", strerror(errno));
    if (n != (ssize_t)sizeof h || h.magic != MAGIC)
        return damaged(f, error, "wrong beginning");
    if (h.version != VERSION)
        return emqxi_file_fail(f, error, "has format %u and this library knows format %u; use the newer library",
                               h.version, VERSION);
    if (h.checksum != header_checksum(&h))
        return damaged(f, error, "wrong checksum");
    emqx_tls_code code = check_settings(f, &h, take, error);
    if (code != EMQX_TLS_OK)
        return code;
    if ((take || !f->now) && !emqxi_cell_setup(f))
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
    if (s.st_size != file_size(f, h.cells))
        return damaged(f, error, "wrong length");
    f->device = s.st_dev;
    f->inode = s.st_ino;
    f->cells = h.cells;
    memcpy(f->hash_key, h.hash_key, sizeof f->hash_key);
    return EMQX_TLS_OK;
}

/* -- make ------------------------------------------------------------------------------------------------------------------ */

/* The folder's entry must be on the disk before the file is relied on; whoever made it may have been killed before. */
static bool sync_folder(const emqxi_file *f)
{
    char *name = strrchr(f->path, '/') + 1, first = *name;
    *name = '\0';
    int fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *name = first;
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0 || errno == EINVAL; /* EINVAL: this file system has nothing to sync there */
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static emqx_tls_code cant_make(const emqxi_file *f, emqx_tls_error *error, int why)
{
    return emqxi_file_fail(f, error, "can't be made: %s; its folder must exist, be writable, and know hard links",
                           strerror(why));
}

/* A complete file; f->now is used up. */
static emqx_tls_code fill(emqxi_file *f, int fd, const uint64_t *from, uint64_t cells, emqx_tls_error *error)
{
    header h = {.magic = MAGIC,
                .version = VERSION,
                .flags = f->settings.flags,
                .reads = f->settings.reads,
                .writes = f->settings.writes,
                .window_ms = f->settings.window_ms,
                .cells = cells};
    memcpy(h.hash_key, f->hash_key, sizeof h.hash_key);
    h.checksum = header_checksum(&h);
    int why = posix_fallocate(fd, 0, file_size(f, cells));
    if (why != 0)
        return cant_make(f, error, why);
    if (fchmod(fd, 0600) != 0 || pwrite(fd, &h, sizeof h, 0) != (ssize_t)sizeof h)
        return cant_make(f, error, errno);
    for (uint64_t cell = 0; cell < cells; cell++) {
        emqx_tls_code code = EMQX_TLS_OK;
        if (!from || from[cell] == UINT64_MAX)
            emqxi_cell_clear(f, !(f->settings.flags & EMQX_TLS_PER_DEPLOYMENT), 0);
        else
            code = emqxi_cell_read(f, from[cell], error);
        if (code != EMQX_TLS_OK)
            return code;
        if (!emqxi_cell_put(f, fd, cell))
            return cant_make(f, error, errno);
    }
    return fsync(fd) == 0 ? EMQX_TLS_OK : cant_make(f, error, errno);
}

/* The name of a file that is still being made. */
static char *other_name(const emqxi_file *f, const char *format, uint64_t number)
{
    size_t n = strlen(f->path) + 32;
    char *name = emqxi_alloc(&f->settings.allocator, n);
    if (name) {
        int at = snprintf(name, n, "%s", f->path);
        snprintf(name + at, n - (size_t)at, format, (unsigned long long)number);
    }
    return name;
}

static int create(const char *name)
{
    return open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Makes the file, unless somebody else has by then. */
static emqx_tls_code make(emqxi_file *f, emqx_tls_error *error)
{
    char *name = other_name(f, ".new-%016llx", emqxi_random());
    if (!name || (!f->now && !emqxi_cell_setup(f))) {
        emqxi_free(&f->settings.allocator, name);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
    }
    int fd = create(name);
    if (fd < 0) {
        emqxi_free(&f->settings.allocator, name);
        return cant_make(f, error, errno);
    }
    emqxi_random_key(f->hash_key);
    look(f);
    emqx_tls_code code = fill(f, fd, NULL, f->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? FIRST_CELLS : 1, error);
    if (code == EMQX_TLS_OK && link(name, f->path) != 0 && errno != EEXIST)
        code = cant_make(f, error, errno);
    unlink(name);
    close(fd);
    emqxi_free(&f->settings.allocator, name);
    return code;
}

emqx_tls_code emqxi_file_attach(emqxi_file *f, bool take, emqx_tls_error *error)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    emqx_tls_code code = EMQX_TLS_OK;
    f->fd = open(f->path, flags);
    if (f->fd < 0 && errno == ENOENT) {
        code = make(f, error);
        if (code != EMQX_TLS_OK)
            return code;
        f->fd = open(f->path, flags);
    }
    if (f->fd < 0 && errno == ELOOP)
        return emqxi_file_fail(f, error, "is a symbolic link; give the path of the file itself");
    if (f->fd < 0)
        return emqxi_file_fail(f, error, "can't be opened: %s", strerror(errno));
    f->forks = emqxi_fork_count();
    memset(f->synced, 0, sizeof f->synced);
    code = check_file(f, take, error);
    if (code == EMQX_TLS_OK && !sync_folder(f))
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

emqx_tls_code emqxi_file_replace(emqxi_file *f, const uint64_t *from, uint64_t cells, emqx_tls_error *error)
{
    char *name = other_name(f, ".grow", 0);
    struct stat s;
    if (!name)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a larger quota file");
    unlink(name); /* of one who was killed; we have the lock */
    int fd = create(name);
    emqx_tls_code code = fd < 0 ? cant_make(f, error, errno) : fill(f, fd, from, cells, error);
    /* Locked before others can see it. */
    if (code == EMQX_TLS_OK && (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &s) != 0 || rename(name, f->path) != 0))
        code = cant_make(f, error, errno);
    if (code != EMQX_TLS_OK) {
        if (fd >= 0) {
            close(fd);
            unlink(name);
        }
    } else {
        close(f->fd);
        f->fd = fd;
        f->device = s.st_dev;
        f->inode = s.st_ino;
        f->cells = cells;
        memset(f->synced, 0, sizeof f->synced);
        if (!sync_folder(f))
            code = cant_make(f, error, errno);
    }
    emqxi_free(&f->settings.allocator, name);
    return code;
}

/* -- lock ------------------------------------------------------------------------------------------------------------------ */

/* 1: locked and the path's own; 0: the path names another one by now; -1: errno tells. */
static int try_lock(const emqxi_file *f)
{
    struct stat s;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return -1;
    return lstat(f->path, &s) == 0 && s.st_ino == f->inode && s.st_dev == f->device;
}

emqx_tls_code emqxi_file_lock(emqxi_file *f, emqx_tls_error *error)
{
    for (int i = 0; i < REPLACED_MAX; i++) {
        /* After a fork the parent's descriptor is closed here and not unlocked: its lock is the parent's. */
        if (f->fd >= 0 && f->forks != emqxi_fork_count())
            emqxi_file_detach(f);
        emqx_tls_code code = f->fd >= 0 ? EMQX_TLS_OK : emqxi_file_attach(f, false, error);
        if (code != EMQX_TLS_OK)
            return code;
        int locked = try_lock(f);
        if (locked == 1) {
            look(f);
            return EMQX_TLS_OK;
        }
        if (locked < 0 && errno != EWOULDBLOCK && errno != EINTR)
            return emqxi_file_fail(f, error, "can't be locked: %s", strerror(errno));
        if (locked < 0)
            break;
        emqxi_file_detach(f);
    }
    error->retry_after_ms = BUSY_MIN_MS + (int64_t)(emqxi_random() % BUSY_JITTER_MS);
    return emqxi_file_fail(f, error, "is locked by another process that does not go on; look for a stopped one");
}

void emqxi_file_unlock(const emqxi_file *f)
{
    flock(f->fd, LOCK_UN);
}
