/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file.h - small files: an ID of the system; those that have to survive, the quota's and the
 * receipts.
 */
#ifndef EMQXI_FILE_BASE_H
#define EMQXI_FILE_BASE_H

#include "base/base.h"

/* Moves a descriptor from where standard input, output and error belong: a program that was started
 * without them would write its messages into the file. -1 is kept, with its errno. */
int emqxi_above_stdio(int fd);

/* A hash of the ID that a file tells, 32 hexadecimal digits with or without dashes; zeros where it
 * tells none. */
void emqxi_id_read(const char *path, uint8_t id[16]);

/* False: errno tells. What is written last is on the disk only after a sync. */
bool emqxi_write_all(int fd, const void *data, size_t len);

/* Makes names in a folder last. A file system that has nothing to sync there says EINVAL: that is
 * no error. */
bool emqxi_folder_sync(int folder);

#endif
