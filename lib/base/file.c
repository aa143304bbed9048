/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int emqxi_above_stdio(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), why = errno;
    close(fd);
    errno = why;
    return above;
}

void emqxi_id_read(const char *path, uint8_t id[16])
{
    static const uint8_t key[16] = "emqxtls quota 1";
    char text[37] = "";
    memset(id, 0, 16);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, text, sizeof text - 1) >= 32 && strspn(text, "0123456789abcdef-") >= 32)
        emqxi_siphash(key, text, strcspn(text, "\n"), id);
    close(fd);
}

bool emqxi_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool emqxi_folder_sync(int folder)
{
    return fsync(folder) == 0 || errno == EINVAL;
}
