/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * explore - walks through every state that a model can come to, in the order of the number of
 * moves, and each state once: until nothing new is found. What a model finds broken is told with
 * the shortest story that leads there.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_MAX 16384

typedef struct explorer explorer;

/* A state is one block of bytes, most of them zero, without pointers to what moves: equal bytes are
 * one state. */
typedef struct explore_model {
    size_t size; /* of a state: a multiple of 8 */
    /* Calls explore_to for each state that follows, always in the same order. */
    void (*moves)(explorer *x, const void *state);
} explore_model;

explorer *explore_open(const explore_model *model);
void explore_close(explorer *x);

/* A state that stories begin with. */
void explore_from(explorer *x, const void *state);

/* A move leads to this state; the text tells it in a story. */
void explore_to(explorer *x, const void *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What must hold does not, after the move that the next explore_to tells. */
void explore_broken(explorer *x, const char *what);

/* Until nothing new is found: true; or something is broken: false, and its story is printed if
 * there is a name. */
bool explore_run(explorer *x, const char *name);

/* What was found broken; NULL: nothing. */
const char *explore_what(const explorer *x);

uint64_t explore_states(const explorer *x);
uint64_t explore_moves(const explorer *x);

#endif
