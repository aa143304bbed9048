/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * decide - what a reading of the status means for what is wanted: the table that ensure goes by.
 * Pure: no I/O, no clock, no memory.
 */
#ifndef EMQXI_DECIDE_H
#define EMQXI_DECIDE_H

#include "check/identity.h"
#include "provision/machine.h"

#include <emqxtls/provision.h>

/* -- likeness.c: does a status show this certificate? */
#define EMQXI_ZONE_MAX (14 * 3600) /* seconds: no time zone is further from UTC */

enum emqxi_likeness {
    EMQXI_DIFFERENT, /* something told differs */
    EMQXI_UNTOLD,    /* nothing told differs, but `expire` could not be compared */
    EMQXI_SAME       /* `expire` is the same, and nothing told differs */
};

/* offset_s: the zone of the platform's `expire`. A bare date is compared by day. `known`: what the
 * platform is known to tell as `cn` of it besides its names, or "". Without names none is
 * compared. */
enum emqxi_likeness emqxi_compare(const emqx_tls_status *status, const emqxi_identity *wanted,
                                  int32_t offset_s, const char *known);

/* Does it tell `expire` without a time of day? */
bool emqxi_bare_date(const emqx_tls_status *status);

/* Does what is wanted end before what the status shows? */
bool emqxi_earlier(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t offset_s);

/* Is the difference between `expire` as it was read and the leaf's end one of time zones: whole
 * quarter hours within 14 h? A bare date fits many: of these the one nearest to near_s. */
bool emqxi_zone_of(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t near_s,
                   int32_t *offset_s);

/* -- decide.c */
/* What the receipt says about the certificate that the status shows. */
enum emqxi_recorded {
    EMQXI_RECORD_NONE,   /* nothing, or about one that looks different */
    EMQXI_RECORD_OURS,   /* it is the wanted one */
    EMQXI_RECORD_INTENT, /* a write of the wanted one was begun, its outcome is not known */
    /* it is another one that looks alike, such as a new key with the same end */
    EMQXI_RECORD_OTHER
};

/* What was in place when that write began: did it look like what is wanted, and had it failed, or
 * was it not running yet? */
enum emqxi_before {
    EMQXI_BEFORE_NOTHING,
    EMQXI_BEFORE_DIFFERENT,
    EMQXI_BEFORE_DIFFERENT_FAILED,
    EMQXI_BEFORE_DIFFERENT_UNFINISHED,
    EMQXI_BEFORE_ALIKE,
    EMQXI_BEFORE_ALIKE_FAILED,
    EMQXI_BEFORE_ALIKE_UNFINISHED,
    EMQXI_BEFORES
};

/* What a probe has shown since the status was read. */
enum emqxi_probed {
    EMQXI_PROBE_UNASKED,
    EMQXI_PROBE_SILENT,    /* nothing that counts */
    EMQXI_PROBE_DISPROVES, /* another leaf, which looks like the status */
    EMQXI_PROBE_MATCHES,   /* the wanted leaf; but of two-way a port does not show the client CA */
    EMQXI_PROBE_PROVES     /* the wanted leaf */
};

typedef struct emqxi_facts {
    uint32_t state; /* EMQX_TLS_STATE_* */
    uint32_t flags; /* ensure_options.flags */
    enum emqxi_likeness likeness;
    enum emqxi_recorded record;
    enum emqxi_before before; /* of RECORD_OURS and RECORD_INTENT */
    enum emqxi_fate fate;     /* of this call's write */
    enum emqxi_probed probe;
    bool readable;  /* the wanted leaf could be read */
    bool earlier;   /* it ends before what is in place */
    bool stale;     /* the status may be a reading from before the recorded write */
    bool young;     /* what ran before that write may still run */
    bool forgetful; /* the next call would not know of a write */
} emqxi_facts;

enum emqxi_verdict {
    EMQXI_IN_PLACE,     /* it is there and running */
    EMQXI_COMING,       /* it is there, not running yet: wait for it */
    EMQXI_UNCLEAR,      /* what is there can't be told until it is further: wait until it can */
    EMQXI_LEAVING,      /* what was there is being deleted: wait until it is gone */
    EMQXI_CREATE,       /* POST */
    EMQXI_UPDATE,       /* PUT: what is there is not what is wanted, or that can't be told */
    EMQXI_UNSURE,       /* whether this call's write was carried out can't be told */
    EMQXI_EARLIER,      /* refused: it would end before what is there */
    EMQXI_ILLEGIBLE,    /* refused: the leaf can't be read, so nothing can be compared */
    EMQXI_INCOMPARABLE, /* refused: nothing that is told can be compared */
    EMQXI_BROKEN,       /* the platform has put it into "failed" */
    EMQXI_VANISHED      /* it was written, and is gone */
};

typedef struct emqxi_decision {
    enum emqxi_verdict verdict;
    bool certain;     /* IN_PLACE, COMING: by receipt or probe */
    bool carried_out; /* a write in doubt was: the receipt can say so */
    bool probe_helps; /* a probe could tell more than the status does */
} emqxi_decision;

emqxi_decision emqxi_decide(const emqxi_facts *facts);

#endif
