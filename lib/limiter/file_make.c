/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Making the file: complete under another name first, then linked or renamed, so that it never
 * exists half made and of two who make it at once one is first. Its header never changes.
 */
#include "limiter/file_cell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

#define FIRST_CELLS 64 /* with PER_DEPLOYMENT */

static bool cant_make(emqxi_cells *c)
{
    return emqxi_disk_fail(&c->disk,
                           "can't be made: %s; its folder must exist, be writable, and know hard "
                           "links",
                           strerror(errno));
}

/* A complete file under this name, open in `made`; c->now is used up. */
static bool fill_file(emqxi_cells *c, emqxi_disk *made, const char *name, const uint64_t *from)
{
    made->fd =
        emqxi_above_stdio(open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    bool ok = made->fd >= 0 && emqxi_disk_lay_out(made);
    for (uint64_t cell = 0; ok && cell < made->cells; cell++) {
        if (!from || from[cell] == UINT64_MAX)
            emqxi_cell_clear(c, !(c->settings.flags & EMQX_TLS_PER_DEPLOYMENT), 0);
        else if (!emqxi_cell_read(c, from[cell]))
            return false;
        ok = emqxi_cell_put(c, made, cell);
    }
    return (ok && fsync(made->fd) == 0) || cant_make(c);
}

/* The name of a file that is still being made. NULL: no memory. */
static char *other_name(emqxi_cells *c, const char *format, uint64_t number)
{
    size_t n = strlen(c->disk.path) + 32;
    char *name = emqxi_alloc(&c->settings.allocator, n);
    if (name) {
        int at = snprintf(name, n, "%s", c->disk.path);
        snprintf(name + at, n - (size_t)at, format, (unsigned long long)number);
    } else {
        emqxi_fail(&c->disk.error, EMQX_TLS_E_NO_MEMORY, "no memory for a quota file");
    }
    return name;
}

bool emqxi_cells_make_file(emqxi_cells *c)
{
    if (!c->now && !emqxi_cells_set_up(c))
        return false;
    char *name = other_name(c, ".new-%016llx", emqxi_random());
    if (!name)
        return false;
    emqxi_cells_look(c);
    emqxi_random_key(c->disk.hash_key);
    c->disk.born = c->here;
    c->disk.cells = c->settings.flags & EMQX_TLS_PER_DEPLOYMENT ? FIRST_CELLS : 1;
    emqxi_disk made = c->disk;
    bool ok = fill_file(c, &made, name, NULL);
    if (ok && link(name, c->disk.path) != 0 && errno != EEXIST)
        ok = cant_make(c);
    if (made.fd >= 0) {
        unlink(name);
        close(made.fd);
    }
    emqxi_free(&c->settings.allocator, name);
    return ok;
}

bool emqxi_cells_replace_file(emqxi_cells *c, const uint64_t *from, uint64_t cells)
{
    char *name = other_name(c, ".grow", 0);
    if (!name)
        return false;
    unlink(name); /* of one who was killed; we have the lock */
    emqxi_disk made = c->disk;
    made.cells = cells;
    /* Locked before others can see it. */
    struct stat s;
    bool ok = fill_file(c, &made, name, from) &&
              ((flock(made.fd, LOCK_EX | LOCK_NB) == 0 && fstat(made.fd, &s) == 0 &&
                rename(name, c->disk.path) == 0) ||
               cant_make(c));
    if (ok) {
        close(c->disk.fd);
        c->disk.fd = made.fd;
        c->disk.cells = cells;
        c->disk.inode = s.st_ino;
        memset(c->synced, 0, sizeof c->synced);
        ok = emqxi_disk_sync_name(&c->disk);
    } else if (made.fd >= 0) {
        close(made.fd);
        unlink(name);
    }
    emqxi_free(&c->settings.allocator, name);
    return ok;
}
