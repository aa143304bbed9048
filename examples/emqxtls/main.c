/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * emqxtls - the command. See docs/emqxtls.1.scd.
 */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

/* Where standard input, output or error is closed, a file opened later would take its place, and
 * get the output. */
static void hold_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct options o;
    bool stop;
    hold_standard_files();
    signal(SIGPIPE, SIG_IGN); /* what was written is told, also where nobody reads stdout */
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0); /* key and secret are in its memory: no core dump */
#endif
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
    code = show_last(&o, code);
    options_free(&o);
    return code;
}
