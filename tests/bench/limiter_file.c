/* SPDX-License-Identifier: MIT
 *
 * What the quota in a file costs, as ratios in one run: a reservation with its settling against two rounds of a bare lock, pread,
 * pwrite and unlock of the same record; for a write, with one fdatasync more on both sides. One read in eight is synced too (see
 * lib/limiter/file.h): the median is that of the others, and on average the bare program syncs as often. The files are in the working
 * folder: a disk, where the build is on one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "limiter/file.h"
#include "limiter/limiter.h"

#define ROUNDS      15
#define READ_PAIRS  1000
#define WRITE_PAIRS 100
#define PAIRS_MAX   READ_PAIRS
#define RECORD      (sizeof(emqxi_record) + (60 + 6) * sizeof(emqxi_slot))
#define OWN_FILE    "bench-limiter-file.quota"
#define BARE_FILE   "bench-limiter-file.bare"

static int64_t
    offset_ms; /* what virtual time adds to the real clock, so that slots free while the clock costs what it costs */

static int64_t now_ms(void *context)
{
    (void)context;
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offset_ms;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

typedef struct cost {
    double median, mean;
} cost;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double times[PAIRS_MAX];

static void keep_least(cost *least, int pairs)
{
    double sum = 0;
    for (int i = 0; i < pairs; i++)
        sum += times[i];
    qsort(times, (size_t)pairs, sizeof *times, by_value);
    if (least->mean == 0 || sum / pairs < least->mean)
        least->mean = sum / pairs;
    if (least->median == 0 || times[pairs / 2] < least->median)
        least->median = times[pairs / 2];
}

static void bare(cost *least, int fd, int pairs, int sync_each)
{
    static char record[RECORD];
    for (int i = 0; i < pairs; i++) {
        double begin = now_us();
        for (int j = 0; j < 2; j++)
            if (flock(fd, LOCK_EX | LOCK_NB) != 0 || pread(fd, record, sizeof record, 4096) != (ssize_t)sizeof record ||
                pwrite(fd, record, sizeof record, 4096) != (ssize_t)sizeof record ||
                (i % sync_each == 0 && j == 0 && fdatasync(fd) != 0) || flock(fd, LOCK_UN) != 0)
                abort();
        times[i] = now_us() - begin;
    }
    keep_least(least, pairs);
}

static void own(cost *least, emqx_tls_limiter *limiter, int pairs, uint32_t op)
{
    for (int i = 0; i < pairs; i++) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = op, .deployment_id = "ge6a1a75", .lease_ms = 30000};
        double begin = now_us();
        if (emqxi_limiter_reserve(limiter, &r, &waiter, NULL) != EMQX_TLS_OK || !r.granted ||
            emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL) != EMQX_TLS_OK)
            abort();
        times[i] = now_us() - begin;
        offset_ms += op == EMQX_TLS_OP_GET ? 61000 : 610000; /* the quota is nearly used up all the time */
    }
    keep_least(least, pairs);
}

static int report(const char *what, double base, double own_cost)
{
    printf("%-34s %8.1f us, bare %8.1f us: %.2f times (at most 3.00)\n", what, own_cost, base, own_cost / base);
    return own_cost > 3 * base;
}

int main(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_clock clock;
    emqx_tls_limiter *limiter;
    cost read_base = {0}, read_own = {0}, write_base = {0}, write_own = {0};

    emqx_tls_clock_init(&clock);
    clock.now_ms = now_ms;
    emqx_tls_limiter_config_init(&config);
    config.clock = &clock;
    unlink(OWN_FILE);
    int fd = open(BARE_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 16384) != 0 ||
        emqx_tls_limiter_open_file(OWN_FILE, &config, &limiter, NULL) != EMQX_TLS_OK)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        bare(&read_base, fd, READ_PAIRS, 8);
        own(&read_own, limiter, READ_PAIRS, EMQX_TLS_OP_GET);
        bare(&write_base, fd, WRITE_PAIRS, 1);
        own(&write_own, limiter, WRITE_PAIRS, EMQX_TLS_OP_UPDATE);
    }
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
