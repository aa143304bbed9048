/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Blocking calls, one after another: subjects take turns in small batches, so that what else the
 * machine does meets all of them alike. Prints lines NAME<tab>us per call<tab>median ratio to the
 * first subject<tab>allocations<tab>the library's own<tab>the library's own bytes when idle.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 8
#define ROUNDS_MAX   2000

typedef struct runner {
    const subject *subject;
    void *self;
    double us[ROUNDS_MAX], ratio[ROUNDS_MAX];
    uint64_t allocations, own_allocations;
    size_t own_bytes;
} runner;

static const struct {
    const char *name;
    const subject *subject;
} known[] = {
    /* the noise: the same against itself */
    {"bare", &bare},
    {"plain", &plain},
    {"again", &plain},
    {"careful", &careful},
    {"careful-again", &careful},
    {"library", &library},
    {"library-unsure", &library_unsure},
};

static const subject *find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].subject;
    bench_fail("there is no subject %s", name);
}

static void batch(runner *r, bool put, int calls)
{
    for (int i = 0; i < calls; i++)
        (put ? r->subject->put : r->subject->get)(r->self, "ge6a1a75");
}

/* By this name a profiler is told to count here alone. */
BENCH_MEASURED static void bench_measured(runner *r, bool put, int calls, int round)
{
    uint64_t all = bench_allocations(), own = bench_own_allocations();
    double begin = bench_now();
    batch(r, put, calls);
    r->us[round] = (bench_now() - begin) / calls * 1e6;
    r->allocations += bench_allocations() - all;
    r->own_allocations += bench_own_allocations() - own;
}

int main(int argc, char **argv)
{
    static runner runners[SUBJECTS_MAX];
    emqx_tls_request body;
    target t = {.body = &body};
    if (argc < 9)
        bench_fail("usage: bench-calls get|put|first ENDPOINT CA-FILE CERT-FILE KEY-FILE ROUNDS "
                   "CALLS SUBJECT[=CA-FILE]...");
    bool put = strcmp(argv[1], "put") == 0, warm = strcmp(argv[1], "first") != 0;
    int rounds = atoi(argv[6]), calls = atoi(argv[7]), count = argc - 8;
    if (rounds < 1 || rounds > ROUNDS_MAX || count > SUBJECTS_MAX)
        bench_fail("too many rounds or subjects");
    t.endpoint = argv[2];
    t.ca_file = argv[3];
    emqx_tls_request_init(&body);
    body.type = EMQX_TLS_TYPE_ONE_WAY;
    body.cert = bench_file(argv[4], &body.cert_len);
    body.key = bench_file(argv[5], &body.key_len);

    target own[SUBJECTS_MAX];
    for (int i = 0; i < count; i++) {
        char *ca_file = strchr(argv[8 + i], '=');
        own[i] = t;
        if (ca_file) {
            *ca_file = '\0';
            own[i].ca_file = ca_file + 1;
        }
        runners[i].subject = find(argv[8 + i]);
        size_t before = bench_own_bytes();
        runners[i].self = runners[i].subject->open(&own[i]);
        if (warm)
            batch(&runners[i], put, 70); /* the quota's log has grown to its 60 slots then */
        runners[i].own_bytes = bench_own_bytes() - before;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            bench_measured(&runners[(i + round) % count], put, calls, round);
    for (int i = 0; i < count; i++) {
        runner *r = &runners[i];
        for (int round = 0; round < rounds; round++)
            r->ratio[round] = r->us[round] / runners[0].us[round];
        r->subject->close(r->self);
    }
    for (int i = 0; i < count; i++) {
        runner *r = &runners[i];
        double all = (double)rounds * calls;
        printf("%s\t%.2f\t%.4f\t%.2f\t%.3f\t%zu\n", argv[8 + i],
               bench_median(r->us, (size_t)rounds), bench_median(r->ratio, (size_t)rounds),
               (double)r->allocations / all, (double)r->own_allocations / all, r->own_bytes);
    }
    return 0;
}
