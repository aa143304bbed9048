/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * job - the driver of the machines of ensure, wait and remove. A job is a call of the client's
 * loop: it carries out what its machine wants, one thing at a time, and tells it how that ended.
 * The blocking and the asynchronous forms drive the same jobs.
 */
#ifndef EMQXI_JOB_H
#define EMQXI_JOB_H

#include "call/request.h"
#include "provision/ensure.h"
#include "provision/probe.h"
#include "provision/receipt_file.h"

typedef struct emqxi_job {
    emqx_tls_call call;
    const emqxi_machine *machine;
    union {
        emqxi_watch watch; /* each state begins with it */
        emqxi_ensure ensure;
        emqxi_wait wait;
    } state;
    char *deployment_id;
    emqxi_wanted wanted;
    /* the operation under way, and how the last one ended; `attempts` are those of the whole job */
    emqx_tls_call *operation;
    uint32_t op;
    emqx_tls_status reply;
    emqxi_error answer;
    emqxi_error written;    /* how the last write ended */
    emqxi_error unread;     /* and the last read that failed, but for one that was cut off */
    uint32_t reads, writes; /* quota spent */
    /* of ensure */
    char *body; /* holds the private key: wiped as soon as no write can follow */
    size_t body_len;
    char *receipt_dir; /* NULL: none */
    emqxi_receipt_file file;
    emqxi_receipt on_disk; /* the receipt as it was last read or written */
    bool locked;
    bool unsaved;                   /* it could not be written */
    emqx_tls_ensure_result *result; /* of a blocking call, filled at the end */
    emqxi_probe_target target;      /* its host is a copy; NULL: no probe */
    emqxi_probe *probe;             /* under way */
    emqxi_identity served;          /* the leaf that the last one saw */
    emqxi_error probed;             /* why it was no proof */
} emqxi_job;

/* A job without anything to do; NULL: no memory. */
emqxi_job *emqxi_job_new(emqx_tls_client *client, const emqxi_machine *machine);
/* Starts one whose machine is set up but for its watch. NO_MEMORY, INVALID: it is to be freed. */
emqx_tls_code emqxi_job_start(emqxi_job *job, const char *deployment_id, uint32_t wait_ms,
                              emqx_tls_done_fn done, void *user, emqxi_error *error);
void emqxi_job_free(emqxi_job *job);
/* -- message.c: the error that a job ends with */
void emqxi_job_tell(const emqxi_job *job, const emqxi_action *end, int64_t now_ms, emqxi_error *to);

/* What an ensure has come to; of any other call all zero. */
void emqxi_job_result(const emqx_tls_call *call, emqx_tls_ensure_result *result);

#endif
