/* SPDX-License-Identifier: MIT
 *
 * job - what ensure, wait and remove have in common. A job is a call of the client's loop. It
 * starts operations of its own, one at a time, pauses by its own timer, and takes a step when
 * either is over. The blocking and the asynchronous forms drive the same steps.
 */
#ifndef EMQXI_JOB_H
#define EMQXI_JOB_H

#include "call/client.h"

#include <emqxtls/provision.h>

typedef struct emqxi_job emqxi_job;
typedef void (*emqxi_step)(emqxi_job *job);

typedef struct emqxi_job_kind {
    const char *name;             /* for the log */
    emqxi_step first;             /* the first step */
    emqxi_step late;              /* the deadline has passed: ends the job */
    void (*let_go)(emqxi_job *);  /* of all that is outside, and of secrets; may come twice */
    void (*release)(emqxi_job *); /* of the rest of its memory, not of the struct */
} emqxi_job_kind;

struct emqxi_job {
    emqx_tls_call call;
    const emqxi_job_kind *kind;
    char *deployment_id;
    uint32_t wait_ms;
    int64_t begun, deadline; /* deadline INT64_MAX: wait_ms is 0 */
    emqx_tls_call *sub;      /* the operation under way */
    uint32_t sub_op;
    emqxi_step next; /* what follows it, or the pause */
    /* how the last operation ended; `attempts` are those of the whole job */
    emqxi_error answer;
    emqx_tls_status reply;  /* and its status */
    bool seen;              /* call.status holds one that was read, or told by a write */
    uint32_t reads, writes; /* quota spent */
    unsigned polls;
};

/* Starts a job that was zeroed. `job` is freed if it fails: NO_MEMORY, INVALID. */
emqx_tls_code emqxi_job_start(emqx_tls_client *client, emqxi_job *job, const emqxi_job_kind *kind,
                              const char *deployment_id, uint32_t wait_ms, emqx_tls_done_fn done,
                              void *user, emqxi_error *error);
void emqxi_job_free(emqxi_job *job);
/* The job that a call is, if it is one of this kind; else NULL. */
const emqxi_job *emqxi_job_of(const emqx_tls_call *call, const emqxi_job_kind *kind);

/* -- steps: each is the last thing that a step does. `next` follows when it is over, unless the
 * deadline comes first. */
void emqxi_job_read(emqxi_job *job, emqxi_step next);
/* `order`: its op, and where it has them body and before_send; the rest is set here. */
void emqxi_job_write(emqxi_job *job, const emqxi_order *order, emqxi_step next);
void emqxi_job_pause(emqxi_job *job, int64_t ms, emqxi_step next);
/* Pauses until the next poll is due: 5, 10, 20, 40 s after emqxi_job_poll_anew, then every 60 s,
 * later where the read quota would not reach to the end; at most at_most_ms. */
void emqxi_job_poll(emqxi_job *job, int64_t at_most_ms, emqxi_step next);
/* The same for what costs no quota. */
void emqxi_job_poll_free(emqxi_job *job, emqxi_step next);
void emqxi_job_end(emqxi_job *job, emqx_tls_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* with this error; attempts are the job's */
void emqxi_job_end_as(emqxi_job *job, const emqxi_error *error);

/* -- questions */
static inline void emqxi_job_poll_anew(emqxi_job *job)
{
    job->polls = 0;
}
static inline int64_t emqxi_job_now(const emqxi_job *job)
{
    return emqxi_now(&job->call.client->clock);
}
static inline bool emqxi_job_waits(const emqxi_job *job)
{
    return job->wait_ms > 0;
}
/* Did the last read tell the state? 404 does: call.status is ABSENT. */
bool emqxi_job_has_read(const emqxi_job *job);
/* Shall a read that failed so be repeated with the next poll? The first one that does is told,
 * unless it was a 429. */
bool emqxi_job_reads_again(const emqxi_job *job);
/* Was a write that ended so refused, with certainty? Else, unless it was accepted, it may have been
 * carried out. */
bool emqxi_job_refused(const emqxi_job *job);
/* The state as the platform calls it, for a message. */
const char *emqxi_job_state(const emqxi_job *job);

#endif
