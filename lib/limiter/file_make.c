/* SPDX-License-Identifier: MIT
 *
 * Making the file: complete under another name first, then linked or renamed, so that it never
 * exists half made and of two who make it at once one is first. Its header never changes.
 */
#include "limiter/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FIRST_CELLS 64 /* with PER_DEPLOYMENT */

uint64_t emqxi_header_checksum(const emqxi_file_header *h)
{
    return emqxi_checksum(0, h, offsetof(emqxi_file_header, checksum));
}

off_t emqxi_file_size(const emqxi_file *f, uint64_t cells)
{
    return (off_t)(EMQXI_FILE_BLOCK + cells * EMQXI_RECORDS * f->record_size);
}

bool emqxi_file_sync_name(const emqxi_file *f)
{
    char *name = strrchr(f->path, '/') + 1, first = *name;
    *name = '\0';
    int fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *name = first;
    if (fd < 0)
        /* it may be entered and not be read: then somebody else has made the file, long ago */
        return errno == EACCES;
    bool ok = emqxi_folder_sync(fd);
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static emqx_tls_code cant_make(const emqxi_file *f, emqxi_error *error, int why)
{
    return emqxi_file_fail(
        f, error, "can't be made: %s; its folder must exist, be writable, and know hard links",
        strerror(why));
}

/* A complete file; f->now is used up. */
static emqx_tls_code fill(emqxi_file *f, int fd, const uint64_t *from, uint64_t cells,
                          emqxi_error *error)
{
    emqxi_file_header h = {.magic = EMQXI_FILE_MAGIC,
                           .version = EMQXI_FILE_VERSION,
                           .flags = f->settings.flags,
                           .reads = f->settings.reads,
                           .writes = f->settings.writes,
                           .window_ms = f->settings.window_ms,
                           .cells = cells};
    memcpy(h.hash_key, f->hash_key, sizeof h.hash_key);
    h.born = f->born;
    h.checksum = emqxi_header_checksum(&h);
    int why = posix_fallocate(fd, 0, emqxi_file_size(f, cells));
    /* this file system can't: a full disk will be told by each write */
    if (why == EOPNOTSUPP || why == EINVAL)
        why = ftruncate(fd, emqxi_file_size(f, cells)) == 0 ? 0 : errno;
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
    return emqxi_above_stdio(open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

emqx_tls_code emqxi_file_make(emqxi_file *f, emqxi_error *error)
{
    char *name = other_name(f, ".new-%016llx", emqxi_random());
    if (!name || (!f->now && !emqxi_cell_setup(f))) {
        emqxi_free(&f->settings.allocator, name);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
    }
    int fd = create(name), why = errno;
    if (fd < 0) {
        emqxi_free(&f->settings.allocator, name);
        return cant_make(f, error, why);
    }
    emqxi_random_key(f->hash_key);
    emqxi_file_look(f);
    f->born = f->here;
    emqx_tls_code code =
        fill(f, fd, NULL, f->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? FIRST_CELLS : 1, error);
    if (code == EMQX_TLS_OK && link(name, f->path) != 0 && errno != EEXIST)
        code = cant_make(f, error, errno);
    unlink(name);
    close(fd);
    emqxi_free(&f->settings.allocator, name);
    return code;
}

emqx_tls_code emqxi_file_replace(emqxi_file *f, const uint64_t *from, uint64_t cells,
                                 emqxi_error *error)
{
    char *name = other_name(f, ".grow", 0);
    struct stat s;
    if (!name)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for a larger quota file");
    unlink(name); /* of one who was killed; we have the lock */
    int fd = create(name);
    emqx_tls_code code = fd < 0 ? cant_make(f, error, errno) : fill(f, fd, from, cells, error);
    /* Locked before others can see it. */
    if (code == EMQX_TLS_OK &&
        (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &s) != 0 || rename(name, f->path) != 0))
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
        if (!emqxi_file_sync_name(f))
            code = cant_make(f, error, errno);
    }
    emqxi_free(&f->settings.allocator, name);
    return code;
}
