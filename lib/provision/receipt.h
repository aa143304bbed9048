/* SPDX-License-Identifier: MIT
 *
 * receipt - what was last written to a deployment, in a small file a deployment: intent before the
 * write leaves, done when it was accepted. Never the key. A lock file beside it keeps a second
 * `ensure` out; one that died lets go of it.
 */
#ifndef EMQXI_RECEIPT_H
#define EMQXI_RECEIPT_H

#include "base/base.h"
#include "check/check.h"
#include "provision/decide.h"

enum { EMQXI_RECEIPT_NONE, EMQXI_RECEIPT_INTENT, EMQXI_RECEIPT_DONE };

typedef struct emqxi_receipt {
    uint32_t state;
    emqxi_identity identity;  /* of what was written; without common name and leaf_sha256 */
    enum emqxi_before before; /* what was in place, by likeness */
    char was[32];             /* and its `expire` as the platform told it; "": none */
    int64_t time_s;           /* the wall clock when it was written */
    int64_t lease_s;          /* of an intent: nothing of the write left after time_s + lease_s */
    bool zone_known;
    int32_t zone_s; /* of the platform's `expire`, learned from a write of our own */
} emqxi_receipt;

typedef struct emqxi_receipt_file {
    int folder, lock; /* -1: none */
    char name[96];    /* of the deployment's files, without their ending */
    const char *path; /* the folder's, borrowed */
} emqxi_receipt_file;

/* Opens the folder; to be closed. STORE: it is not there, or not safe. */
emqx_tls_code emqxi_receipt_open(emqxi_receipt_file *file, const char *folder,
                                 const char *deployment_id, emqxi_error *error);

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

/* receipt_text.c: as text, with the file's name inside. 0: no memory; false: damaged, or another
 * deployment's. */
size_t emqxi_receipt_encode(const emqxi_receipt *receipt, const char *name, char *to, size_t size);
bool emqxi_receipt_decode(const char *text, size_t len, const char *name, emqxi_receipt *receipt);

#endif
