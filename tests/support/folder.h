/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A folder of the test's own.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>

enum { FOLDER_SIZE = 64 };

/* /tmp/emqxtls-NAME-...; false: none could be made */
bool folder_make(char folder[FOLDER_SIZE], const char *name);
/* In memory where that can be: a sync of a busy disk takes milliseconds. */
bool folder_make_in_memory(char folder[FOLDER_SIZE], const char *name);
/* Removes all that is in it. */
void folder_empty(const char *folder);
/* The folder too. */
void folder_remove(const char *folder);

#endif
