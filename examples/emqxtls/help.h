/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The table of commands and options, and the help that is made of it.
 */
#ifndef HELP_H
#define HELP_H

#include "options.h"

/* What getopt returns for an option without a letter whose value is more than a text. */
enum {
    OPT_TYPE = 256,
    OPT_WAIT,
    OPT_DEPLOYMENTS,
    OPT_CONCURRENCY,
    OPT_PROBE,
    OPT_MIN_DAYS,
    OPT_ROW, /* and the row's number: those that just set a member */
    OPT_END = OPT_ROW + 64
};

struct option_row {
    int key; /* what getopt returns: OPT_*, or the letter; 0: OPT_ROW + number */
    const char *name;
    const char *value; /* what it is called in the help; NULL: it takes none */
    size_t member;     /* of struct options: a text, or a bool where it takes no value; 0: none */
    unsigned commands; /* that use it: bits */
    const char *section;
    const char *help;
};
extern const struct option_row option_rows[];
extern const size_t option_count;

int option_key(size_t row);

/* The option that was meant, if a typo can tell; else NULL. */
const char *option_near(const char *name);

void show_help(const struct command_info *command); /* NULL: of all */

#endif
