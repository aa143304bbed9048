/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * file - the quota in a file, for the processes of one machine. Its third layer: who may use it.
 * Below are how cells are read and written (file_cell.h), and what is on the disk (file_disk.h);
 * each calls only what is below it.
 */
#ifndef EMQXI_FILE_H
#define EMQXI_FILE_H

#include "limiter/file_cell.h"

typedef struct emqxi_file {
    emqxi_cells cells;
    uint32_t forks;
} emqxi_file;

/* emqx_tls_limiter_open_file with the machine's answers given. */
emqx_tls_code emqxi_file_open(const char *path, const emqx_tls_limiter_config *config,
                              const emqxi_host *host, emqx_tls_store *store,
                              emqxi_settings *settings, emqx_tls_error *error);

/* -- file_access.c. Where false is returned cells.disk.error tells ----------------------------- */

/* Opens the file, making it if it does not exist. `take`: its settings are taken over, else they
 * must be the same. */
bool emqxi_file_attach(emqxi_file *f, bool take);
void emqxi_file_detach(emqxi_file *f);

/* Takes the lock on the file that the path names now, and looks at the clocks. False, and
 * error.retry_after_ms is not -1: another process has the lock. */
bool emqxi_file_lock(emqxi_file *f);
void emqxi_file_unlock(const emqxi_file *f);

#endif
