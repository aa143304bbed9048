/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A receipt as text: one JSON object. There is nothing secret in it, so jansson may write it too.
 */
#include "provision/receipt.h"

#include <string.h>

#include <jansson.h>

#define VERSION    1
#define MOMENT_MAX INT64_C(253402300800) /* year 10000: what sums with times may rely on */

static const char *const states[] = {[EMQXI_RECEIPT_NONE] = "", "intent", "done"};
static const char *const types[] = {[EMQX_TLS_TYPE_UNKNOWN] = "", "one-way", "two-way"};
static const char *const befores[EMQXI_BEFORES] = {
    "nothing", "different",    "different-failed", "different-unfinished",
    "alike",   "alike-failed", "alike-unfinished"};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static bool from_hex(const char *from, unsigned char to[32])
{
    if (strlen(from) != 64)
        return false;
    for (int i = 0; i < 32; i++) {
        int high = emqxi_hex_digit(from[2 * i]), low = emqxi_hex_digit(from[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool find(const char *text, const char *const *texts, size_t count, uint32_t *index)
{
    for (size_t i = 0; i < count; i++)
        if (texts[i][0] && strcmp(texts[i], text) == 0) {
            *index = (uint32_t)i;
            return true;
        }
    return false;
}

size_t emqxi_receipt_encode(const emqxi_receipt *r, const char *name, char *to, size_t size)
{
    char chain[65], spki[65], cacert[65];
    emqxi_hex(r->identity.chain_sha256, 32, chain);
    emqxi_hex(r->identity.spki_sha256, 32, spki);
    emqxi_hex(r->identity.cacert_sha256, 32, cacert);
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I}", "version",
                  VERSION, "receipt", name, "state", states[r->state], "type",
                  types[r->identity.type], "chain", chain, "spki", spki, "cacert", cacert,
                  "not_after", (json_int_t)r->identity.not_after, "before", befores[r->before],
                  "was", r->was, "time", (json_int_t)r->time_s, "lease", (json_int_t)r->lease_s);
    if (o && r->zone_known)
        json_object_set_new(o, "zone", json_integer(r->zone_s));
    if (o && r->cn[0])
        json_object_set_new(o, "cn", json_string(r->cn));
    size_t len = o ? json_dumpb(o, to, size, JSON_INDENT(1)) : 0;
    json_decref(o);
    return len < size ? len : 0;
}

static bool is_moment(json_int_t seconds)
{
    return seconds >= -MOMENT_MAX && seconds <= MOMENT_MAX;
}

static bool take_text(const char *text, char *to, size_t size)
{
    size_t len = strlen(text);
    if (len < size)
        memcpy(to, text, len + 1);
    return len < size;
}

static bool take_fingerprints(const char *chain, const char *spki, const char *cacert,
                              emqxi_identity *to)
{
    return from_hex(chain, to->chain_sha256) && from_hex(spki, to->spki_sha256) &&
           from_hex(cacert, to->cacert_sha256);
}

static bool take_zone(const json_t *zone, emqxi_receipt *r)
{
    json_int_t seconds = json_integer_value(zone);
    r->zone_known = zone != NULL;
    r->zone_s = (int32_t)seconds;
    return !zone ||
           (json_is_integer(zone) && seconds >= -EMQXI_ZONE_MAX && seconds <= EMQXI_ZONE_MAX);
}

static bool take(json_t *o, const char *name, emqxi_receipt *r)
{
    int version;
    const char *receipt, *state, *type, *chain, *spki, *cacert, *before, *was, *cn = "";
    json_int_t not_after, time, lease;
    json_t *zone = NULL;
    uint32_t index;
    if (json_unpack(o, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s?o, s?s}",
                    "version", &version, "receipt", &receipt, "state", &state, "type", &type,
                    "chain", &chain, "spki", &spki, "cacert", &cacert, "not_after", &not_after,
                    "before", &before, "was", &was, "time", &time, "lease", &lease, "zone", &zone,
                    "cn", &cn) != 0)
        return false;
    if (version != VERSION || strcmp(receipt, name) != 0 ||
        !take_text(was, r->was, sizeof r->was) || !take_text(cn, r->cn, sizeof r->cn))
        return false;
    if (!find(state, states, LENGTH(states), &r->state) ||
        !find(type, types, LENGTH(types), &r->identity.type) ||
        !find(before, befores, LENGTH(befores), &index))
        return false;
    r->before = (enum emqxi_before)index;
    if (!take_fingerprints(chain, spki, cacert, &r->identity))
        return false;
    if (!is_moment(not_after) || !is_moment(time) || lease < 0 || lease > UINT32_MAX)
        return false;
    r->identity.not_after = not_after;
    r->identity.readable = true;
    r->time_s = time;
    r->lease_s = lease;
    return take_zone(zone, r);
}

bool emqxi_receipt_decode(const char *text, size_t len, const char *name, emqxi_receipt *r)
{
    json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    memset(r, 0, sizeof *r);
    bool good = o && take(o, name, r);
    if (!good)
        memset(r, 0, sizeof *r);
    json_decref(o);
    return good;
}
