/* SPDX-License-Identifier: MIT */
#include "check/rules.h"

#include <stdio.h>
#include <string.h>

void emqx_tls_finding_init_size(emqx_tls_finding *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

const char *emqxi_part_name(uint32_t part)
{
    static const char *const names[] = {"request", "cert", "key", "cacert"};
    return names[part];
}

static const emqxi_finding_row *row_of(uint32_t id)
{
    const emqxi_finding_row *row = emqxi_findings;
    while (row->id != id)
        row++;
    return row;
}

static emqx_tls_finding *add(emqx_tls_report *r)
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

void emqxi_found(emqxi_check *check, uint32_t id, uint32_t part, size_t index, const char *format,
                 ...)
{
    emqx_tls_report *r = check->report;
    const emqxi_finding_row *row = row_of(id);
    uint32_t severity = row->severity;
    char text[512];
    va_list arguments;
    if (row->policy)
        memcpy(&severity, (const char *)&check->policy + row->policy, sizeof severity);
    if (severity == EMQX_TLS_OFF)
        return;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t len = n < 0 ? 0 : EMQXI_MIN((size_t)n, sizeof text - 1);
    if (severity == EMQX_TLS_REFUSE && !r->refused) {
        r->refused = true;
        emqxi_text_copy(r->first, sizeof r->first, text, len);
    }
    emqx_tls_finding *f = add(r);
    if (!f)
        return;
    *f = (emqx_tls_finding){
        .size = sizeof *f, .id = id, .severity = severity, .part = part, .index = (uint32_t)index};
    emqxi_text_copy(f->name, sizeof f->name, row->name, strlen(row->name));
    emqxi_text_copy(f->text, sizeof f->text, text, len);
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
