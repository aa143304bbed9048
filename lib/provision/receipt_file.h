/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * receipt_file - receipts in a folder, a small file for each deployment. A lock file beside it
 * keeps a second ensure out; one that died lets go of it.
 */
#ifndef EMQXI_RECEIPT_FILE_H
#define EMQXI_RECEIPT_FILE_H

#include "provision/receipt.h"

typedef struct emqxi_receipt_file {
    const emqx_tls_allocator *allocator;
    int folder, lock; /* -1: none */
    char name[96];    /* of the deployment's files, without their ending */
    const char *path; /* the folder's, borrowed */
} emqxi_receipt_file;

/* Opens the folder; to be closed. STORE: it is not there, or not safe. */
emqx_tls_code emqxi_receipt_open(emqxi_receipt_file *file, const emqx_tls_allocator *allocator,
                                 const char *folder, const char *deployment_id, emqxi_error *error);

/* Tries to lock, without waiting. OK: *busy tells whether another holds it. STORE. */
emqx_tls_code emqxi_receipt_lock(emqxi_receipt_file *file, bool *busy, emqxi_error *error);

/* Reads the receipt. OK: also where there is none, or a damaged one (*damaged): state NONE. STORE:
 * not a file of our own. */
emqx_tls_code emqxi_receipt_load(emqxi_receipt_file *file, emqxi_receipt *receipt, bool *damaged,
                                 emqxi_error *error);

/* Puts the receipt in place whole and on the disk; state NONE: takes it away. STORE: the old one is
 * still there. */
emqx_tls_code emqxi_receipt_save(emqxi_receipt_file *file, const emqxi_receipt *receipt,
                                 emqxi_error *error);

void emqxi_receipt_close(emqxi_receipt_file *file); /* unlocks; also twice */

#endif
