/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

static int64_t read_ms(clockid_t id)
{
    /* it fails after 2038 where time_t has 32 bits: 1970 is seen to be wrong, chance is not */
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_ms(void *context)
{
    (void)context;
    return read_ms(CLOCK_BOOTTIME);
}

static int64_t wall_ms(void *context)
{
    (void)context;
    return read_ms(CLOCK_REALTIME);
}

static void sleep_ms(void *context, int64_t ms)
{
    (void)context;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (ms > 0)
        nanosleep(&t, NULL);
}

static void boot_id(void *context, unsigned char id[16])
{
    (void)context;
    emqxi_id_read("/proc/sys/kernel/random/boot_id", id);
}

const emqx_tls_clock emqxi_system_clock = {.size = sizeof emqxi_system_clock,
                                           .now_ms = now_ms,
                                           .wall_ms = wall_ms,
                                           .sleep_ms = sleep_ms,
                                           .boot_id = boot_id};

EMQXI_INIT_SIZE(clock, )

bool emqxi_clock_take(emqx_tls_clock *own, const emqx_tls_clock *given)
{
    return emqxi_input_take(own, given ? given : &emqxi_system_clock, sizeof *own, sizeof *own) &&
           own->now_ms;
}

static atomic_uint forks;
static atomic_bool forks_watched; /* cheaper to look at than pthread_once */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
    atomic_store_explicit(&forks_watched, true, memory_order_release);
}

uint32_t emqxi_fork_count(void)
{
    if (!atomic_load_explicit(&forks_watched, memory_order_acquire))
        pthread_once(&fork_once, watch_forks);
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

uint64_t emqxi_random(void)
{
    uint64_t n;
    if (getrandom(&n, sizeof n, GRND_NONBLOCK) == (ssize_t)sizeof n)
        return n;
    /* before the kernel's pool is ready, early in a boot: good enough for jitter */
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_nsec * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() << 32 ^
           (uint64_t)(uintptr_t)&n;
}
