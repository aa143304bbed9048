/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * json - the members of one JSON object, as much as a reply or a receipt needs. jansson reads it
 * (json_jansson.c), or where it was left out of the build a small reader of our own (json_own.c);
 * tests/fuzz/json.c holds both to the same verdict and the same values.
 */
#ifndef EMQXI_JSON_H
#define EMQXI_JSON_H

#include "base/base.h"

enum emqxi_json {
    EMQXI_JSON_OK,
    EMQXI_JSON_NO_MEMORY,
    EMQXI_JSON_BROKEN, /* not JSON */
    EMQXI_JSON_DEEP,   /* nested more than 32 times */
    EMQXI_JSON_TWICE,  /* an object names a member twice */
    EMQXI_JSON_NO_OBJECT
};

enum emqxi_json_kind {
    EMQXI_JSON_ABSENT,
    EMQXI_JSON_NULL,
    EMQXI_JSON_TEXT,    /* without a NUL */
    EMQXI_JSON_INTEGER, /* where integers were asked for */
    EMQXI_JSON_OTHER
};

/* A member that is wanted. */
typedef struct emqxi_json_member {
    const char *name;
    char *text; /* where a text goes, cut at a character; "" if it is none. NULL: nowhere */
    size_t size;
    enum emqxi_json_kind kind; /* what was found */
    size_t len;                /* of a text, before it was cut */
    int64_t integer;
} emqxi_json_member;

/* Reads an object. `integers`: one that does not fit 64 bits is BROKEN, else any number may be as
 * long as it likes. `count`: of all its members. */
enum emqxi_json emqxi_json_read(const char *text, size_t len, bool integers,
                                emqxi_json_member *members, size_t n, size_t *count);

/* Of the one that is built: the same without a look at the depth and for NULs. All of `members` are
 * set to ABSENT before. */
enum emqxi_json emqxi_json_parse(const char *text, size_t len, bool integers,
                                 emqxi_json_member *members, size_t n, size_t *count);

#endif
