/* SPDX-License-Identifier: MIT
 *
 * emqxtls - the command. See docs/emqxtls.1.scd.
 */
#include "run.h"

int main(int argc, char **argv)
{
    struct options o;
    bool stop;
    int code = options_parse(&o, argc, argv, &stop);
    if (code == EXIT_DONE && !stop) {
        switch (o.info->command) {
        case CHECK:
            code = run_check(&o);
            break;
        case PROBE:
            code = run_probe(&o);
            break;
        default:
            code = run_platform_command(&o);
        }
    }
    options_free(&o);
    return code;
}
