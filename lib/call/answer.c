/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "call/exchange.h"
#include <string.h>

#include "wire/wire.h"

static const char maybe_carried_out[] =
    "; the write may have been carried out: read the status before writing again";

/* The platform speaks JSON, or says nothing: all else is somebody else's answer, such as a proxy's.
 * `first`: what it begins with. */
static bool is_platforms(const emqxi_answer *a, char *first)
{
    size_t at = 0;
    while (at < a->body_len && strchr(" \t\r\n", a->body[at]) && a->body[at])
        at++;
    *first = at < a->body_len ? a->body[at] : '\0';
    return at == a->body_len || *first == '{' || *first == '[';
}

/* What is told of a status: what comes before the deployment's ID and behind it (NULL: it is not
 * named), and the mend. */
static const struct refusal {
    int32_t status;
    emqx_tls_code code;
    const char *before, *behind, *mend;
} refusals[] = {
    {401, EMQX_TLS_E_UNAUTHORIZED, "the platform does not accept the API key and secret", NULL,
     ": check both"},
    {403, EMQX_TLS_E_FORBIDDEN, "the API key has no access to deployment ", "",
     ": use a key that has"},
    {404, EMQX_TLS_E_NOT_FOUND, "deployment ", " is not there, or has no certificate",
     ": give the deployment's ID, not its name"},
    {409, EMQX_TLS_E_HTTP, "deployment ", " is busy with an earlier change", ": try again later"},
    {423, EMQX_TLS_E_HTTP, "deployment ", " is busy with an earlier change", ": try again later"},
    {422, EMQX_TLS_E_UNPROCESSABLE, "the platform refuses the certificate or its properties", NULL,
     ": compare them with its requirements, and create only where there is none"},
};
static const struct refusal read_refused = {422, EMQX_TLS_E_UNPROCESSABLE,
                                            "the platform refuses the request", NULL, ""};

/* Of a status that no code stands for. */
static const char *remark(int32_t status, uint32_t op)
{
    if (status == 304)
        return ": nobody asked whether something has changed, so a cache on the way is wrong";
    if (status >= 300 && status < 400)
        return ": redirects are not followed, correct the endpoint";
    return status >= 500 && op != EMQX_TLS_OP_GET ? maybe_carried_out : "";
}

/* An answer with another status than 2xx. */
static void refused(emqxi_error *e, uint32_t op, const char *deployment_id)
{
    const char *with = e->api_code[0] ? ", the platform's code is " : "", *code = e->api_code;
    const int status = e->http_status;
    const struct refusal *r = NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].status == status)
            r = &refusals[i];
    if (status == 422 && op == EMQX_TLS_OP_GET)
        r = &read_refused;
    if (r)
        emqxi_fail(e, r->code, "%s%s%s (%d%s%s)%s", r->before, r->behind ? deployment_id : "",
                   r->behind ? r->behind : "", status, with, code, r->mend);
    else if (status == 429)
        emqxi_fail(e, EMQX_TLS_E_RATE_LIMITED,
                   "over the platform's limit (429%s%s): somebody else uses this key too; try "
                   "again in %lld s",
                   with, code, (long long)((e->retry_after_ms + 999) / 1000));
    else
        emqxi_fail(e, EMQX_TLS_E_HTTP, "unexpected HTTP status %d%s%s%s", status, with, code,
                   remark(status, op));
}

/* No answer, or none that is HTTP. */
static void missing(emqxi_error *e, uint32_t op, const char *host, const emqxi_answer *a)
{
    bool not_sent = a->delivery == EMQX_TLS_DELIVERY_NOT_SENT;
    bool no_memory = a->code == EMQX_TLS_E_NO_MEMORY, late = a->code == EMQX_TLS_E_TIMEOUT;
    const char *what = no_memory                        ? "out of memory"
                       : a->code == EMQX_TLS_E_PROTOCOL ? "unusable answer from "
                       : not_sent                       ? "could not reach "
                       : late                           ? "no answer from "
                                                        : "lost the connection to ";
    emqxi_fail(e, a->code, "%s%s%s%s%s%s", what, no_memory ? "" : host, late ? " in time" : "",
               a->detail ? ": " : "", a->detail ? a->detail : "",
               not_sent || op == EMQX_TLS_OP_GET ? "" : maybe_carried_out);
}

void emqxi_answer_tell(const emqxi_answer *a, uint32_t op, const char *deployment_id,
                       const emqxi_endpoint *endpoint, emqx_tls_status *status, emqxi_error *e)
{
    char first;
    bool foreign = !is_platforms(a, &first);
    e->code = a->code;
    e->http_status = a->status;
    e->delivery = a->delivery;
    e->permanent = a->permanent;
    e->api_code[0] = e->message[0] = '\0';
    if (a->code != EMQX_TLS_OK) {
        missing(e, op, endpoint->host, a);
    } else if (a->status < 200 || a->status > 299) {
        emqxi_api_code(a->body, a->body_len, e->api_code);
        refused(e, op, deployment_id);
        if (foreign && a->status == 404) /* by whom the deployment is not known */
            emqxi_fail(e, EMQX_TLS_E_HTTP, "status 404, but not from the platform");
    } else if (op != EMQX_TLS_OP_DELETE) {
        emqxi_decode_status(a->body, a->body_len, status, e);
        if (e->code != EMQX_TLS_OK && op != EMQX_TLS_OP_GET)
            emqxi_fail(e, e->code, "%s%s", e->message, maybe_carried_out);
    }
    bool page = foreign && (first == '<' || a->status == 404);
    if (page && e->code != EMQX_TLS_OK && (op == EMQX_TLS_OP_GET || a->status == 404))
        emqxi_fail(e, e->code, "%s; is the path of the endpoint right? It is %s", e->message,
                   endpoint->base);
}
