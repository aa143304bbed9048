/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How many deployments one API key can carry, if the platform counts per key: renewals of a year in
 * virtual time through the library's own limiter. docs/fleets.md has what follows from it.
 *
 * Each deployment's certificate is renewed every 29 days (90 days of validity, of which the
 * platform wants 60 left), at a time of its own, or all within one day. A renewal is a read, a
 * write, and three more reads while it is pending, as ensure does it; it takes its slots in the
 * order in which renewals fall due. With it goes a daily look at every deployment (a read each), or
 * none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "limiter/limiter.h"

#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    (24 * HOUR_MS)
#define PERIOD_MS (29 * DAY_MS)
#define YEAR_MS   (365 * DAY_MS)
#define ANSWER_MS 2000
#define READS     4 /* of a renewal */

static int64_t now_ms_;
static uint64_t seed = 20261124;

static int64_t now_ms(void *context)
{
    (void)context;
    return now_ms_;
}

static uint64_t draw(void) /* xorshift64* */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545F4914F6CDD1D);
}

/* Takes a slot, passing the time until there is one, and gives it the answer that it waits for. */
static void call(emqx_tls_limiter *limiter, uint32_t op)
{
    for (;;) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = op, .deployment_id = "d", .lease_ms = 30000};
        emqxi_error error;
        emqxi_error_clear(&error);
        if (emqxi_limiter_reserve(limiter, &r, &waiter, &error) == EMQX_TLS_OK && r.granted) {
            now_ms_ += ANSWER_MS;
            emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL);
            return;
        }
        now_ms_ += error.retry_after_ms > 0 ? error.retry_after_ms : 1;
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void simulate(int deployments, int64_t spread_ms)
{
    int rounds = (int)(YEAR_MS / PERIOD_MS), count = rounds * deployments;
    int64_t *due = calloc((size_t)count, sizeof *due),
            *delay = calloc((size_t)count, sizeof *delay);
    emqx_tls_limiter *limiter;
    emqx_tls_limiter_config config;
    emqx_tls_clock clock;
    emqx_tls_clock_init(&clock);
    clock.now_ms = now_ms;
    emqx_tls_limiter_config_init(&config);
    config.clock = &clock;
    if (!due || !delay || emqx_tls_limiter_new(&config, &limiter, NULL) != EMQX_TLS_OK)
        abort();
    for (int i = 0; i < deployments; i++) {
        int64_t phase = (int64_t)(draw() % (uint64_t)spread_ms);
        for (int j = 0; j < rounds; j++)
            due[i * rounds + j] = phase + j * PERIOD_MS;
    }
    qsort(due, (size_t)count, sizeof *due, by_time);
    now_ms_ = 0;
    for (int i = 0; i < count; i++) {
        if (now_ms_ < due[i])
            now_ms_ = due[i];
        call(limiter, EMQX_TLS_OP_GET);
        call(limiter, EMQX_TLS_OP_UPDATE);
        delay[i] = now_ms_ - due[i];
        for (int j = 1; j < READS; j++)
            call(limiter, EMQX_TLS_OP_GET);
    }
    qsort(delay, (size_t)count, sizeof *delay, by_time);
    printf("%6d  %3d days   %8.2f h %9.2f h %9.2f h\n", deployments, (int)(spread_ms / DAY_MS),
           (double)delay[count / 2] / (double)HOUR_MS,
           (double)delay[(int64_t)count * 99 / 100] / (double)HOUR_MS,
           (double)delay[count - 1] / (double)HOUR_MS);
    emqx_tls_limiter_unref(limiter);
    free(due);
    free(delay);
}

int main(void)
{
    static const int sizes[] = {100, 1000, 2000, 3000, 3500, 4000, 4500};
    puts("from due to written, one key, quota per key, a year in virtual time");
    puts("deployments  due within   median       99 %       worst");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        simulate(sizes[i], PERIOD_MS);
    simulate(100, DAY_MS);
    for (int days = 1; days <= 9; days += 2)
        simulate(1000, days * DAY_MS);

    const double million = 1e6, hours = 29 * 24;
    printf("\na million deployments, each hour: %.0f writes, %.0f reads of renewals, %.0f reads of "
           "a daily look\n",
           million / hours, READS * million / hours, million / 24);
    printf("keys for it, if the quota is per key: %.0f for the writes, %.0f for the reads of "
           "renewals, %.0f for the "
           "daily look\n",
           million / hours / 6, READS * million / hours / 60, million / 24 / 60);
    return 0;
}
