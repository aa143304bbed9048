/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure - one desired state, fewest writes: the machine. docs/architecture.md has its picture.
 */
#ifndef EMQXI_ENSURE_H
#define EMQXI_ENSURE_H

#include "provision/machine.h"
#include "provision/receipt.h"

#include <emqxtls/provision.h>

/* By what a good end is certain. */
enum emqxi_proof { EMQXI_PROOF_NONE, EMQXI_PROOF_RECEIPT, EMQXI_PROOF_PROBE };

typedef struct emqxi_ensure {
    emqxi_watch watch;
    /* what is asked for */
    const emqxi_identity *wanted;
    uint32_t flags;
    bool barred; /* the local check refuses to write it */
    bool keeps_receipts, probes;
    int32_t zone_s;      /* of `expire`, where the receipt knows none */
    int64_t patience_ms; /* until then the lock is waited for, where nothing else is */
    /* The receipt as it shall be on the disk. In memory also where there is no folder: it tells
     * what a lost write was to change. */
    emqxi_receipt receipt;
    emqxi_receipt previous; /* without this call's intent */
    /* this call's writes */
    uint32_t tries;           /* that may have left */
    uint32_t op;              /* the last one */
    enum emqxi_before before; /* what it was to change */
    int64_t written_ms;
    int64_t doubt_ms; /* until then a write in doubt may still arrive, an earlier call's too */
    enum emqxi_probed probe; /* since the status was last read */
    /* the result */
    uint32_t action; /* EMQX_TLS_ACTION_* */
    bool changes_type;
    enum emqxi_proof proof;
} emqxi_ensure;

extern const emqxi_machine emqxi_ensure_machine;

/* The zone of `expire`, as far as it is known. */
int32_t emqxi_ensure_zone(const emqxi_ensure *machine);

#endif
