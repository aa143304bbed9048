/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Reads the status of 1,000, 10,000 and 100,000 deployments, each of them in turn, with a quota for
 * each. Sizes take turns. Prints lines DEPLOYMENTS<tab>us per call<tab>the library's own bytes for
 * a call in flight.
 */
#include "many.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5
#define CALLS  100000 /* for each size in a round */

static size_t own_most;

static void look_at_heap(void)
{
    own_most = bench_own_bytes() > own_most ? bench_own_bytes() : own_most;
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {1000, 10000, 100000};
    enum { SIZES = sizeof sizes / sizeof sizes[0], IN_FLIGHT = 64 };
    if (argc != 3)
        bench_fail("usage: bench-sweep ENDPOINT CA-FILE");
    target t = {.endpoint = argv[1], .ca_file = argv[2]};
    double us[SIZES][ROUNDS];
    size_t own[SIZES];
    void *self[SIZES];
    for (int i = 0; i < SIZES; i++) {
        /* A sweep takes 50 minutes of the quota's clock, so that every deployment's log is in
         * use */
        fleet f = {.target = &t,
                   .in_flight = IN_FLIGHT,
                   .names = sizes[i],
                   .step_ms = 1500000 / sizes[i],
                   .reads = 60,
                   .flags = EMQX_TLS_PER_DEPLOYMENT};
        self[i] = crowd_library.open(&f);
        size_t before = bench_own_bytes(); /* the client's; the quota has an allocator of its own */
        own_most = 0;
        crowd_library.run(self[i], sizes[i], look_at_heap);
        own[i] = (own_most - before) / IN_FLIGHT;
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SIZES; i++) {
            double begin = bench_now();
            crowd_library.run(self[i], CALLS, NULL);
            us[i][round] = (bench_now() - begin) / CALLS * 1e6;
        }
    for (int i = 0; i < SIZES; i++) {
        crowd_library.close(self[i]);
        printf("%u\t%.2f\t%zu\n", sizes[i], bench_median(us[i], ROUNDS), own[i]);
    }
    return 0;
}
