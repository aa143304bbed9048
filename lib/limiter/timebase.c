/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/timebase.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "base/file.h"

/* A wall clock that the kernel calls synchronised is off by at most 16 s (it says so no longer
 * beyond that), at both ends. */
#define WALL_ERROR_MS 32000

static void machine(uint8_t id[16])
{
    emqxi_id_read("/etc/machine-id", id);
}

static bool is_system(const emqx_tls_clock *clock)
{
    return clock->now_ms == emqxi_system_clock.now_ms;
}

static bool synchronised(const emqx_tls_clock *clock)
{
    struct timex t = {.modes = 0};
    int state = is_system(clock) ? adjtimex(&t) : -1;
    return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}

const emqxi_host emqxi_system_host = {machine, synchronised};

static bool known(const uint8_t id[16])
{
    static const uint8_t none[16];
    return memcmp(id, none, 16) != 0;
}

/* Processes in another time namespace have the same boot but another timebase of its clock: they
 * count as another machine. */
static void mix_time_namespace(emqxi_timebase *here)
{
    struct stat s;
    if (stat("/proc/self/ns/time", &s) != 0)
        return;
    uint64_t inode = s.st_ino;
    emqxi_siphash(here->boot, &inode, sizeof inode, here->boot);
    if (known(here->machine))
        emqxi_siphash(here->machine, &inode, sizeof inode, here->machine);
}

void emqxi_timebase_identify(emqxi_timebase *here, const emqx_tls_clock *clock,
                             const emqxi_host *host)
{
    memset(here, 0, sizeof *here);
    here->wall_ms = EMQXI_NO_WALL;
    host->machine(here->machine);
    if (clock->boot_id)
        clock->boot_id(clock->context, here->boot);
    if (!known(here->boot) && is_system(clock)) {
        /* No /proc. One boot for all of this machine's is right too, for a clock that begins with
         * the boot: a stamp that does not lie ahead of it is at least as old as it seems, and one
         * that does tells that there was a reboot. */
        memcpy(here->boot, here->machine, sizeof here->boot);
    } else if (!known(here->boot)) {
        const uint64_t random[2] = {emqxi_random(), emqxi_random()};
        memcpy(here->boot, random, sizeof random);
        memset(here->machine, 0, sizeof here->machine);
    } else if (is_system(clock)) {
        mix_time_namespace(here);
    }
}

bool emqxi_time_sound(int64_t ms)
{
    return ms >= -EMQXI_TIME_MAX && ms <= EMQXI_TIME_MAX;
}

bool emqxi_timebase_sound(const emqxi_timebase *t)
{
    return emqxi_time_sound(t->seen_ms) &&
           (t->wall_ms == EMQXI_NO_WALL || emqxi_time_sound(t->wall_ms));
}

bool emqxi_timebase_same_boot(const emqxi_timebase *was, const emqxi_timebase *here)
{
    return memcmp(was->boot, here->boot, sizeof was->boot) == 0;
}

bool emqxi_timebase_same(const emqxi_timebase *was, const emqxi_timebase *here)
{
    return emqxi_timebase_same_boot(was, here) && here->seen_ms >= was->seen_ms;
}

int64_t emqxi_timebase_uptime(const emqxi_timebase *was, const emqxi_timebase *here)
{
    bool reboot = !emqxi_timebase_same_boot(was, here) && known(was->machine) &&
                  memcmp(was->machine, here->machine, sizeof was->machine) == 0;
    return reboot ? EMQXI_MAX(here->seen_ms, 0) : 0;
}

int64_t emqxi_timebase_elapsed(const emqxi_timebase *was, const emqxi_timebase *here)
{
    int64_t elapsed = emqxi_timebase_uptime(was, here);
    if (was->wall_ms != EMQXI_NO_WALL && here->wall_ms != EMQXI_NO_WALL)
        elapsed =
            EMQXI_MAX(elapsed, emqxi_add(emqxi_add(here->wall_ms, -WALL_ERROR_MS), -was->wall_ms));
    return elapsed;
}
