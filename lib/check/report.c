/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/rules.h"

#include <stdio.h>
#include <string.h>

const char *emqxi_part_name(uint32_t part)
{
    static const char *const names[] = {"request", "cert", "key", "cacert"};
    return names[part];
}

uint32_t emqxi_severity(const emqx_tls_policy *policy, const emqxi_finding_row *row)
{
    uint32_t severity = row->severity;
    if (row->policy)
        memcpy(&severity, (const char *)policy + row->policy, sizeof severity);
    return severity;
}

/* The place of the next finding; NULL: there is none. */
static emqx_tls_finding *next_place(emqx_tls_report *r)
{
    if (r->count == EMQXI_FINDINGS_MAX)
        return NULL;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 4;
        emqx_tls_finding *findings =
            emqxi_resize(&r->allocator, r->findings, capacity * sizeof *findings);
        if (!findings) {
            r->no_memory = true;
            return NULL;
        }
        r->findings = findings;
        r->capacity = capacity;
    }
    return &r->findings[r->count++];
}

void emqxi_found(emqxi_check *c, uint32_t id, uint32_t part, size_t index, const char *format, ...)
{
    emqx_tls_report *r = c->report;
    const emqxi_finding_row *row = emqxi_findings;
    char text[512];
    while (row->id != id)
        row++;
    uint32_t severity = emqxi_severity(&c->policy, row);
    if (severity == EMQX_TLS_OFF)
        return;
    EMQXI_FORMAT(text, format);
    bool by_policy = row->policy || id == EMQX_TLS_FINDING_HOST_MISMATCH;
    r->unfit = r->unfit || (severity == EMQX_TLS_REFUSE && !by_policy);
    if (severity == EMQX_TLS_REFUSE && !r->refused) {
        r->refused = true;
        emqxi_text_copy(r->first, sizeof r->first, text, strlen(text));
    }
    emqx_tls_finding *f = next_place(r);
    if (!f)
        return;
    *f = (emqx_tls_finding){
        .size = sizeof *f, .id = id, .severity = severity, .part = part, .index = (uint32_t)index};
    emqxi_text_copy(f->name, sizeof f->name, row->name, strlen(row->name));
    emqxi_text_copy(f->text, sizeof f->text, text, strlen(text));
}

void emqxi_found_block(emqxi_check *c, uint32_t id, uint32_t part, size_t index, const char *format,
                       ...)
{
    char text[512];
    EMQXI_FORMAT(text, format);
    emqxi_found(c, id, part, index, "block %zu of %s %s", index, emqxi_part_name(part), text);
}

size_t emqx_tls_report_count(const emqx_tls_report *report)
{
    return report ? report->count : 0;
}

emqx_tls_code emqx_tls_report_get(const emqx_tls_report *report, size_t index,
                                  emqx_tls_finding *finding)
{
    if (!report || index >= report->count || !finding || !emqxi_output_ok(finding))
        return EMQX_TLS_E_INVALID;
    emqxi_output(finding, &report->findings[index], sizeof *finding);
    return EMQX_TLS_OK;
}

void emqx_tls_report_free(emqx_tls_report *report)
{
    if (!report)
        return;
    emqx_tls_allocator a = report->allocator;
    emqxi_free(&a, report->findings);
    emqxi_free(&a, report);
}
