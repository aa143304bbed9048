/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A receipt as text: one JSON object.
 */
#include "provision/receipt.h"

#include <stdio.h>
#include <string.h>

#include "wire/json.h"
#include "wire/wire.h"

#define VERSION    1
#define MOMENT_MAX INT64_C(253402300800) /* year 10000: what sums with times may rely on */

static const char *const states[] = {[EMQXI_RECEIPT_NONE] = "", "intent", "done"};
static const char *const types[] = {[EMQX_TLS_TYPE_UNKNOWN] = "", "one-way", "two-way"};
static const char *const befores[EMQXI_BEFORES] = {
    "nothing", "different",    "different-failed", "different-unfinished",
    "alike",   "alike-failed", "alike-unfinished"};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static bool find(const char *text, const char *const *texts, size_t count, uint32_t *index)
{
    for (size_t i = 0; i < count; i++)
        if (texts[i][0] && strcmp(texts[i], text) == 0) {
            *index = (uint32_t)i;
            return true;
        }
    return false;
}

/* -- written ----------------------------------------------------------------------------------- */

typedef struct output {
    char *to;
    size_t size, len; /* it does not fit where len reaches size */
} output;

static void put(output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(output *o, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(o->to + o->len, o->size - o->len, format, arguments);
    va_end(arguments);
    o->len += EMQXI_MIN((size_t)n, o->size - o->len);
}

static void put_text(output *o, const char *name, const char *text)
{
    put(o, ",\n \"%s\": \"", name);
    size_t len = strlen(text), n = emqxi_encode_text(text, len, NULL);
    if (n < o->size - o->len)
        emqxi_encode_text(text, len, o->to + o->len);
    o->len += EMQXI_MIN(n, o->size - o->len);
    put(o, "\"");
}

static void put_hash(output *o, const char *name, const unsigned char hash[32])
{
    char hex[65];
    emqxi_hex(hash, 32, hex);
    put_text(o, name, hex);
}

static void put_number(output *o, const char *name, int64_t number)
{
    put(o, ",\n \"%s\": %lld", name, (long long)number);
}

size_t emqxi_receipt_encode(const emqxi_receipt *r, const char *name, char *to, size_t size)
{
    output o = {to, size, 0};
    put(&o, "{\n \"version\": %d", VERSION);
    put_text(&o, "receipt", name);
    put_text(&o, "state", states[r->state]);
    put_text(&o, "type", types[r->identity.type]);
    put_hash(&o, "chain", r->identity.chain_sha256);
    put_hash(&o, "spki", r->identity.spki_sha256);
    put_hash(&o, "cacert", r->identity.cacert_sha256);
    put_number(&o, "not_after", r->identity.not_after);
    put_text(&o, "before", befores[r->before]);
    put_text(&o, "was", r->was);
    put_number(&o, "time", r->time_s);
    put_number(&o, "lease", r->lease_s);
    if (r->zone_known)
        put_number(&o, "zone", r->zone_s);
    if (r->cn[0])
        put_text(&o, "cn", r->cn);
    put(&o, "\n}");
    return o.len < size ? o.len : 0;
}

/* -- read -------------------------------------------------------------------------------------- */

enum {
    VERSION_IS,
    RECEIPT,
    STATE,
    TYPE,
    CHAIN,
    SPKI,
    CACERT,
    BEFORE,
    WAS,
    NOT_AFTER,
    TIME,
    LEASE,
    ZONE,
    CN,
    MEMBERS
};

static bool from_hex(const char *from, unsigned char to[32])
{
    if (strlen(from) != 64)
        return false;
    for (int i = 0; i < 32; i++) {
        int byte = emqxi_hex_byte(from + 2 * i);
        if (byte < 0)
            return false;
        to[i] = (unsigned char)byte;
    }
    return true;
}

static bool is_moment(const emqxi_json_member *m)
{
    return m->integer >= -MOMENT_MAX && m->integer <= MOMENT_MAX;
}

/* Are all there that must be, of the right kind and whole? */
static bool complete(const emqxi_json_member members[MEMBERS])
{
    for (size_t i = 0; i < MEMBERS; i++) {
        const emqxi_json_member *m = &members[i];
        bool optional = (i == ZONE || i == CN) && m->kind == EMQXI_JSON_ABSENT;
        if (!optional && (m->text ? m->kind != EMQXI_JSON_TEXT || m->len >= m->size
                                  : m->kind != EMQXI_JSON_INTEGER))
            return false;
    }
    return true;
}

static bool take_numbers(const emqxi_json_member members[MEMBERS], emqxi_receipt *r)
{
    const emqxi_json_member *zone = &members[ZONE], *lease = &members[LEASE];
    if (members[VERSION_IS].integer != VERSION || !is_moment(&members[NOT_AFTER]) ||
        !is_moment(&members[TIME]) || lease->integer < 0 || lease->integer > UINT32_MAX ||
        zone->integer < -EMQXI_ZONE_MAX || zone->integer > EMQXI_ZONE_MAX)
        return false;
    r->identity.not_after = members[NOT_AFTER].integer;
    r->time_s = members[TIME].integer;
    r->lease_s = lease->integer;
    r->zone_known = zone->kind == EMQXI_JSON_INTEGER;
    r->zone_s = (int32_t)zone->integer;
    return true;
}

static bool take(const char *text, size_t len, const char *name, emqxi_receipt *r)
{
    char receipt[96] = "", state[16], type[16], before[32], chain[65], spki[65], cacert[65];
    uint32_t index;
    size_t count;
#define TEXT(key, place) {.name = key, .text = place, .size = sizeof place}
    emqxi_json_member members[MEMBERS] = {
        [VERSION_IS] = {.name = "version"}, [RECEIPT] = TEXT("receipt", receipt),
        [STATE] = TEXT("state", state),     [TYPE] = TEXT("type", type),
        [CHAIN] = TEXT("chain", chain),     [SPKI] = TEXT("spki", spki),
        [CACERT] = TEXT("cacert", cacert),  [BEFORE] = TEXT("before", before),
        [WAS] = TEXT("was", r->was),        [NOT_AFTER] = {.name = "not_after"},
        [TIME] = {.name = "time"},          [LEASE] = {.name = "lease"},
        [ZONE] = {.name = "zone"},          [CN] = TEXT("cn", r->cn),
    };
#undef TEXT
    if (emqxi_json_read(text, len, true, members, MEMBERS, &count) != EMQXI_JSON_OK ||
        !complete(members) || strcmp(receipt, name) != 0)
        return false;
    if (!find(state, states, LENGTH(states), &r->state) ||
        !find(type, types, LENGTH(types), &r->identity.type) ||
        !find(before, befores, LENGTH(befores), &index))
        return false;
    r->before = (enum emqxi_before)index;
    r->identity.readable = true;
    return from_hex(chain, r->identity.chain_sha256) && from_hex(spki, r->identity.spki_sha256) &&
           from_hex(cacert, r->identity.cacert_sha256) && take_numbers(members, r);
}

bool emqxi_receipt_decode(const char *text, size_t len, const char *name, emqxi_receipt *r)
{
    memset(r, 0, sizeof *r);
    bool good = take(text, len, name, r);
    if (!good)
        memset(r, 0, sizeof *r);
    return good;
}
