/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * JSON by jansson. Its limits are ours: a number beyond a double's range (1e999) makes a text
 * unreadable; and where malloc fails while the buffer of a text grows beyond 15 bytes, jansson 2.14
 * may lose a byte or abort (its issue 362).
 */
#include "wire/json.h"

#include <string.h>

#include <jansson.h>

static void take_member(const json_t *value, emqxi_json_member *m)
{
    const char *text = json_string_value(value);
    m->kind = !value                   ? EMQXI_JSON_ABSENT
              : json_is_null(value)    ? EMQXI_JSON_NULL
              : json_is_integer(value) ? EMQXI_JSON_INTEGER
                                       : EMQXI_JSON_OTHER;
    m->integer = json_integer_value(value);
    m->len = json_string_length(value);
    if (!text || strlen(text) != m->len)
        return;
    m->kind = EMQXI_JSON_TEXT;
    if (m->text)
        emqxi_text_copy(m->text, m->size, text, m->len);
}

/* jansson's own text may quote the body, so only its code is looked at; it sets none where it got
 * no memory at first. */
static enum emqxi_json verdict_of(const json_error_t *why)
{
    switch (json_error_code(why)) {
    case json_error_unknown:
    case json_error_out_of_memory:
        return EMQXI_JSON_NO_MEMORY;
    case json_error_duplicate_key:
        return EMQXI_JSON_TWICE;
    default:
        return EMQXI_JSON_BROKEN;
    }
}

enum emqxi_json emqxi_json_parse(const char *text, size_t len, bool integers,
                                 emqxi_json_member *members, size_t n, size_t *count)
{
    /* NULs are let through so that one in a member we do not know does no harm. */
    size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_error_t why = {0};
    json_t *object =
        json_loadb(text, len, integers ? flags : flags | JSON_DECODE_INT_AS_REAL, &why);
    if (!object)
        return verdict_of(&why);
    enum emqxi_json verdict = json_is_object(object) ? EMQXI_JSON_OK : EMQXI_JSON_NO_OBJECT;
    *count = json_object_size(object);
    for (size_t i = 0; i < n && verdict == EMQXI_JSON_OK; i++)
        take_member(json_object_get(object, members[i].name), &members[i]);
    json_decref(object);
    return verdict;
}
