/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "explore.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT  UINT32_MAX
#define WORDS (STATE_MAX / 8)

/* How a state was come to first: by which move of which state. Of the first ones `move` is their
 * number. The state itself is kept only until it was looked at. */
typedef struct node {
    uint64_t hash;
    uint32_t parent, move;
} node;

struct explorer {
    explore_model model;
    node *nodes;
    size_t count, room;
    uint32_t *table; /* numbers of nodes from 1, by their hash; 0: free */
    size_t table_room;
    unsigned char *waiting; /* states that were not looked at yet, packed, in their order */
    size_t waiting_from, waiting_to, waiting_room;
    unsigned char *first; /* the states of explore_from */
    size_t first_count;
    uint64_t moves;
    uint32_t at, move; /* the node that is looked at, and so many of its moves were told */
    const char *broken, *what;
    /* A story is told again: the move to tell, and the state that it leads to. */
    bool telling;
    uint32_t tell;
    unsigned char *told;
};

static void *grown(void *p, size_t *room, size_t least, size_t size)
{
    while (*room < least)
        *room = *room ? *room * 2 : 1024;
    p = realloc(p, *room * size);
    if (!p) {
        fputs("explore: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

explorer *explore_open(const explore_model *model)
{
    size_t one = 0;
    explorer *x = grown(NULL, &one, 1, sizeof *x);
    memset(x, 0, sizeof *x);
    x->model = *model;
    if (model->size % 8 || model->size > STATE_MAX)
        abort();
    return x;
}

void explore_close(explorer *x)
{
    free(x->nodes);
    free(x->table);
    free(x->waiting);
    free(x->first);
    free(x->told);
    free(x);
}

/* -- packed: of each word that is not zero its place and itself --------------------------------- */

static bool is_zero(const unsigned char *block)
{
    uint64_t w[8];
    memcpy(w, block, sizeof w);
    return !(w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]);
}

static size_t pack(const explorer *x, const void *state, unsigned char *to)
{
    const unsigned char *from = state;
    uint16_t n = 0;
    size_t at = sizeof n;
    for (size_t i = 0; i < x->model.size / 8; i++) {
        uint64_t word;
        uint16_t place = (uint16_t)i;
        if (i % 8 == 0 && i + 8 <= x->model.size / 8 && is_zero(from + 8 * i)) {
            i += 7;
            continue;
        }
        memcpy(&word, from + 8 * i, 8);
        if (!word)
            continue;
        memcpy(to + at, &place, sizeof place);
        memcpy(to + at + sizeof place, &word, sizeof word);
        at += sizeof place + sizeof word;
        n++;
    }
    memcpy(to, &n, sizeof n);
    return at;
}

static size_t unpack(const explorer *x, const unsigned char *from, void *state)
{
    uint16_t n;
    size_t at = sizeof n;
    memcpy(&n, from, sizeof n);
    memset(state, 0, x->model.size);
    for (; n > 0; n--) {
        uint16_t place;
        memcpy(&place, from + at, sizeof place);
        memcpy((unsigned char *)state + (size_t)8 * place, from + at + sizeof place, 8);
        at += sizeof place + 8;
    }
    return at;
}

static uint64_t hash_of(const unsigned char *packed, size_t len)
{
    uint64_t h = len;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, packed + i, len - i < 8 ? len - i : 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 29;
}

/* -- states that were seen ---------------------------------------------------------------------- */

static void enlarge_table(explorer *x)
{
    free(x->table);
    x->table_room = x->table_room ? 2 * x->table_room : 1 << 16;
    x->table = calloc(x->table_room, sizeof *x->table);
    if (!x->table)
        exit(1);
    for (size_t i = 0; i < x->count; i++) {
        size_t at = x->nodes[i].hash & (x->table_room - 1);
        while (x->table[at])
            at = (at + 1) & (x->table_room - 1);
        x->table[at] = (uint32_t)i + 1;
    }
}

/* Two states of one hash would count as one: among a hundred million that happens once in a
 * thousand runs, and hides one state at most. */
static bool is_new(explorer *x, uint64_t hash)
{
    if (2 * (x->count + 1) > x->table_room)
        enlarge_table(x);
    size_t at = hash & (x->table_room - 1);
    for (; x->table[at]; at = (at + 1) & (x->table_room - 1))
        if (x->nodes[x->table[at] - 1].hash == hash)
            return false;
    x->table[at] = (uint32_t)x->count + 1;
    return true;
}

static void see(explorer *x, const void *state, uint32_t parent, uint32_t move)
{
    static unsigned char packed[2 + 10 * WORDS];
    size_t len = pack(x, state, packed);
    uint64_t hash = hash_of(packed, len);
    if (!is_new(x, hash))
        return;
    if (x->count == x->room)
        x->nodes = grown(x->nodes, &x->room, x->count + 1, sizeof *x->nodes);
    x->nodes[x->count++] = (node){.hash = hash, .parent = parent, .move = move};
    if (x->waiting_to + len > x->waiting_room && x->waiting_from > x->waiting_to / 2) {
        memmove(x->waiting, x->waiting + x->waiting_from, x->waiting_to - x->waiting_from);
        x->waiting_to -= x->waiting_from;
        x->waiting_from = 0;
    }
    if (x->waiting_to + len > x->waiting_room)
        x->waiting = grown(x->waiting, &x->waiting_room, x->waiting_to + len, 1);
    memcpy(x->waiting + x->waiting_to, packed, len);
    x->waiting_to += len;
}

void explore_from(explorer *x, const void *state)
{
    size_t size = x->model.size, room = 0;
    x->first = grown(x->first, &room, (x->first_count + 1) * size, 1);
    memcpy(x->first + x->first_count * size, state, size);
    see(x, state, ROOT, (uint32_t)x->first_count++);
}

/* -- stories ------------------------------------------------------------------------------------ */

/* Plays a move again, which tells itself; then `state` is what it leads to. */
static void tell_move(explorer *x, unsigned char *state, uint32_t move)
{
    x->tell = move;
    x->move = 0;
    x->model.moves(x, state);
    memcpy(state, x->told, x->model.size);
}

static void tell_story(explorer *x, uint32_t last)
{
    size_t length = 0, room = 0;
    uint32_t *steps = NULL;
    for (uint32_t n = x->at; n != ROOT; n = x->nodes[n].parent) {
        steps = grown(steps, &room, length + 1, sizeof *steps);
        steps[length++] = x->nodes[n].move;
    }
    unsigned char *state = malloc(x->model.size);
    x->told = malloc(x->model.size);
    if (!state || !x->told)
        exit(1);
    memcpy(state, x->first + steps[length - 1] * x->model.size, x->model.size);
    x->telling = true;
    for (length--; length > 0; length--)
        tell_move(x, state, steps[length - 1]);
    tell_move(x, state, last);
    x->telling = false;
    free(steps);
    free(state);
}

void explore_to(explorer *x, const void *state, const char *format, ...)
{
    uint32_t move = x->move++;
    const char *broken = x->broken;
    x->broken = NULL;
    if (!x->telling) {
        x->moves++;
        if (broken && !x->what) {
            x->what = broken;
            x->tell = move;
        }
        see(x, state, x->at, move);
        return;
    }
    if (move != x->tell)
        return;
    va_list arguments;
    va_start(arguments, format);
    printf("    ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    memcpy(x->told, state, x->model.size);
}

void explore_broken(explorer *x, const char *what)
{
    if (!x->broken)
        x->broken = what;
}

bool explore_run(explorer *x, const char *name)
{
    static uint64_t state[WORDS];
    for (; x->waiting_from < x->waiting_to && !x->what; x->at++) {
        x->waiting_from += unpack(x, x->waiting + x->waiting_from, state);
        x->move = 0;
        x->model.moves(x, state);
        if (x->what)
            break;
    }
    if (x->what && name) {
        printf("%s: broken: %s\n", name, x->what);
        tell_story(x, x->tell);
    }
    return !x->what;
}

const char *explore_what(const explorer *x)
{
    return x->what;
}

uint64_t explore_states(const explorer *x)
{
    return x->count;
}

uint64_t explore_moves(const explorer *x)
{
    return x->moves;
}
