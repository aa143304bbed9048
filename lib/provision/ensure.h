/* SPDX-License-Identifier: MIT
 *
 * ensure - one desired state, fewest writes. ensure.c takes the arguments, ensure_run.c looks,
 * decides and ends, ensure_write.c writes, ensure_probe.c probes, ensure_receipt.c keeps the
 * receipt.
 */
#ifndef EMQXI_ENSURE_H
#define EMQXI_ENSURE_H

#include "check/check.h"
#include "provision/decide.h"
#include "provision/job.h"
#include "provision/probe.h"
#include "provision/receipt.h"

typedef struct emqxi_ensure {
    emqxi_job job;
    /* what is wanted */
    uint32_t flags;
    emqxi_identity wanted;
    char *body; /* holds the private key: wiped as soon as no write can follow */
    size_t body_len;
    int32_t option_offset_s;
    char *receipt_dir, *probe_host; /* NULL: none */
    uint32_t probe_port;
    /* the receipt: in memory also where there is no folder, since it tells what a lost write was to
     * change */
    emqxi_receipt_file file;
    bool locked;
    emqxi_receipt receipt;
    emqxi_receipt previous; /* what it was before this call's intent */
    bool intended;          /* this call's intent is the receipt now */
    /* this call's writes */
    uint32_t tries;     /* that may have left */
    uint32_t write_op;  /* the last one */
    bool before_failed; /* the state before it was "failed" */
    enum emqxi_before before;
    bool accepted, settled, lost, misjudged;
    int64_t written_at;
    int64_t doubt_until; /* until then a write in doubt may still arrive */
    emqxi_error trial;   /* how the last write ended */
    bool unsaved;        /* the receipt could not be written */
    /* the probe, since the status was last read */
    emqxi_probe *probe;
    bool last_step; /* it shall prove what the status says; else it may help to decide */
    bool probed, matched;
    enum emqxi_evidence evidence;
    emqxi_error probe_error; /* why the last one was no proof */
    emqx_tls_ensure_result result;
} emqxi_ensure;

/* -- ensure_run.c */
extern const emqxi_job_kind emqxi_ensure_kind;
void emqxi_ensure_look(emqxi_job *job);  /* reads the status, and judges it */
void emqxi_ensure_judge(emqxi_job *job); /* decides by what is known, and acts */
static inline bool emqxi_ensure_dry(const emqxi_ensure *e)
{
    return e->flags & EMQX_TLS_DRY_RUN;
}

/* -- ensure_write.c */
void emqxi_ensure_write(emqxi_ensure *e, const emqxi_facts *facts, const emqxi_decision *decision);
/* Looks again when a write in doubt can't arrive any more, at the latest */
void emqxi_ensure_in_doubt(emqxi_ensure *e);
void emqxi_ensure_end_in_doubt(emqxi_ensure *e); /* ends as the last write did */
void emqxi_ensure_carried_out(emqxi_ensure *e);  /* this call's write was */

/* -- ensure_probe.c */
void emqxi_ensure_probe(emqxi_job *job); /* probes, and judges by what it shows */
void emqxi_ensure_forget_probe(emqxi_ensure *e);

/* -- ensure_receipt.c */
/* The zone of `expire`, as far as it is known. */
int32_t emqxi_ensure_zone(const emqxi_ensure *e);
/* What the receipt says about what the status shows. */
enum emqxi_record emqxi_ensure_record(const emqxi_ensure *e);
/* Was what is wanted written, or begun to be, not long ago, and `expire` is that of before
 * still? */
bool emqxi_ensure_is_fresh(const emqxi_ensure *e);
/* Reads the receipt, and finds out how long a write of an earlier call is in doubt. STORE. */
emqx_tls_code emqxi_ensure_load(emqxi_ensure *e, emqxi_error *error);
/* Writes down that a write is about to leave. STORE: it must not. */
emqx_tls_code emqxi_ensure_intend(emqxi_ensure *e, int64_t lease_ms, emqxi_error *error);
/* The write was carried out, or what is wanted was proven to be in place. */
void emqxi_ensure_done(emqxi_ensure *e);
/* The write was not carried out: the receipt is what it was before. */
void emqxi_ensure_undo(emqxi_ensure *e);
/* Learns the zone from a status that shows our own write, if it does. */
void emqxi_ensure_learn_zone(emqxi_ensure *e, const emqx_tls_status *status, bool own_reply);

#endif
