/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the programs of this folder have in common: all but the loop.
 */
#ifndef READS_H
#define READS_H

#include <emqxtls/emqxtls.h>

/* Makes a client of what the environment says, as status.c does, and begins to read the status of
 * each deployment. `all_done` is called from the client's last `done`, on the loop's thread. NULL:
 * it says why on stderr. */
emqx_tls_client *reads_begin(int argc, char **argv, void (*all_done)(void));

/* Frees the client. Returns the program's exit code. */
int reads_end(emqx_tls_client *client);

#endif
