/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "http2_script.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 1024
#define BODY     "{\"status\":\"pending\"}"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };
enum { END_STREAM = 1, END_HEADERS = 4 };

static void add(frames *f, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    if (f->len + n > f->room) {
        f->room = 2 * (f->room + n);
        f->bytes = realloc(f->bytes, f->room);
        if (!f->bytes)
            abort();
    }
    memcpy(f->bytes + f->len, bytes, n);
    f->len += n;
}

static void add_number(frames *f, uint32_t number, int bytes)
{
    while (bytes-- > 0)
        add(f, &(unsigned char){(unsigned char)(number >> (8 * bytes))}, 1);
}

static void add_hex(frames *f, const char *hex)
{
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        add_number(f, byte, 1);
}

/* HPACK without Huffman's code and without a table. */
static void add_string(frames *f, const char *text, size_t n)
{
    add_number(f, (uint32_t)n, 1); /* less than 127 */
    add(f, text, n);
}

/* "a=b;c=d" */
static void add_fields(frames *f, const char *fields)
{
    while (fields && *fields) {
        size_t name = strcspn(fields, "="), value = strcspn(fields + name, ";") - 1;
        add_number(f, 0, 1);
        add_string(f, fields, name);
        add_string(f, fields + name + 1, value);
        fields += name + 1 + value;
        fields += *fields == ';';
    }
}

static void add_head(frames *f, const char *status)
{
    size_t n = strcspn(status, ";");
    add_number(f, 8, 1); /* :status, its value here */
    add_string(f, status, n);
    add_fields(f, status[n] ? status + n + 1 : NULL);
}

/* Of a field that does not end. */
static void add_filling(frames *f, unsigned n)
{
    while (n-- > 0)
        add(f, "x", 1);
}

/* A frame's payload and type; -1: it has no frame around it. */
static int add_payload(frames *f, char letter, const char *rest)
{
    unsigned a = 0, b = 0;
    const char *comma = strchr(rest, ',');
    switch (letter) {
    case 'H':
        add_head(f, rest);
        return HEADERS;
    case 'T':
        add_fields(f, rest);
        return HEADERS;
    case 'B':
        add_hex(f, rest);
        return HEADERS;
    case 'R':
        add_number(f, (uint32_t)strtoul(rest, NULL, 10), 4);
        return RST_STREAM;
    case 'G':
        add_number(f, (uint32_t)strtoul(comma ? comma + 1 : "0", NULL, 10), 4);
        add_number(f, (uint32_t)strtoul(rest, NULL, 10), 4);
        return GOAWAY;
    case 'S':
        if (sscanf(rest, "%u=%u", &a, &b) == 2) {
            add_number(f, a, 2);
            add_number(f, b, 4);
        }
        return SETTINGS;
    case 'P':
        add(f, "hostile!", 8);
        return PING;
    case 'W':
        add_number(f, (uint32_t)strtoul(rest, NULL, 10), 4);
        return WINDOW;
    case 'C':
        add_filling(f, (unsigned)strtoul(rest, NULL, 10));
        return CONTINUATION;
    case 'F':
        add_hex(f, comma ? comma + 1 : "");
        return (int)strtoul(rest, NULL, 10);
    case 'X':
        add_hex(f, rest);
        return -1;
    default:
        fprintf(stderr, "no such frame: %c\n", letter);
        abort();
    }
}

/* Cuts the marks behind a word off, and returns the flags that they stand for. */
static unsigned take_flags(char *word)
{
    unsigned flags = *word == 'H' || *word == 'T' || *word == 'B' ? END_HEADERS : 0;
    char *plus = strrchr(word, '+');
    if (plus) {
        flags |= (unsigned)strtoul(plus + 1, NULL, 16);
        *plus = '\0';
    }
    for (size_t n = strlen(word); n > 1 && strchr("!-", word[n - 1]); word[--n] = '\0')
        flags = word[n - 1] == '!' ? flags | END_STREAM : flags & ~(unsigned)END_HEADERS;
    return flags;
}

static void add_word(frames *to, char *word, uint32_t stream)
{
    frames payload = {NULL, 0, 0};
    unsigned flags = take_flags(word);
    const char *rest = word[1] == ':' ? word + 2 : word + 1;
    int type;
    if (*word == 'D') {
        const char *body = word[1] == ':' ? rest : BODY;
        add(&payload, body, strlen(body));
        type = DATA;
    } else {
        type = add_payload(&payload, *word, rest);
    }
    if (type >= 0) {
        bool of_connection = strchr("SPG", *word) != NULL;
        add_number(to, (uint32_t)payload.len, 3);
        add_number(to, (uint32_t)type, 1);
        add_number(to, flags, 1);
        add_number(to, of_connection ? 0 : stream, 4);
    }
    if (payload.len > 0)
        add(to, payload.bytes, payload.len);
    free(payload.bytes);
}

/* What stands in front of a word: its number, and the word behind it. */
static unsigned take_number(char **word, char mark, unsigned otherwise)
{
    return **word == mark ? (unsigned)strtoul(*word + 1, word, 10) : otherwise;
}

void http2_script(frames *to, const char *script, uint32_t stream)
{
    while (*script) {
        char text[WORD_MAX], copy[WORD_MAX], *word = text;
        size_t n = strcspn(script, " ");
        if (n >= sizeof text)
            abort();
        *(char *)mempcpy(text, script, n) = '\0';
        unsigned times = take_number(&word, '*', 1);
        uint32_t id = take_number(&word, '@', stream);
        while (times-- > 0)
            add_word(to, strcpy(copy, word), id);
        script += n;
        script += *script == ' ';
    }
}
