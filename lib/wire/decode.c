/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The body of a success. A number beyond a double's range (1e999) makes a reply unreadable, also in
 * a member that we do not know.
 */
#include "wire/json.h"
#include "wire/wire.h"

#include <string.h>

static emqx_tls_code protocol(emqxi_error *error, const char *what)
{
    return emqxi_fail(
        error, EMQX_TLS_E_PROTOCOL,
        "the reply %s: not what the platform answers; check that endpoint leads to its API", what);
}

static uint32_t state_of(const char *text)
{
    for (uint32_t s = EMQX_TLS_STATE_PENDING; s <= EMQX_TLS_STATE_TERMINATED; s++)
        if (strcmp(text, emqx_tls_state_name(s)) == 0)
            return s;
    return *text ? EMQX_TLS_STATE_OTHER : EMQX_TLS_STATE_UNKNOWN;
}

/* Missing and null are "". */
static emqx_tls_code take_members(const char *body, size_t len, emqx_tls_status *s,
                                  emqxi_error *error)
{
    static const char *const verdicts[] = {[EMQXI_JSON_BROKEN] = "is not JSON",
                                           [EMQXI_JSON_DEEP] = "is nested too deep",
                                           [EMQXI_JSON_TWICE] = "names a member twice",
                                           [EMQXI_JSON_NO_OBJECT] = "is not a JSON object"};
    static const char *const problems[] = {
        "has a `status` that is no plain text", "has a `tlsType` that is no plain text",
        "has an `expire` that is no plain text", "has a `cn` that is no plain text"};
    emqxi_json_member members[] = {
        {.name = "status", .text = s->state_text, .size = sizeof s->state_text},
        {.name = "tlsType", .text = s->type_text, .size = sizeof s->type_text},
        {.name = "expire", .text = s->expire_text, .size = sizeof s->expire_text},
        {.name = "cn", .text = s->common_name, .size = sizeof s->common_name},
    };
    size_t count;
    enum emqxi_json verdict = emqxi_json_read(body, len, false, members, 4, &count);
    if (verdict == EMQXI_JSON_NO_MEMORY)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory to read the reply");
    if (verdict != EMQXI_JSON_OK)
        return protocol(error, verdicts[verdict]);
    for (size_t i = 0; i < 4; i++)
        if (members[i].kind == EMQXI_JSON_OTHER)
            return protocol(error, problems[i]);
    s->state = count == 0 ? EMQX_TLS_STATE_ABSENT : state_of(s->state_text);
    s->type = strcmp(s->type_text, "one-way") == 0   ? EMQX_TLS_TYPE_ONE_WAY
              : strcmp(s->type_text, "two-way") == 0 ? EMQX_TLS_TYPE_TWO_WAY
                                                     : EMQX_TLS_TYPE_UNKNOWN;
    emqxi_expire_parse(s->expire_text, &s->expire);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_decode_status(const char *body, size_t len, emqx_tls_status *status,
                                  emqxi_error *error)
{
    emqx_tls_status_init(status);
    if (len == 0) {
        status->state = EMQX_TLS_STATE_ABSENT;
        return EMQX_TLS_OK;
    }
    if (len > EMQXI_REPLY_MAX)
        return protocol(error, "is longer than 16 KiB");
    emqx_tls_code code = take_members(body, len, status, error);
    if (code != EMQX_TLS_OK)
        emqx_tls_status_init(status);
    return code;
}
