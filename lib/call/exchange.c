/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "call/exchange.h"

#include "call/client.h"

void emqxi_exchange_init(emqx_tls_exchange *x, const emqx_tls_client *client, uint32_t op,
                         const char *url, const char *body, size_t body_len)
{
    static const char *const methods[] = {[EMQX_TLS_OP_GET] = "GET",
                                          [EMQX_TLS_OP_CREATE] = "POST",
                                          [EMQX_TLS_OP_UPDATE] = "PUT",
                                          [EMQX_TLS_OP_DELETE] = "DELETE"};
    x->size = sizeof *x;
    x->flags = op == EMQX_TLS_OP_GET ? 0 : EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT;
    x->method = methods[op];
    x->url = url;
    x->headers = client->headers + (body ? 0 : 1); /* the first is of a body */
    x->body = body;
    x->body_len = body_len;
    x->reply_max = EMQXI_REPLY_MAX;
}

static uint32_t delivery_of(uint32_t given)
{
    return given > EMQX_TLS_DELIVERY_ANSWERED ? EMQX_TLS_DELIVERY_MAYBE : given;
}

/* No answer of HTTP. */
static emqxi_answer failure(emqx_tls_code code, uint32_t delivery)
{
    bool mends = code == EMQX_TLS_E_TRANSPORT || code == EMQX_TLS_E_TIMEOUT;
    bool known = mends || code == EMQX_TLS_E_PROTOCOL || code == EMQX_TLS_E_NO_MEMORY;
    return (emqxi_answer){.code = known ? code : EMQX_TLS_E_TRANSPORT,
                          .delivery = delivery_of(delivery),
                          .permanent = known && !mends,
                          .retry_after_ms = EMQXI_RETRY_NONE};
}

bool emqxi_exchange_start(emqx_tls_client *client, emqx_tls_exchange *x, int64_t timeout_ms,
                          void **handle, emqxi_answer *answer)
{
    x->timeout_ms = (uint32_t)timeout_ms;
    x->connect_timeout_ms = EMQXI_MIN(client->connect_timeout_ms, x->timeout_ms);
    x->detail = &answer->detail;
    answer->detail = NULL;
    *handle = NULL;
    emqx_tls_code code = client->transport.start(client->transport.context, x, handle);
    if (code == EMQX_TLS_OK)
        return true;
    const char *detail = answer->detail;
    *answer = failure(code, EMQX_TLS_DELIVERY_NOT_SENT);
    answer->detail = detail;
    answer->permanent = code != EMQX_TLS_E_TRANSPORT;
    return false;
}

emqxi_answer emqxi_exchange_withdraw(emqx_tls_client *client, void *handle)
{
    const emqx_tls_transport *t = &client->transport;
    return failure(EMQX_TLS_E_TIMEOUT,
                   t->cancel ? t->cancel(t->context, handle) : EMQX_TLS_DELIVERY_MAYBE);
}

emqxi_answer emqxi_exchange_read(const emqx_tls_reply *given, bool is_delete)
{
    emqx_tls_reply r;
    emqxi_answer a;
    if (!emqxi_input_take(&r, given, offsetof(emqx_tls_reply, flags), sizeof r)) {
        a = failure(EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
        a.permanent = true;
        a.detail = "the transport set no reply.size";
        return a;
    }
    if (r.http_status < 100 || r.http_status > 599) {
        r.http_status = 0;
        if (r.code == EMQX_TLS_OK) {
            r.code = EMQX_TLS_E_PROTOCOL;
            r.detail = "no such HTTP status";
        }
    }
    bool whole = r.code == EMQX_TLS_OK;
    if (whole || r.code == EMQX_TLS_E_PROTOCOL)
        r.delivery = EMQX_TLS_DELIVERY_ANSWERED;
    a = failure(r.code, r.delivery);
    a.permanent = a.permanent || r.flags & EMQX_TLS_REPLY_PERMANENT;
    a.detail = r.detail;
    if (a.delivery == EMQX_TLS_DELIVERY_ANSWERED)
        a.status = r.http_status;
    /* A refusal is one, and a deletion too, whatever became of the body. */
    if (whole || a.status >= (is_delete ? 200 : 300)) {
        a.code = EMQX_TLS_OK;
        a.retry_after_ms = emqxi_retry_after(r.retry_after, r.date);
    }
    if (whole && r.body) {
        a.body = r.body;
        a.body_len = r.body_len;
    }
    return a;
}
