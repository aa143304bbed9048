/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * words: each line of standard input as the command would say it.
 */
#include "../../examples/emqxtls/words.h"

#include <stdlib.h>
#include <sys/types.h>

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *own = in_own_words(line);
        if (!own)
            return 1;
        fputs(own, stdout);
        free(own);
    }
    free(line);
    return 0;
}
