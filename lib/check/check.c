/* SPDX-License-Identifier: MIT
 *
 * One check from end to end, and the canonical form of what passed.
 */
#include "check/rules.h"

#include <string.h>

void emqx_tls_policy_init_size(emqx_tls_policy *p, size_t caller_size)
{
    static const emqx_tls_policy defaults = {
        .size = sizeof defaults,
        .min_days_left = 60,
        .algorithm = EMQX_TLS_REFUSE,
        .ca_algorithm = EMQX_TLS_REFUSE,
        .days_left = EMQX_TLS_REFUSE,
        .chain_order = EMQX_TLS_REFUSE,
        .chain_incomplete = EMQX_TLS_REFUSE,
        .root_included = EMQX_TLS_WARN,
        .client_ca = EMQX_TLS_REFUSE,
    };
    if (emqxi_init(p, caller_size))
        emqxi_output(p, &defaults, sizeof defaults);
}

static emqx_tls_code invalid(emqxi_error *error, const char *text)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID, "%s", text);
}

static emqx_tls_code take_policy(emqx_tls_policy *own, const emqx_tls_policy *given,
                                 emqxi_error *error)
{
    emqx_tls_policy_init(own);
    if (!given)
        return EMQX_TLS_OK;
    if (!emqxi_input_ok(given, sizeof *own, sizeof *own))
        return invalid(error, "policy was not set up: call emqx_tls_policy_init first");
    emqxi_input_copy(own, given, sizeof *own);
    const uint32_t severities[] = {own->algorithm,   own->ca_algorithm,     own->days_left,
                                   own->chain_order, own->chain_incomplete, own->root_included,
                                   own->client_ca};
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++)
        if (severities[i] > EMQX_TLS_REFUSE)
            return invalid(error, "a severity of the policy is none: use EMQX_TLS_OFF, "
                                  "EMQX_TLS_WARN or EMQX_TLS_REFUSE");
    if (own->host && !*own->host)
        return invalid(error, "policy.host is empty: NULL compares no host name");
    return EMQX_TLS_OK;
}

static emqx_tls_code take_request(emqx_tls_request *own, const emqx_tls_request *given,
                                  emqxi_error *error)
{
    if (!given)
        return invalid(error, "request is NULL");
    if (!emqxi_input_ok(given, sizeof *own, sizeof *own))
        return invalid(error, "request was not set up: call emqx_tls_request_init first");
    emqxi_input_copy(own, given, sizeof *own);
    if ((!own->cert && own->cert_len) || (!own->key && own->key_len) ||
        (!own->cacert && own->cacert_len))
        return invalid(error, "a part of the request is NULL, but its length is not 0");
    return EMQX_TLS_OK;
}

/* Runs the rules. OK and CHECK: *report is made. */
static emqx_tls_code run(emqxi_check *c, emqxi_error *error)
{
    emqx_tls_report *r = c->report = emqxi_zalloc(c->allocator, sizeof *r);
    if (!r)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for the check");
    r->allocator = *c->allocator;
    emqxi_check_structure(c);
    emqxi_check_x509(c);
    if (!r->no_memory)
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
    emqx_tls_request r;
    emqxi_error e;
    emqxi_check c = {.allocator = &emqxi_malloc, .request = &r, .now_s = now_s};
    emqxi_error_clear(&e);
    if (report)
        *report = NULL;
    emqx_tls_code code = take_request(&r, request, &e);
    if (code == EMQX_TLS_OK)
        code = take_policy(&c.policy, policy, &e);
    if (code == EMQX_TLS_OK)
        run(&c, &e);
    free_parts(&c);
    if (report)
        *report = c.report;
    else
        emqx_tls_report_free(c.report);
    return emqxi_error_out(error, &e);
}

static bool sent(const emqxi_pem_block *b)
{
    return b->kind == EMQXI_PEM_CERT || emqxi_pem_is_key(b);
}

static size_t canonical_size(const emqxi_pem *pem)
{
    size_t size = 0;
    for (size_t i = 0; i < pem->count; i++)
        size += sent(&pem->blocks[i]) ? emqxi_pem_size(&pem->blocks[i]) : 0;
    return size;
}

static char *write_part(const emqxi_pem *pem, char *at, const char **text, size_t *len)
{
    *text = at;
    for (size_t i = 0; i < pem->count; i++)
        if (sent(&pem->blocks[i]))
            at = emqxi_pem_write(&pem->blocks[i], at);
    *len = (size_t)(at - *text);
    return at;
}

static emqx_tls_code write_canonical(const emqxi_check *c, emqxi_canonical *out, emqxi_error *error)
{
    emqx_tls_request *r = &out->request;
    size_t size = 0;
    for (uint32_t part = 0; part < 4; part++)
        size += canonical_size(&c->pem[part]);
    out->memory = emqxi_alloc(c->allocator, size);
    if (!out->memory)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for the certificate");
    out->memory_len = size;
    *r = *c->request;
    out->identity.type = r->type;
    char *at = write_part(&c->pem[EMQX_TLS_PART_CERT], out->memory, &r->cert, &r->cert_len);
    at = write_part(&c->pem[EMQX_TLS_PART_KEY], at, &r->key, &r->key_len);
    write_part(&c->pem[EMQX_TLS_PART_CACERT], at, &r->cacert, &r->cacert_len);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_check_canonical(const emqx_tls_allocator *a, const emqx_tls_request *request,
                                    const emqx_tls_policy *policy, int64_t now_s,
                                    emqxi_canonical *out, emqxi_error *error)
{
    emqx_tls_request r;
    emqxi_check c = {.allocator = a, .request = &r, .now_s = now_s, .identity = &out->identity};
    *out = (emqxi_canonical){0};
    emqx_tls_code code = take_request(&r, request, error);
    if (code == EMQX_TLS_OK)
        code = take_policy(&c.policy, policy, error);
    if (code == EMQX_TLS_OK)
        code = run(&c, error);
    if (code == EMQX_TLS_OK)
        code = write_canonical(&c, out, error);
    free_parts(&c);
    emqx_tls_report_free(c.report);
    return code;
}

void emqxi_canonical_free(const emqx_tls_allocator *a, emqxi_canonical *canonical)
{
    emqxi_wipe_free(a, canonical->memory, canonical->memory_len);
    *canonical = (emqxi_canonical){0};
}
