/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The body of a success, read by jansson. Its limits are ours: a number beyond a double's range
 * (1e999) makes a reply unreadable, also in a member that we do not know; and where malloc fails
 * while the buffer of a text grows beyond 15 bytes, jansson 2.14 may lose a byte or abort (its
 * issue 362).
 */
#include "wire/wire.h"

#include <string.h>

#include <jansson.h>

/* jansson parses and frees by recursion, up to 2,048 levels: more than the stack of a small thread
 * holds. */
#define DEPTH_MAX 32

static bool too_deep(const char *body, size_t len)
{
    size_t depth = 0, openings = 0;
    bool in_string = false;
    /* nearly always all that is needed, and many bytes at a time */
    for (size_t i = 0; i < len; i++)
        openings += (body[i] == '{') | (body[i] == '[');
    if (openings <= DEPTH_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = body[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > DEPTH_MAX)
            return true;
    }
    return false;
}

static emqx_tls_code protocol(emqxi_error *error, const char *what)
{
    return emqxi_fail(
        error, EMQX_TLS_E_PROTOCOL,
        "the reply %s: not what the platform answers; check that endpoint leads to its API", what);
}

/* One member that is a text, cut to its place: missing and null are "". False: it is something
 * else, or holds a NUL, behind which a C string would silently end. */
static bool take_text(const json_t *object, const char *name, char *to, size_t size)
{
    const json_t *value = json_object_get(object, name);
    to[0] = '\0';
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return false;
    emqxi_text_copy(to, size, json_string_value(value), json_string_length(value));
    return true;
}

static uint32_t state_of(const char *text)
{
    static const struct {
        const char *text;
        uint32_t state;
    } known[] = {
        {"", EMQX_TLS_STATE_UNKNOWN},
        {"pending", EMQX_TLS_STATE_PENDING},
        {"running", EMQX_TLS_STATE_RUNNING},
        {"failed", EMQX_TLS_STATE_FAILED},
        {"terminated", EMQX_TLS_STATE_TERMINATED},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].text) == 0)
            return known[i].state;
    return EMQX_TLS_STATE_OTHER;
}

static uint32_t type_of(const char *text)
{
    if (strcmp(text, "one-way") == 0)
        return EMQX_TLS_TYPE_ONE_WAY;
    return strcmp(text, "two-way") == 0 ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_UNKNOWN;
}

static emqx_tls_code take_members(const json_t *o, emqx_tls_status *s, emqxi_error *error)
{
    if (!take_text(o, "status", s->state_text, sizeof s->state_text))
        return protocol(error, "has a `status` that is no plain text");
    if (!take_text(o, "tlsType", s->type_text, sizeof s->type_text))
        return protocol(error, "has a `tlsType` that is no plain text");
    if (!take_text(o, "expire", s->expire_text, sizeof s->expire_text))
        return protocol(error, "has an `expire` that is no plain text");
    if (!take_text(o, "cn", s->common_name, sizeof s->common_name))
        return protocol(error, "has a `cn` that is no plain text");
    s->state = json_object_size(o) == 0 ? EMQX_TLS_STATE_ABSENT : state_of(s->state_text);
    s->type = type_of(s->type_text);
    emqxi_expire_parse(s->expire_text, &s->expire);
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_decode_status(const char *body, size_t len, emqx_tls_status *status,
                                  emqxi_error *error)
{
    /* NULs are let through so that one in a member we do not know does no harm; integers of any
     * length likewise. */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_error_t why = {0};
    emqx_tls_code code;
    emqx_tls_status_init(status);
    if (len == 0) {
        status->state = EMQX_TLS_STATE_ABSENT;
        return EMQX_TLS_OK;
    }
    if (len > EMQXI_REPLY_MAX)
        return protocol(error, "is longer than 16 KiB");
    if (too_deep(body, len))
        return protocol(error, "is nested too deep");
    json_t *object = json_loadb(body, len, flags | JSON_DECODE_ANY, &why);
    /* jansson's own text may quote the body, so only its code is looked at; it sets none where it
     * got no memory at first. */
    if (!object && (json_error_code(&why) == json_error_out_of_memory ||
                    json_error_code(&why) == json_error_unknown))
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory to read the reply");
    if (!object && json_error_code(&why) == json_error_duplicate_key)
        return protocol(error, "names a member twice");
    if (!object)
        return protocol(error, "is not JSON");
    code = json_is_object(object) ? take_members(object, status, error)
                                  : protocol(error, "is not a JSON object");
    if (code != EMQX_TLS_OK)
        emqx_tls_status_init(status);
    json_decref(object);
    return code;
}
