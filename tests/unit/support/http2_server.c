/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "http2_server.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX  16384
#define GATHER_MAX 64

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 }; /* flags */

/* What goes out. */
typedef struct output {
    unsigned char *bytes;
    size_t len, room;
} output;

typedef struct stream {
    uint32_t id;
    size_t body, sent;
    bool over;
} stream;

static const http2_answer *current;

void http2_answer_with(const http2_answer *answer)
{
    current = answer;
}

char http2_body(size_t at)
{
    return (char)('a' + at % 23);
}

/* -- frames ------------------------------------------------------------------------------------ */

static unsigned char *grow(output *o, size_t n)
{
    if (o->len + n > o->room) {
        o->room = 2 * (o->room + n);
        o->bytes = realloc(o->bytes, o->room);
        if (!o->bytes)
            abort();
    }
    o->len += n;
    return o->bytes + o->len - n;
}

/* Adds a frame; returns where its payload goes. */
static unsigned char *frame(output *o, int type, int flags, uint32_t id, size_t n)
{
    unsigned char *to = grow(o, 9 + n);
    const unsigned char head[9] = {
        (unsigned char)(n >> 16),  (unsigned char)(n >> 8),  (unsigned char)n,
        (unsigned char)type,       (unsigned char)flags,     (unsigned char)(id >> 24),
        (unsigned char)(id >> 16), (unsigned char)(id >> 8), (unsigned char)id};
    memcpy(to, head, sizeof head);
    return to + sizeof head;
}

static void add_number(output *o, uint32_t number)
{
    unsigned char *to = grow(o, 4);
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(number >> (24 - 8 * i));
}

/* -- heads: HPACK without Huffman's code and without a table ------------------------------------ */

static void add_string(output *o, const char *text, size_t len, size_t filled_to)
{
    size_t whole = filled_to > len ? filled_to : len;
    if (whole < 127) {
        *grow(o, 1) = (unsigned char)whole;
    } else {
        size_t rest = whole - 127;
        for (*grow(o, 1) = 127; rest >= 128; rest >>= 7)
            *grow(o, 1) = (unsigned char)(rest | 128);
        *grow(o, 1) = (unsigned char)rest;
    }
    memcpy(grow(o, len), text, len);
    memset(grow(o, whole - len), 'v', whole - len);
}

static void add_field(output *o, const char *name, size_t name_len, const char *value,
                      size_t filled_to)
{
    *grow(o, 1) = 0;
    add_string(o, name, name_len, 0);
    add_string(o, value, strlen(value), filled_to);
}

static void add_head(output *o, uint32_t id, int status, const http2_answer *a, bool last)
{
    output block = {0};
    char text[24];
    int n = snprintf(text, sizeof text, "%d", status);
    *grow(&block, 1) = 0x08; /* :status, its value here */
    add_string(&block, text, (size_t)n, 0);
    const char *colon = a && a->field ? strstr(a->field, ": ") : NULL;
    if (colon)
        add_field(&block, a->field, (size_t)(colon - a->field), colon + 2, a->field_len);
    if (a && a->sized) {
        snprintf(text, sizeof text, "%zu", a->body);
        add_field(&block, "content-length", 14, text, 0);
    }
    memcpy(frame(o, HEADERS, END_HEADERS | (last ? END_STREAM : 0), id, block.len), block.bytes,
           block.len);
    free(block.bytes);
}

/* -- answers ----------------------------------------------------------------------------------- */

static void begin_answer(output *o, stream *s, const http2_answer *a)
{
    bool last = a->body == 0 && a->end == HTTP2_END_STREAM;
    for (unsigned i = 0; i < a->interim; i++)
        add_head(o, s->id, 103, NULL, false);
    if (a->status)
        add_head(o, s->id, a->status, a, last);
    s->over = last;
}

/* The next DATA frame of the body, or what comes behind it. */
static void go_on(output *o, stream *s, const http2_answer *a)
{
    size_t most = a->frame ? a->frame : FRAME_MAX, left = s->body - s->sent;
    size_t n = left < most ? left : most;
    if (n > 0) {
        bool last = n == left && a->end == HTTP2_END_STREAM;
        unsigned char *to = frame(o, DATA, last ? END_STREAM : 0, s->id, n);
        for (size_t i = 0; i < n; i++)
            to[i] = (unsigned char)http2_body(s->sent++);
        s->over = last;
        return;
    }
    if (a->end == HTTP2_EMPTY_DATA)
        frame(o, DATA, END_STREAM, s->id, 0);
    else if (a->end == HTTP2_RST_STREAM) {
        frame(o, RST_STREAM, 0, s->id, 0);
        o->bytes[o->len - 7] = 4; /* the length of what follows */
        add_number(o, a->error);
    } else if (a->end == HTTP2_GOODBYE) {
        frame(o, GOAWAY, 0, 0, 0);
        o->bytes[o->len - 7] = 8;
        add_number(o, 0);
        add_number(o, 0);
    }
    s->over = true;
}

static bool send_all(loopback_connection *c, const output *o, size_t record)
{
    size_t most = record ? record : o->len;
    for (size_t at = 0; at < o->len; at += most)
        if (!loopback_write(c, o->bytes + at, o->len - at < most ? o->len - at : most))
            return false;
    return true;
}

/* False: the connection is to be closed. */
static bool answer_all(loopback_connection *c, stream *streams, size_t count)
{
    const http2_answer *a = current;
    output o = {0};
    bool more = true;
    for (size_t i = 0; i < count; i++) {
        streams[i].body = i == 0 && a->first_body ? a->first_body : a->body;
        begin_answer(&o, &streams[i], a);
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < count; i++)
            if (!streams[i].over) {
                go_on(&o, &streams[i], a);
                more = true;
            }
    }
    bool ok = send_all(c, &o, a->record);
    free(o.bytes);
    return ok && a->end != HTTP2_GOODBYE && a->end != HTTP2_CLOSE;
}

static bool send_settings(loopback_connection *c, int flags)
{
    output o = {0};
    frame(&o, SETTINGS, flags, 0, 0);
    bool ok = send_all(c, &o, 0);
    free(o.bytes);
    return ok;
}

void http2_serve(loopback_connection *c)
{
    stream streams[GATHER_MAX];
    size_t count = 0;
    unsigned char preface[24], head[9], payload[FRAME_MAX];
    bool ok = loopback_read(c, preface, sizeof preface) && send_settings(c, 0);
    while (ok && loopback_read(c, head, sizeof head)) {
        size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        ok = n <= sizeof payload && loopback_read(c, payload, n);
        if (ok && head[3] == SETTINGS && !(head[4] & ACK))
            ok = send_settings(c, ACK);
        if (!ok || head[3] != HEADERS)
            continue;
        loopback_note(c, "HTTP/2");
        streams[count++] = (stream){.id = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 |
                                          (uint32_t)head[7] << 8 | head[8]};
        if (count >= current->gather || count == GATHER_MAX) {
            ok = answer_all(c, streams, count);
            count = 0;
        }
    }
}
