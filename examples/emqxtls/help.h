/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The table of commands and options, and the help that is made of it.
 */
#ifndef HELP_H
#define HELP_H

#include "options.h"

enum {
    OPT_CERT = 256,
    OPT_KEY,
    OPT_CACERT,
    OPT_TYPE,
    OPT_WAIT,
    OPT_DRY_RUN,
    OPT_FORCE,
    OPT_ALLOW_EARLIER,
    OPT_QUOTA,
    OPT_QUOTA_PREFIX,
    OPT_PER_DEPLOYMENT,
    OPT_RECEIPT,
    OPT_RESUME,
    OPT_PROBE,
    OPT_CA_FILE,
    OPT_SECRET_FILE,
    OPT_ALLOW_HTTP,
    OPT_DEPLOYMENTS,
    OPT_CONCURRENCY,
    OPT_JSON,
    OPT_HOST,
    OPT_MIN_DAYS,
    OPT_END
};

struct option_row {
    int key; /* what getopt returns: OPT_*, or the short option */
    const char *name;
    const char *value; /* what it is called in the help; NULL: it takes none */
    unsigned commands; /* that use it: bits */
    const char *section;
    const char *help;
};
extern const struct option_row option_rows[];
extern const size_t option_count;

/* The option that was meant, if a typo can tell; else NULL. */
const char *option_near(const char *name);

void show_help(const struct command_info *command); /* NULL: of all */

#endif
