/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the quota in a file costs, as ratios in one run: a reservation with its settling against two
 * rounds of a bare lock, pread, pwrite and unlock of the same record; for a write, with one
 * fdatasync more on both sides. One read in eight is synced too (see lib/limiter/file.h): the
 * median is that of the others, and on average the bare program syncs as often. The files are in
 * the working folder: a disk, where the build is on one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "real_clock.h"
#include "limiter/file.h"
#include "limiter/limiter.h"

#define READ_PAIRS  20000
#define WRITE_PAIRS 1000
#define PAIRS_MAX   READ_PAIRS
#define RECORD      (sizeof(emqxi_file_record) + (60 + 6) * sizeof(emqxi_slot))
#define OWN_FILE    "bench-limiter-file.quota"
#define BARE_FILE   "bench-limiter-file.bare"

static int64_t
    /* what virtual time adds to the real clock, so that slots free while the clock costs what it
     * costs */
    offset_ms;

static int64_t now_ms(void *context)
{
    (void)context;
    return clock_ns(CLOCK_BOOTTIME) / 1000000 + offset_ms;
}

static double now_us(void)
{
    return (double)clock_ns(CLOCK_MONOTONIC) / 1e3;
}

typedef struct cost {
    double median, mean;
} cost;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static cost cost_of(double *times, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += times[i];
    qsort(times, n, sizeof *times, by_value);
    return (cost){.median = times[n / 2], .mean = sum / (double)n};
}

static void bare(int fd, int sync)
{
    static char record[RECORD];
    for (int i = 0; i < 2; i++)
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 ||
            pread(fd, record, sizeof record, 4096) != (ssize_t)sizeof record ||
            pwrite(fd, record, sizeof record, 4096) != (ssize_t)sizeof record ||
            (sync && i == 0 && fdatasync(fd) != 0) || flock(fd, LOCK_UN) != 0)
            abort();
}

static void own(emqx_tls_limiter *limiter, uint32_t op)
{
    emqxi_waiter waiter = {0};
    emqxi_reserve r = {.op = op, .deployment_id = "ge6a1a75", .lease_ms = 30000};
    if (emqxi_limiter_reserve(limiter, &r, &waiter, NULL) != EMQX_TLS_OK || !r.granted ||
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL) !=
            EMQX_TLS_OK)
        abort();
    /* the quota is nearly used up all the time */
    offset_ms += op == EMQX_TLS_OP_GET ? 61000 : 610000;
}

/* One after the other, so that what else the machine does meets both. */
static void measure(int fd, emqx_tls_limiter *limiter, uint32_t op, size_t pairs, size_t sync_each,
                    cost *base, cost *us)
{
    static double times[2][PAIRS_MAX];
    for (size_t i = 0; i < pairs; i++) {
        double begin = now_us();
        bare(fd, i % sync_each == 0);
        double middle = now_us();
        own(limiter, op);
        times[1][i] = now_us() - middle;
        times[0][i] = middle - begin;
    }
    *base = cost_of(times[0], pairs);
    *us = cost_of(times[1], pairs);
}

static int report(const char *what, double base, double own_cost)
{
    printf("%-34s %8.1f us, bare %8.1f us: %.2f times (at most 3.00)\n", what, own_cost, base,
           own_cost / base);
    return own_cost > 3 * base;
}

int main(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_clock clock;
    emqx_tls_limiter *limiter;
    cost read_base, read_own, write_base, write_own;

    emqx_tls_clock_init(&clock);
    clock.now_ms = now_ms;
    emqx_tls_limiter_config_init(&config);
    config.clock = &clock;
    unlink(OWN_FILE);
    int fd = open(BARE_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 16384) != 0 ||
        emqx_tls_limiter_open_file(OWN_FILE, &config, &limiter, NULL) != EMQX_TLS_OK)
        return 1;
    measure(fd, limiter, EMQX_TLS_OP_GET, READ_PAIRS, 8, &read_base, &read_own);
    measure(fd, limiter, EMQX_TLS_OP_UPDATE, WRITE_PAIRS, 1, &write_base, &write_own);
    int failed = report("reserve and settle a read, median", read_base.median, read_own.median);
    report("reserve and settle a read, mean", read_base.mean,
           read_own.mean); /* told, not judged: a busy disk decides */
    failed |= report("reserve and settle a write, median", write_base.median, write_own.median);
    emqx_tls_limiter_unref(limiter);
    unlink(OWN_FILE);
    unlink(BARE_FILE);
    close(fd);
#ifndef __OPTIMIZE__
    puts("not optimised: the figures say little; meson setup --buildtype=release");
    failed = 77; /* skipped */
#endif
    return failed;
}
