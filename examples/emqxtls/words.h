/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is said to people.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* A message of the library with the command's options in place of the names of C; to be freed.
 * NULL: no memory. */
char *in_own_words(const char *text);

/* Somebody else's text: what a terminal would obey, and line ends, become "?". */
void put_text(FILE *to, const char *text);
void put_message(FILE *to, const char *text); /* of the library, in own words */

/* On stderr, as a line of "emqxtls: "; --json has it in its object, too. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *what_was_said(void); /* the last of it; "": nothing */

#endif
