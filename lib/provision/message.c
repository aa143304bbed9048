/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How a job ends: the error that is told.
 */
#include "provision/job.h"

#include <stdio.h>
#include <string.h>

static const char *state_text(const emqx_tls_status *s)
{
    if (s->state == EMQX_TLS_STATE_ABSENT)
        return "without a certificate";
    return s->state_text[0] ? s->state_text : "in a state that the platform does not tell";
}

/* Puts what the text names in the place of its {names}. */
static void fill_in(char *to, size_t size, const char *text, const emqxi_job *job, int64_t left_ms)
{
    char left[24];
    snprintf(left, sizeof left, "%lld", (long long)((left_ms + 999) / 1000));
    const char *const values[][2] = {
        {"{id}", job->deployment_id},
        {"{state}", state_text(&job->call.status)},
        {"{dir}", job->receipt_dir},
        {"{expire}", job->call.status.expire_text},
        {"{answer}", job->answer.message},
        {"{probe}", job->probed.message},
        {"{refusal}", job->wanted.advice.refusal},
        {"{left}", left},
        {"{read}", job->unread.message},
    };
    size_t at = 0;
    for (const char *end; *text && at + 1 < size; text = end) {
        const char *piece = text;
        end = text + 1 + strcspn(text + 1, "{");
        size_t n = (size_t)(end - text);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            size_t name = strlen(values[i][0]);
            if (strncmp(text, values[i][0], name) != 0)
                continue;
            end = text + name;
            piece = values[i][1];
            n = strlen(piece);
        }
        n = EMQXI_MIN(n, size - 1 - at);
        memcpy(to + at, piece, n);
        at += n;
    }
    to[at] = '\0';
}

void emqxi_job_tell(const emqxi_job *job, const emqxi_action *end, int64_t now_ms, emqxi_error *to)
{
    char text[2 * sizeof to->message];
    *to = end->of == EMQXI_OF_WRITE  ? job->written
          : end->of == EMQXI_OF_READ ? job->unread
                                     : job->answer;
    to->attempts = job->answer.attempts;
    if (end->text) {
        emqx_tls_code code = end->of == EMQXI_OF_MACHINE ? end->code
                             : end->of == EMQXI_OF_PROBE ? job->probed.code
                                                         : to->code;
        if (end->of != EMQXI_OF_ANSWER)
            to->retry_after_ms = -1;
        if (code == EMQX_TLS_OK)
            to->api_code[0] = '\0';
        fill_in(text, sizeof text, end->text, job, end->until_ms - now_ms);
        emqxi_fail(to, code, "%s", text);
    }
    /* the write's, though a read was answered since */
    if (to->code != EMQX_TLS_OK && job->state.watch.fate == EMQXI_FATE_LOST)
        to->delivery = EMQX_TLS_DELIVERY_MAYBE;
}
