/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * receipt - what was last written to a deployment: intent before the write leaves, done when it was
 * accepted. Never the key. Pure: receipt_file.h keeps it on a disk.
 */
#ifndef EMQXI_RECEIPT_H
#define EMQXI_RECEIPT_H

#include "check/identity.h"
#include "provision/decide.h"

/* so long the platform may need until it runs what it took: its own tools wait as long */
#define EMQXI_RECENT_S (30 * 60)

enum { EMQXI_RECEIPT_NONE, EMQXI_RECEIPT_INTENT, EMQXI_RECEIPT_DONE };

typedef struct emqxi_receipt {
    uint32_t state;
    emqxi_identity identity;  /* of what was written; without common name and leaf_sha256 */
    enum emqxi_before before; /* what was in place */
    char was[32];             /* and its `expire` as the platform told it; "": none */
    int64_t time_s;           /* the wall clock when it was written */
    int64_t lease_s;          /* of an intent: nothing of the write left after time_s + lease_s */
    /* what the platform tells, learned from a write of our own: the zone of `expire`, and `cn`
     * where that is none of the names as we know them; "" */
    bool zone_known;
    int32_t zone_s;
    char cn[256];
} emqxi_receipt;

/* -- receipt.c */
bool emqxi_receipt_is_of(const emqxi_receipt *receipt, const emqxi_identity *wanted);

/* What it says of the certificate that the status shows. */
enum emqxi_recorded emqxi_recorded(const emqxi_receipt *receipt, const emqxi_identity *wanted,
                                   const emqx_tls_status *status, int32_t zone_s);

/* May the status, which was read so long after the write, be from before it? Reads lag behind
 * writes by minutes; `expire` may be that of before until the new one runs. */
bool emqxi_receipt_is_stale(const emqxi_receipt *receipt, const emqx_tls_status *status,
                            int64_t age_s);

/* How a status came to be seen that may show our own write. */
typedef struct emqxi_sight {
    bool own_reply; /* in the reply to that write */
    bool recent;    /* so soon after it that it is no other's */
    bool settled;   /* it would not be that of before any more, though it tells its `expire` */
} emqxi_sight;

/* Learns the zone of `expire`, taken for zone_s so far, and `cn` from such a status. */
void emqxi_receipt_learn(emqxi_receipt *receipt, const emqxi_identity *wanted,
                         const emqx_tls_status *status, int32_t zone_s, const emqxi_sight *sight);

/* -- receipt_text.c: as text, with the file's name inside. 0: no memory; false: damaged, or another
 * deployment's. */
size_t emqxi_receipt_encode(const emqxi_receipt *receipt, const char *name, char *to, size_t size);
bool emqxi_receipt_decode(const char *text, size_t len, const char *name, emqxi_receipt *receipt);

#endif
