/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The folder of receipts: FIRST-HASH.json, .lock and, while it is being written, .new. A receipt is
 * put in place by rename, so that a crash at any instant leaves the old one or the new one.
 */
#include "provision/receipt_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define RECEIPT_MAX 4096

static emqx_tls_code receipt_fail(const emqxi_receipt_file *f, const char *ending, const char *what,
                                  const char *why, emqxi_error *error)
{
    return emqxi_fail(error, EMQX_TLS_E_STORE, "receipt %s/%s%s %s%s", f->path, f->name, ending,
                      what, why);
}

static emqx_tls_code no_memory(emqxi_error *error)
{
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for a receipt");
}

static void file_name(const emqxi_receipt_file *f, const char *ending, char to[128])
{
    snprintf(to, 128, "%s%s", f->name, ending);
}

/* The ID's beginning for the reader, and a hash of it all: an ID may be too long, and may hold what
 * a name must not. */
static void name_receipt(emqxi_receipt_file *f, const char *deployment_id)
{
    static const uint8_t key[16] = {0};
    uint8_t hash[16];
    size_t at = 0;
    for (const char *c = deployment_id; *c && at < 32; c++) {
        bool plain =
            (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        f->name[at++] = plain ? *c : '_';
    }
    f->name[at++] = '-';
    emqxi_siphash(key, deployment_id, strlen(deployment_id), hash);
    emqxi_hex(hash, sizeof hash, f->name + at);
}

emqx_tls_code emqxi_receipt_open(emqxi_receipt_file *f, const emqx_tls_allocator *allocator,
                                 const char *folder, const char *deployment_id, emqxi_error *error)
{
    struct stat s;
    f->allocator = allocator;
    f->path = folder;
    f->lock = -1;
    name_receipt(f, deployment_id);
    f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool opened = f->folder >= 0 && fstat(f->folder, &s) == 0;
    if (opened && (s.st_uid == geteuid() || s.st_uid == 0) &&
        (!(s.st_mode & 022) || s.st_mode & S_ISVTX))
        return EMQX_TLS_OK;
    if (!opened)
        emqxi_fail(error, EMQX_TLS_E_STORE,
                   "receipt_dir %s can't be opened: %s; make it, owned by the user that runs this",
                   folder, strerror(errno));
    else
        emqxi_fail(error, EMQX_TLS_E_STORE,
                   "receipt_dir %s belongs to another user, or others may write to it: use one of "
                   "mode 0700",
                   folder);
    emqxi_receipt_close(f);
    return EMQX_TLS_E_STORE;
}

/* Opens a file that must be our own. -1: the error says why, but for one that is not there, where
 * errno is ENOENT. */
static int open_own(emqxi_receipt_file *f, const char *ending, int flags, emqxi_error *error)
{
    char name[128];
    struct stat s;
    file_name(f, ending, name);
    int fd = openat(f->folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() &&
        !(s.st_mode & 022))
        return fd;
    if (fd >= 0) {
        close(fd);
        errno = 0;
        receipt_fail(f, ending, "is not a file of this user's alone: remove it", "", error);
    } else if (errno == ELOOP) {
        receipt_fail(f, ending, "is a symbolic link: remove it", "", error);
    } else if (errno != ENOENT || flags & O_CREAT) {
        receipt_fail(f, ending, "can't be opened: ", strerror(errno), error);
    }
    return -1;
}

emqx_tls_code emqxi_receipt_lock(emqxi_receipt_file *f, bool *busy, emqxi_error *error)
{
    struct stat s;
    *busy = false;
    int fd = open_own(f, ".lock", O_RDWR | O_CREAT, error);
    int locked;
    if (fd < 0)
        return EMQX_TLS_E_STORE;
    do
        locked = flock(fd, LOCK_EX | LOCK_NB);
    while (locked != 0 && errno == EINTR);
    if (locked == 0 && fstat(fd, &s) == 0 && s.st_nlink > 0) {
        f->lock = fd;
        return EMQX_TLS_OK;
    }
    /* locked, but removed meanwhile: try the new one */
    *busy = locked == 0 || errno == EWOULDBLOCK;
    if (!*busy)
        receipt_fail(f, ".lock", "can't be locked: ", strerror(errno), error);
    close(fd);
    return *busy ? EMQX_TLS_OK : EMQX_TLS_E_STORE;
}

emqx_tls_code emqxi_receipt_load(emqxi_receipt_file *f, emqxi_receipt *receipt, bool *damaged,
                                 emqxi_error *error)
{
    size_t len = 0;
    ssize_t n;
    memset(receipt, 0, sizeof *receipt);
    *damaged = false;
    int fd = open_own(f, ".json", O_RDONLY, error);
    if (fd < 0)
        return errno == ENOENT ? EMQX_TLS_OK : EMQX_TLS_E_STORE;
    char *text = emqxi_alloc(f->allocator, RECEIPT_MAX);
    if (!text) {
        close(fd);
        return no_memory(error);
    }
    while ((n = read(fd, text + len, RECEIPT_MAX - len)) > 0 || (n < 0 && errno == EINTR))
        len += n > 0 ? (size_t)n : 0;
    if (n < 0)
        receipt_fail(f, ".json", "can't be read: ", strerror(errno), error);
    else
        *damaged = !emqxi_receipt_decode(text, len, f->name, receipt);
    emqxi_free(f->allocator, text);
    close(fd);
    return n < 0 ? EMQX_TLS_E_STORE : EMQX_TLS_OK;
}

emqx_tls_code emqxi_receipt_save(emqxi_receipt_file *f, const emqxi_receipt *receipt,
                                 emqxi_error *error)
{
    char name[128], fresh[128];
    file_name(f, ".json", name);
    file_name(f, ".new", fresh);
    if (receipt->state == EMQXI_RECEIPT_NONE) {
        if ((unlinkat(f->folder, name, 0) != 0 && errno != ENOENT) || !emqxi_folder_sync(f->folder))
            return receipt_fail(f, ".json", "can't be removed: ", strerror(errno), error);
        return EMQX_TLS_OK;
    }
    char *text = emqxi_alloc(f->allocator, RECEIPT_MAX);
    if (!text)
        return no_memory(error);
    size_t len = emqxi_receipt_encode(receipt, f->name, text, RECEIPT_MAX);
    /* what a crash left; O_EXCL finds whatever could not be removed */
    unlinkat(f->folder, fresh, 0);
    int fd = openat(f->folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && emqxi_write_all(fd, text, len) && fsync(fd) == 0;
    int saved = errno;
    emqxi_free(f->allocator, text);
    if (fd >= 0 && close(fd) != 0 && written) {
        saved = errno;
        written = false;
    }
    if (written && renameat(f->folder, fresh, f->folder, name) == 0 && emqxi_folder_sync(f->folder))
        return EMQX_TLS_OK;
    errno = written ? errno : saved;
    receipt_fail(f, ".json", "can't be written: ", strerror(errno), error);
    unlinkat(f->folder, fresh, 0);
    return EMQX_TLS_E_STORE;
}

void emqxi_receipt_close(emqxi_receipt_file *f)
{
    if (f->lock >= 0)
        close(f->lock);
    if (f->folder >= 0)
        close(f->folder);
    f->lock = f->folder = -1;
}
