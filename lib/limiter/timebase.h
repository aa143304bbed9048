/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * timebase - what the stamps in a file are measured by, so that a later process can tell how old
 * they are at least: after a reboot, on a copied file, with a wall clock that nobody has set.
 * Erring is one-sided: a slot may be held too long, at most until one W' and 60 s after the file is
 * first seen; it is never free early.
 */
#ifndef EMQXI_TIMEBASE_H
#define EMQXI_TIMEBASE_H

#include "base/base.h"

#define EMQXI_NO_WALL INT64_MIN
/* No clock shows more or less: sums of a few times within it can't overflow. */
#define EMQXI_TIME_MAX (INT64_MAX / 8)

typedef struct emqxi_timebase {
    uint8_t boot[16];
    uint8_t machine[16]; /* a hash; zeros: not known, and then it is like no other */
    int64_t seen_ms;     /* the stamps' clock when this was written */
    int64_t wall_ms;     /* the wall clock then, if it could be trusted; else EMQXI_NO_WALL */
} emqxi_timebase;

/* What is asked of the machine; tests give their own. */
typedef struct emqxi_host {
    void (*machine)(uint8_t id[16]); /* zeros: not known */
    bool (*wall_trusted)(const emqx_tls_clock *clock);
} emqxi_host;

/* Trusts the system's wall clock where the kernel calls it synchronised, no clock of a caller's. */
extern const emqxi_host emqxi_system_host;

/* Sets boot and machine. A clock of the caller's without a boot's id is a boot of its own. */
void emqxi_timebase_identify(emqxi_timebase *here, const emqx_tls_clock *clock,
                             const emqxi_host *host);

/* Are stamps of `was` good as they are? The same boot, and the clock has not gone back (a virtual
 * machine's may, when it is restored). */
bool emqxi_timebase_same(const emqxi_timebase *was, const emqxi_timebase *here);
bool emqxi_timebase_same_boot(const emqxi_timebase *was, const emqxi_timebase *here);

/* Are these times that clocks can show? */
bool emqxi_time_sound(int64_t ms);
bool emqxi_timebase_sound(const emqxi_timebase *timebase);

/* How long this boot of the machine that wrote `was` has lasted; 0 if it is another machine. */
int64_t emqxi_timebase_uptime(const emqxi_timebase *was, const emqxi_timebase *here);

/* Time that has passed since `was` was written, at least. For stamps that are not good as they
 * are. */
int64_t emqxi_timebase_elapsed(const emqxi_timebase *was, const emqxi_timebase *here);

#endif
