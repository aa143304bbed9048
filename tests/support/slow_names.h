/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A resolver whose answers the test gives. A program that links this asks no other: names that begin
 * with "slow" are not answered before slow_names_answer, those that begin with "no" do not exist,
 * and every other one is this machine.
 */
#ifndef SLOW_NAMES_H
#define SLOW_NAMES_H

/* How many slow ones were asked for so far; waits until it is so many. */
int slow_names_asked(void);
void slow_names_wait(int asked);
/* Those that are asked for, and those that will be, are answered from now on. */
void slow_names_answer(void);
/* Answers that were given and not freed; waits until all slow ones were given, and all are freed. */
int slow_names_held(void);
void slow_names_wait_freed(void);

#endif
