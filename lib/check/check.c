/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One check from end to end.
 */
#include "check/rules.h"

#include <string.h>

static emqx_tls_code bad_argument(emqxi_error *error, const char *text)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID, "%s", text);
}

static emqx_tls_code take_policy(emqx_tls_policy *own, const emqx_tls_policy *given,
                                 emqxi_error *error)
{
    emqx_tls_policy_init(own);
    if (!given)
        return EMQX_TLS_OK;
    if (!emqxi_input_take(own, given, sizeof *own, sizeof *own))
        return bad_argument(error, "policy was not set up: call emqx_tls_policy_init first");
    for (size_t i = 0; i < emqxi_findings_count; i++)
        if (emqxi_severity(own, &emqxi_findings[i]) > EMQX_TLS_REFUSE)
            return bad_argument(error, "a severity of the policy is none: use EMQX_TLS_OFF, "
                                       "EMQX_TLS_WARN or EMQX_TLS_REFUSE");
    if (own->host && !*own->host)
        return bad_argument(error, "policy.host is empty: NULL compares no host name");
    return EMQX_TLS_OK;
}

static emqx_tls_code take_request(emqx_tls_request *own, const emqx_tls_request *given,
                                  emqxi_error *error)
{
    if (!given)
        return bad_argument(error, "request is NULL");
    if (!emqxi_input_take(own, given, sizeof *own, sizeof *own))
        return bad_argument(error, "request was not set up: call emqx_tls_request_init first");
    if ((!own->cert && own->cert_len) || (!own->key && own->key_len) ||
        (!own->cacert && own->cacert_len))
        return bad_argument(error, "a part of the request is NULL, but its length is not 0");
    return EMQX_TLS_OK;
}

/* Runs the rules. OK and CHECK: the report is made. To be ended in any case. */
static emqx_tls_code run_rules(emqxi_check *c, const emqx_tls_request *request,
                               const emqx_tls_policy *policy, emqxi_error *error)
{
    emqx_tls_code code = take_request(&c->request, request, error);
    if (code == EMQX_TLS_OK)
        code = take_policy(&c->policy, policy, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqx_tls_report *r = c->report = emqxi_zalloc(c->allocator, sizeof *r);
    if (r) {
        r->allocator = *c->allocator;
        emqxi_check_structure(c);
        emqxi_check_x509(c);
    }
    if (r && !r->no_memory)
        return r->refused ? emqxi_fail(error, EMQX_TLS_E_CHECK, "%s", r->first) : EMQX_TLS_OK;
    emqx_tls_report_free(r);
    c->report = NULL;
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for the check");
}

static void free_parts(emqxi_check *c)
{
    for (uint32_t part = 0; part < 4; part++)
        emqxi_pem_free(c->allocator, &c->pem[part]);
}

emqx_tls_code emqx_tls_check(const emqx_tls_request *request, const emqx_tls_policy *policy,
                             int64_t now_s, emqx_tls_report **report, emqx_tls_error *error)
{
    emqxi_error e;
    emqxi_check c = {.allocator = &emqxi_malloc, .now_s = now_s};
    emqxi_error_clear(&e);
    run_rules(&c, request, policy, &e);
    free_parts(&c);
    if (report)
        *report = c.report;
    else
        emqx_tls_report_free(c.report);
    return emqxi_error_out(error, &e);
}

static void advise(const emqxi_check *c, emqxi_advice *advice)
{
    const emqx_tls_report *r = c->report;
    advice->barred = r->refused;
    memcpy(advice->refusal, r->first, sizeof advice->refusal);
    advice->count = (uint32_t)r->count;
    if (r->count > 0)
        memcpy(advice->first, r->findings[0].text, sizeof advice->first);
}

emqx_tls_code emqxi_check_canonical(const emqx_tls_allocator *a, const emqx_tls_request *request,
                                    const emqx_tls_policy *policy, int64_t now_s,
                                    emqxi_canonical *out, emqxi_advice *advice, emqxi_error *error)
{
    *out = (emqxi_canonical){0};
    emqxi_check c = {.allocator = a, .now_s = now_s, .identity = &out->identity};
    emqx_tls_code code = run_rules(&c, request, policy, error);
    if (code == EMQX_TLS_OK)
        code = emqxi_canonical_write(&c, out, error);
    else if (code == EMQX_TLS_E_CHECK && advice && !c.report->unfit)
        code = EMQX_TLS_OK;
    if (code == EMQX_TLS_OK && advice) {
        emqxi_error_clear(error);
        advise(&c, advice);
    }
    out->identity.type = c.request.type;
    free_parts(&c);
    emqx_tls_report_free(c.report);
    return code;
}
