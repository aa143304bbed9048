/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct alarm {
    struct alarm *next;
    int64_t when_ms;
    void (*action)(void *context);
    void *context;
} alarm_t;

struct emqx_tls_test_clock {
    emqx_tls_clock vtable;
    pthread_mutex_t lock;
    int64_t now_ms, wall_ms;
    uint64_t reads;
    uint32_t boot;
    alarm_t *alarms; /* by time, and by the order in which they were set */
};

int64_t emqx_tls_test_clock_now(emqx_tls_test_clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    int64_t now = clock->now_ms;
    pthread_mutex_unlock(&clock->lock);
    return now;
}

int64_t emqx_tls_test_clock_wall(emqx_tls_test_clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    int64_t wall = clock->wall_ms;
    pthread_mutex_unlock(&clock->lock);
    return wall;
}

uint64_t emqx_tls_test_clock_reads(emqx_tls_test_clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    uint64_t reads = clock->reads;
    pthread_mutex_unlock(&clock->lock);
    return reads;
}

bool emqxi_test_clock_step(emqx_tls_test_clock *clock, int64_t until_ms)
{
    alarm_t *due = NULL;
    pthread_mutex_lock(&clock->lock);
    if (clock->alarms && clock->alarms->when_ms <= until_ms) {
        due = clock->alarms;
        clock->alarms = due->next;
        until_ms = due->when_ms;
    }
    /* Another thread may have been further already. */
    if (until_ms > clock->now_ms && until_ms != INT64_MAX) {
        clock->wall_ms += until_ms - clock->now_ms;
        clock->now_ms = until_ms;
    }
    pthread_mutex_unlock(&clock->lock);
    if (!due)
        return false;
    due->action(due->context);
    free(due);
    return true;
}

void emqx_tls_test_clock_advance(emqx_tls_test_clock *clock, int64_t ms)
{
    int64_t until = emqx_tls_test_clock_now(clock) + (ms > 0 ? ms : 0);
    while (emqxi_test_clock_step(clock, until))
        ;
}

void emqx_tls_test_clock_set(emqx_tls_test_clock *clock, int64_t now_ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->now_ms = now_ms;
    pthread_mutex_unlock(&clock->lock);
}

void emqx_tls_test_clock_set_wall(emqx_tls_test_clock *clock, int64_t wall_ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->wall_ms = wall_ms;
    pthread_mutex_unlock(&clock->lock);
}

void emqx_tls_test_clock_reboot(emqx_tls_test_clock *clock, int64_t now_ms, int64_t off_ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->now_ms = now_ms;
    clock->wall_ms += off_ms;
    clock->boot++;
    pthread_mutex_unlock(&clock->lock);
}

int emqx_tls_test_clock_at(emqx_tls_test_clock *clock, int64_t when_ms,
                           void (*action)(void *context), void *context)
{
    alarm_t *a = malloc(sizeof *a);
    if (!a)
        return -1;
    *a = (alarm_t){.when_ms = when_ms, .action = action, .context = context};
    pthread_mutex_lock(&clock->lock);
    alarm_t **at = &clock->alarms;
    while (*at && (*at)->when_ms <= when_ms)
        at = &(*at)->next;
    a->next = *at;
    *at = a;
    pthread_mutex_unlock(&clock->lock);
    return 0;
}

static int64_t now_ms(void *context)
{
    emqx_tls_test_clock *clock = context;
    pthread_mutex_lock(&clock->lock);
    int64_t now = clock->now_ms;
    clock->reads++;
    pthread_mutex_unlock(&clock->lock);
    return now;
}

static int64_t wall_ms(void *context)
{
    return emqx_tls_test_clock_wall(context);
}

static void sleep_ms(void *context, int64_t ms)
{
    emqx_tls_test_clock_advance(context, ms);
}

static void boot_id(void *context, unsigned char id[16])
{
    emqx_tls_test_clock *clock = context;
    memset(id, 0, 16);
    memcpy(id, "boot", 4);
    pthread_mutex_lock(&clock->lock);
    memcpy(id + 4, &clock->boot, sizeof clock->boot);
    pthread_mutex_unlock(&clock->lock);
}

emqx_tls_test_clock *emqx_tls_test_clock_new(int64_t now, int64_t wall)
{
    emqx_tls_test_clock *clock = calloc(1, sizeof *clock);
    if (!clock)
        return NULL;
    pthread_mutex_init(&clock->lock, NULL);
    clock->now_ms = now;
    clock->wall_ms = wall;
    clock->vtable = (emqx_tls_clock){.size = sizeof clock->vtable,
                                     .context = clock,
                                     .now_ms = now_ms,
                                     .wall_ms = wall_ms,
                                     .sleep_ms = sleep_ms,
                                     .boot_id = boot_id};
    return clock;
}

void emqx_tls_test_clock_free(emqx_tls_test_clock *clock)
{
    if (!clock)
        return;
    while (clock->alarms) {
        alarm_t *a = clock->alarms;
        clock->alarms = a->next;
        free(a);
    }
    pthread_mutex_destroy(&clock->lock);
    free(clock);
}

const emqx_tls_clock *emqx_tls_test_clock_vtable(const emqx_tls_test_clock *clock)
{
    return &clock->vtable;
}
