/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * story - plays a program that asks what is to happen next, again and again: first every story in
 * which so many things do not go well, wherever in it they come, then stories drawn at random. What
 * is found broken is told as the story that leads there; the number grows by one, so it is a
 * shortest one.
 */
#ifndef STORY_H
#define STORY_H

#include <stdbool.h>
#include <stdint.h>

/* One of the names, NULL-terminated, from the first; the first is how it goes well. */
unsigned story_choose(const char *const *names);

/* Tells something besides, where a story is told. */
void story_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number that is the same whenever the story is played again. */
uint64_t story_random(void);

/* What must hold does not. */
void story_broken(const char *what);
bool story_is_broken(void);

/* All stories of up to so many faults, and `drawn` more; false: one is broken, and was told. */
bool story_play(void (*program)(void), unsigned faults, uint64_t drawn, const char *name);

extern uint64_t story_count, story_choices; /* so far */

#endif
