/* SPDX-License-Identifier: MIT
 *
 * Names that take their time. A program that links this asks no resolver: names that begin with
 * "slow" are not answered before slow_names_answer, every other one is this machine.
 */
#ifndef SLOW_NAMES_H
#define SLOW_NAMES_H

int slow_names_asked(void); /* how often so far */
/* Those that are asked for, and those that will be, fail from now on. */
void slow_names_answer(void);

#endif
