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

/* An answer with another status than 2xx. */
static void refused(emqxi_error *e, uint32_t op, const char *deployment_id)
{
    const char *with = e->api_code[0] ? ", the platform's code is " : "", *code = e->api_code;
    switch (e->http_status) {
    case 401:
        emqxi_fail(e, EMQX_TLS_E_UNAUTHORIZED,
                   "the platform does not accept the API key and secret (401%s%s): check both",
                   with, code);
        break;
    case 403:
        emqxi_fail(e, EMQX_TLS_E_FORBIDDEN,
                   "the API key has no access to deployment %s (403%s%s): use a key that has",
                   deployment_id, with, code);
        break;
    case 404:
        emqxi_fail(e, EMQX_TLS_E_NOT_FOUND,
                   "deployment %s is not there, or has no certificate (404%s%s): give the "
                   "deployment's ID, not its name",
                   deployment_id, with, code);
        break;
    case 409:
    case 423:
        emqxi_fail(e, EMQX_TLS_E_HTTP,
                   "deployment %s is busy with an earlier change (%d%s%s): try again later",
                   deployment_id, (int)e->http_status, with, code);
        break;
    case 422:
        emqxi_fail(e, EMQX_TLS_E_UNPROCESSABLE,
                   op == EMQX_TLS_OP_GET ? "the platform refuses the request (422%s%s)"
                                         : "the platform refuses the certificate or its properties "
                                           "(422%s%s): compare them with its "
                                           "requirements, and create only where there is none",
                   with, code);
        break;
    case 429:
        emqxi_fail(e, EMQX_TLS_E_RATE_LIMITED,
                   "over the platform's limit (429%s%s): somebody else uses this key too; try "
                   "again in %lld s",
                   with, code, (long long)((e->retry_after_ms + 999) / 1000));
        break;
    default:
        emqxi_fail(
            e, EMQX_TLS_E_HTTP, "unexpected HTTP status %d%s%s%s", (int)e->http_status, with, code,
            e->http_status == 304 ? ": nobody asked whether something has changed, so a cache "
                                    "on the way is wrong"
            : e->http_status >= 300 && e->http_status < 400
                ? ": redirects are not followed, correct the endpoint"
            : e->http_status >= 500 && op != EMQX_TLS_OP_GET ? maybe_carried_out
                                                             : "");
    }
}

/* No answer, or none that is HTTP. */
static void missing(emqxi_error *e, uint32_t op, const char *host, const emqxi_answer *a)
{
    bool not_sent = a->delivery == EMQX_TLS_DELIVERY_NOT_SENT;
    const char *detail = a->detail ? a->detail : "", *colon = a->detail ? ": " : "";
    const char *tail = not_sent || op == EMQX_TLS_OP_GET ? "" : maybe_carried_out;
    if (a->code == EMQX_TLS_E_NO_MEMORY)
        emqxi_fail(e, a->code, "out of memory%s", tail);
    else if (a->code == EMQX_TLS_E_PROTOCOL)
        emqxi_fail(e, a->code, "unusable answer from %s%s%s%s", host, colon, detail, tail);
    else if (a->code == EMQX_TLS_E_TIMEOUT)
        emqxi_fail(e, a->code, "%s %s in time%s%s%s",
                   not_sent ? "could not reach" : "no answer from", host, colon, detail, tail);
    else
        emqxi_fail(e, a->code, "%s %s%s%s%s",
                   not_sent ? "could not reach" : "lost the connection to", host, colon, detail,
                   tail);
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
