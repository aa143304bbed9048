/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Making the file: complete under another name first, then linked or renamed, so that it never
 * exists half made and of two who make it at once one is first. Its header never changes.
 */
#include "limiter/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

#define FIRST_CELLS 64 /* with PER_DEPLOYMENT */

static bool cant_make(emqxi_file *f)
{
    return emqxi_disk_fail(&f->disk,
                           "can't be made: %s; its folder must exist, be writable, and know hard "
                           "links",
                           strerror(errno));
}

/* A complete file under this name, open in `made`; f->now is used up. */
static bool fill_file(emqxi_file *f, emqxi_disk *made, const char *name, const uint64_t *from)
{
    made->fd =
        emqxi_above_stdio(open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    bool ok = made->fd >= 0 && emqxi_disk_lay_out(made);
    for (uint64_t cell = 0; ok && cell < made->cells; cell++) {
        if (!from || from[cell] == UINT64_MAX)
            emqxi_cell_clear(f, !(f->settings.flags & EMQX_TLS_PER_DEPLOYMENT), 0);
        else if (!emqxi_cell_read(f, from[cell]))
            return false;
        ok = emqxi_cell_put(f, made, cell);
    }
    return (ok && fsync(made->fd) == 0) || cant_make(f);
}

/* The name of a file that is still being made. NULL: no memory. */
static char *other_name(emqxi_file *f, uint64_t number)
{
    size_t n = strlen(f->disk.path) + 32;
    char *name = emqxi_alloc(&f->settings.allocator, n);
    if (name)
        snprintf(name, n, "%s.new-%016" PRIx64, f->disk.path, number);
    else
        emqxi_file_no_memory(f);
    return name;
}

bool emqxi_file_make(emqxi_file *f)
{
    if (!f->now && !emqxi_file_set_up(f))
        return false;
    char *name = other_name(f, emqxi_random());
    if (!name)
        return false;
    emqxi_file_look(f);
    emqxi_random_key(f->disk.hash_key);
    f->disk.born = f->here;
    f->disk.cells = f->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? FIRST_CELLS : 1;
    emqxi_disk made = f->disk;
    bool ok = fill_file(f, &made, name, NULL);
    if (ok && link(name, f->disk.path) != 0 && errno != EEXIST)
        ok = cant_make(f);
    if (made.fd >= 0) {
        unlink(name);
        close(made.fd);
    }
    emqxi_free(&f->settings.allocator, name);
    return ok;
}

bool emqxi_file_replace(emqxi_file *f, const uint64_t *from, uint64_t cells)
{
    char *name = other_name(f, 0);
    if (!name)
        return false;
    unlink(name); /* of one who was killed; we have the lock */
    emqxi_disk made = f->disk;
    made.cells = cells;
    /* Locked before others can see it. */
    struct stat s;
    bool ok = fill_file(f, &made, name, from) &&
              ((flock(made.fd, LOCK_EX | LOCK_NB) == 0 && fstat(made.fd, &s) == 0 &&
                rename(name, f->disk.path) == 0) ||
               cant_make(f));
    if (ok) {
        close(f->disk.fd);
        f->disk.fd = made.fd;
        f->disk.cells = cells;
        f->disk.inode = s.st_ino;
        emqxi_file_forget_syncs(f);
        ok = emqxi_disk_sync_name(&f->disk);
    } else if (made.fd >= 0) {
        close(made.fd);
        unlink(name);
    }
    emqxi_free(&f->settings.allocator, name);
    return ok;
}
