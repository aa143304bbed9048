/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Many calls in flight: subjects take turns. Prints lines NAME<tab>us per call<tab>median ratio to
 * the first subject<tab>most bytes of heap while connections are made<tab>and once they are there.
 */
#include "many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 4
#define ROUNDS_MAX   200

static size_t heap_most;

static void look_at_heap(void)
{
    heap_most = bench_heap() > heap_most ? bench_heap() : heap_most;
}

/* By this name a profiler is told to count here alone. Gives microseconds per call. */
BENCH_MEASURED static double bench_measured(const crowd *c, void *self, size_t calls)
{
    double begin = bench_now();
    c->run(self, calls, NULL);
    return (bench_now() - begin) / (double)calls * 1e6;
}

int main(int argc, char **argv)
{
    static double us[SUBJECTS_MAX][ROUNDS_MAX], ratio[SUBJECTS_MAX][ROUNDS_MAX];
    if (argc < 7)
        bench_fail(
            "usage: bench-many ENDPOINT CA-FILE IN-FLIGHT ROUNDS CALLS plain|again|library...");
    target t = {.endpoint = argv[1], .ca_file = argv[2]};
    fleet f = {.target = &t,
               .in_flight = (size_t)atoi(argv[3]),
               .names = 1000,
               .step_ms = 1000,
               .reads = 4096};
    int rounds = atoi(argv[4]), count = argc - 6;
    size_t calls = (size_t)atoi(argv[5]), connecting[SUBJECTS_MAX], connected[SUBJECTS_MAX];
    void *self[SUBJECTS_MAX];
    const crowd *crowds[SUBJECTS_MAX];
    if (rounds < 1 || rounds > ROUNDS_MAX || count > SUBJECTS_MAX)
        bench_fail("too many rounds or subjects");
    for (int i = 0; i < count; i++) {
        crowds[i] = strcmp(argv[6 + i], "library") == 0 ? &crowd_library : &crowd_plain;
        size_t before = bench_heap();
        heap_most = 0;
        self[i] = crowds[i]->open(&f);
        crowds[i]->run(self[i], 2 * f.in_flight, look_at_heap);
        connecting[i] = heap_most - before;
        heap_most = 0;
        crowds[i]->run(self[i], 2 * f.in_flight, look_at_heap);
        connected[i] = heap_most - before;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            int at = (i + round) % count;
            us[at][round] = bench_measured(crowds[at], self[at], calls);
        }
    for (int i = 0; i < count; i++) {
        for (int round = 0; round < rounds; round++)
            ratio[i][round] = us[i][round] / us[0][round];
        crowds[i]->close(self[i]);
    }
    for (int i = 0; i < count; i++)
        printf("%s\t%.2f\t%.4f\t%zu\t%zu\n", argv[6 + i], bench_median(us[i], (size_t)rounds),
               bench_median(ratio[i], (size_t)rounds), connecting[i], connected[i]);
    return 0;
}
