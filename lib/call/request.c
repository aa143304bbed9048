/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * From the caller's request to the bytes that are sent.
 */
#include "call/request.h"

#include "check/check.h"

int64_t emqxi_wall_s(const emqx_tls_client *client)
{
    const emqx_tls_clock *c = client->clock.wall_ms ? &client->clock : &emqxi_system_clock;
    return c->wall_ms(c->context) / 1000;
}

/* What goes out unchecked must at least be there, and text. */
static emqx_tls_code request_check_bare(const emqx_tls_request *r, emqxi_error *error)
{
    const struct {
        const char *name, *pem;
        size_t len;
    } parts[] = {{"cert", r->cert, r->cert_len},
                 {"key", r->key, r->key_len},
                 {"cacert", r->cacert, r->cacert_len}};
    for (size_t i = 0; i < 3; i++) {
        const char *name = parts[i].name, *pem = parts[i].pem;
        size_t len = parts[i].len;
        if (len > 0 && !pem)
            return emqxi_fail(error, EMQX_TLS_E_INVALID,
                              "request.%s is NULL, but request.%s_len is not 0", name, name);
        if (len == 0 && i < 2)
            return emqxi_fail(error, EMQX_TLS_E_INVALID,
                              "request.%s is empty: give it as PEM, with its length", name);
        if (len > 0 && !emqxi_utf8_ok(pem, len))
            return emqxi_fail(error, EMQX_TLS_E_INVALID,
                              "request.%s is not UTF-8: give it as PEM, not as DER", name);
    }
    return EMQX_TLS_OK;
}

static emqx_tls_code request_encode(const emqx_tls_allocator *a, const emqx_tls_request *r,
                                    char **body, size_t *body_len, emqxi_error *error)
{
    *body_len = emqxi_encode_size(r);
    *body = emqxi_alloc(a, *body_len);
    if (!*body)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for the request");
    emqxi_encode(r, *body);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_request_body(emqx_tls_client *client, const emqx_tls_request *given,
                                 const emqx_tls_policy *policy, char **body, size_t *body_len,
                                 emqxi_wanted *wanted, emqxi_error *error)
{
    emqx_tls_request r;
    emqxi_canonical canonical;
    if (!given)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "request is NULL");
    if (!emqxi_input_take(&r, given, sizeof r, sizeof r))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "request was not set up: call emqx_tls_request_init first");
    if (r.type != EMQX_TLS_TYPE_ONE_WAY && r.type != EMQX_TLS_TYPE_TWO_WAY)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "request.type is %u: use EMQX_TLS_TYPE_ONE_WAY or _TWO_WAY",
                          (unsigned)r.type);
    emqx_tls_code code;
    if (client->flags & EMQX_TLS_SKIP_CHECK) {
        code = request_check_bare(&r, error);
        if (code != EMQX_TLS_OK)
            return code;
        if (wanted)
            emqxi_identity_of(&r, &wanted->identity);
        return request_encode(&client->allocator, &r, body, body_len, error);
    }
    code = emqxi_check_canonical(&client->allocator, &r, policy, emqxi_wall_s(client), &canonical,
                                 wanted ? &wanted->advice : NULL, error);
    if (code != EMQX_TLS_OK)
        return code;
    if (wanted)
        wanted->identity = canonical.identity;
    if (wanted && wanted->advice.barred)
        return EMQX_TLS_OK;
    /* in place: a small machine has no room for two copies */
    *body = canonical.memory;
    *body_len = emqxi_encode_size(&canonical.request);
    emqxi_encode(&canonical.request, *body);
    emqxi_wipe(*body + *body_len, canonical.memory_len - *body_len);
    return EMQX_TLS_OK;
}
