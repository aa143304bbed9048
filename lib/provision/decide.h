/* SPDX-License-Identifier: MIT
 *
 * decide - what a reading of the status means for what is wanted. Pure: no I/O, no clock, no
 * memory.
 */
#ifndef EMQXI_DECIDE_H
#define EMQXI_DECIDE_H

#include "base/base.h"
#include "check/identity.h"

#include <emqxtls/provision.h>

#define EMQXI_ZONE_MAX (14 * 3600) /* seconds: no time zone is further from UTC */

enum emqxi_likeness {
    EMQXI_DIFFERENT, /* something told differs */
    EMQXI_UNTOLD,    /* nothing told differs, but `expire` could not be compared */
    EMQXI_SAME       /* `expire` is the same, and nothing told differs */
};

/* offset_s: the zone of the platform's `expire`. A bare date is compared by day; a common name that
 * is "" is not compared. */
enum emqxi_likeness emqxi_compare(const emqx_tls_status *status, const emqxi_identity *wanted,
                                  int32_t offset_s);

/* Does it tell `expire` without a time of day? */
bool emqxi_bare_date(const emqx_tls_status *status);

/* Does what is wanted end before what the status shows? */
bool emqxi_earlier(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t offset_s);

/* Is the difference between `expire` as it was read and the leaf's end one of time zones: whole
 * quarter hours within 14 h? A bare date fits many: of these the one nearest to near_s. */
bool emqxi_zone_of(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t near_s,
                   int32_t *offset_s);

/* What the receipt says about the certificate that the status shows. */
enum emqxi_record {
    EMQXI_RECORD_NONE,   /* nothing, or about one that looks different */
    EMQXI_RECORD_OURS,   /* it is the wanted one */
    EMQXI_RECORD_INTENT, /* a write of the wanted one was begun, its outcome is not known */
    /* it is another one that looks alike, such as a new key with the same end */
    EMQXI_RECORD_OTHER
};

/* What was in place when that write began. */
enum emqxi_before {
    /* it looked different, or there was none: the status will show the write */
    EMQXI_BEFORE_DIFFERENT,
    /* it looked alike, running or failed: only "pending" in between shows the write */
    EMQXI_BEFORE_ALIKE,
    /* it looked alike and was not running yet: the status can't show the write */
    EMQXI_BEFORE_ALIKE_UNFINISHED
};

enum emqxi_evidence { EMQXI_PROBE_SILENT, EMQXI_PROBE_PROVES, EMQXI_PROBE_DISPROVES };

typedef struct emqxi_facts {
    uint32_t state; /* EMQX_TLS_STATE_* */
    uint32_t flags; /* ensure_options.flags */
    enum emqxi_likeness likeness;
    enum emqxi_record record;
    enum emqxi_before before; /* of RECORD_INTENT, or of this call's accepted write */
    enum emqxi_evidence probe;
    bool readable; /* the wanted leaf could be read */
    bool earlier;
    bool
        /* it was written (RECORD_OURS), or may have been (INTENT), not long ago, and `expire` is
         * that of before */
        fresh;
    bool accepted; /* this call's write was accepted */
    /* since then a state other than running was read, or the time for it is over */
    bool settled;
    bool lost;          /* this call's write is in doubt (then record is INTENT) */
    bool before_failed; /* the state before this call's write was "failed" */
} emqxi_facts;

enum emqxi_verdict {
    EMQXI_IN_PLACE, /* it is there and running */
    EMQXI_COMING,   /* it is there, not running yet: wait for it */
    EMQXI_UNCLEAR,  /* what is there can't be told until it is further: wait until it can */
    EMQXI_LEAVING,  /* what was there is being deleted: wait until it is gone */
    EMQXI_CREATE,   /* POST */
    /* PUT: what is there is not what is wanted, or that can't be told (never after a lost write) */
    EMQXI_UPDATE,
    EMQXI_UNSURE,    /* whether this call's write was carried out can't be told */
    EMQXI_EARLIER,   /* refused: it would end before what is there */
    EMQXI_ILLEGIBLE, /* refused: the leaf can't be read, so nothing can be compared */
    EMQXI_BROKEN,    /* the platform has put it into "failed" */
    EMQXI_VANISHED   /* it was written, and is gone */
};

typedef struct emqxi_decision {
    enum emqxi_verdict verdict;
    bool certain;     /* IN_PLACE, COMING: by receipt or probe */
    bool carried_out; /* a write in doubt was: the receipt can say so */
    bool probe_helps; /* a probe could tell more than the status does */
} emqxi_decision;

emqxi_decision emqxi_decide(const emqxi_facts *facts);

#endif
