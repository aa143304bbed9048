/* SPDX-License-Identifier: MIT
 *
 * The probe as a step of ensure.
 */
#include "provision/ensure.h"

#include <string.h>

#define PROBE_STEP_MS 20

static void step_probe(emqxi_job *job);

void emqxi_ensure_forget_probe(emqxi_ensure *e)
{
    e->probed = e->matched = false;
    e->evidence = EMQXI_PROBE_SILENT;
    emqxi_error_clear(&e->probe_error);
}

/* The probe was no proof, for the reason in probe_error. */
static void no_proof(emqxi_ensure *e)
{
    emqxi_job *job = &e->job;
    if (!e->last_step)
        emqxi_ensure_judge(job);
    else if (emqxi_job_waits(job))
        emqxi_job_poll_free(job, emqxi_ensure_probe);
    else
        emqxi_job_end(job, e->probe_error.code, "deployment %s runs by its status, but %s",
                      job->deployment_id, e->probe_error.message);
}

static void on_served(emqxi_ensure *e, const emqxi_identity *leaf)
{
    emqxi_job *job = &e->job;
    emqxi_identity served = {
        .type = e->wanted.type, .readable = true, .not_after = leaf->not_after};
    bool first = !e->probed;
    e->probed = true;
    e->matched = memcmp(leaf->leaf_sha256, e->wanted.leaf_sha256, 32) == 0;
    if (e->matched) {
        emqxi_error_clear(&e->probe_error);
        /* Of two-way the port does not show the client CA. */
        if (e->wanted.type == EMQX_TLS_TYPE_ONE_WAY)
            e->evidence = EMQXI_PROBE_PROVES;
        emqxi_ensure_judge(job);
        return;
    }
    emqxi_fail(&e->probe_error, EMQX_TLS_E_TIMEOUT,
               "%s port %u serves another certificate (its name is \"%s\")", e->probe_host,
               (unsigned)e->probe_port, leaf->common_name);
    /* Only a leaf that looks like the status tells something of this deployment: another one may be
     * another server's. */
    if (first && emqxi_compare(&job->call.status, &served, emqxi_ensure_zone(e)) == EMQXI_SAME) {
        e->evidence = EMQXI_PROBE_DISPROVES;
        emqxi_ensure_judge(job);
        return;
    }
    no_proof(e);
}

static void step_probe(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    emqx_tls_code code;
    emqxi_identity leaf;
    if (!emqxi_probe_step(e->probe, emqxi_job_now(job), &code, &leaf, &e->probe_error)) {
        emqxi_job_pause(job, PROBE_STEP_MS, step_probe);
        return;
    }
    emqxi_probe_free(e->probe);
    e->probe = NULL;
    if (code == EMQX_TLS_OK) {
        on_served(e, &leaf);
        return;
    }
    e->probed = true;
    no_proof(e);
}

void emqxi_ensure_probe(emqxi_job *job)
{
    emqxi_ensure *e = (emqxi_ensure *)job;
    const emqx_tls_client *client = job->call.client;
    int64_t deadline = EMQXI_MIN(emqxi_add(emqxi_job_now(job), client->timeout_ms), job->deadline);
    emqxi_error error;
    emqxi_error_clear(&error);
    if (emqxi_probe_start(&client->allocator, e->probe_host, e->probe_port, NULL, deadline,
                          &e->probe, &error) != EMQX_TLS_OK) {
        emqxi_job_end(job, error.code, "%s", error.message);
        return;
    }
    emqxi_fail(&e->probe_error, EMQX_TLS_E_TIMEOUT, "the probe of %s port %u was not over in time",
               e->probe_host, (unsigned)e->probe_port);
    step_probe(job);
}
