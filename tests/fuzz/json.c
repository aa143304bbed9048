/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * JSON as our own reader and as jansson have it: the same verdict, the same values.
 */
#include "fuzz.h"
#include "wire/json.h"

/* lib/wire/json_own.c under another name, since the library is built with jansson here. */
enum emqxi_json own_json_parse(const char *text, size_t len, bool integers,
                               emqxi_json_member *members, size_t n, size_t *count);

enum { WANTED = 4, ROOM = 16 };

typedef struct reading {
    char texts[WANTED][ROOM];
    emqxi_json_member members[WANTED];
    size_t count;
    enum emqxi_json verdict;
} reading;

static void prepare(reading *r)
{
    static const char *const names[WANTED] = {"status", "n", "a", ""};
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < WANTED; i++)
        r->members[i] = (emqxi_json_member){.name = names[i], .text = r->texts[i], .size = ROOM};
}

static void readings_agree(const char *text, size_t len, bool integers)
{
    reading jansson, own;
    prepare(&jansson);
    prepare(&own);
    jansson.verdict = emqxi_json_read(text, len, integers, jansson.members, WANTED, &jansson.count);
    if (jansson.verdict == EMQXI_JSON_DEEP || memchr(text, '\0', len))
        return; /* looked at before either */
    own.verdict = own_json_parse(text, len, integers, own.members, WANTED, &own.count);
    HOLDS(own.verdict == jansson.verdict);
    if (own.verdict != EMQXI_JSON_OK)
        return;
    HOLDS(own.count == jansson.count);
    for (size_t i = 0; i < WANTED; i++) {
        HOLDS(own.members[i].kind == jansson.members[i].kind);
        HOLDS(own.members[i].integer == jansson.members[i].integer);
        HOLDS(own.members[i].kind != EMQXI_JSON_TEXT ||
              own.members[i].len == jansson.members[i].len);
        HOLDS(strcmp(own.texts[i], jansson.texts[i]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0; /* an empty reply is no JSON, and nobody asks */
    readings_agree((const char *)data, size, false);
    readings_agree((const char *)data, size, true);
    return 0;
}
