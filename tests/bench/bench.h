/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the benchmark programs against a server share. A subject is one way to make the calls: this
 * library, or what a good engineer writes by hand. All figures are ratios between subjects that
 * take turns in one run.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emqxtls/emqxtls.h>

#define BENCH_KEY    "key-of-the-benchmark"
#define BENCH_SECRET "secret-of-the-benchmark"

typedef struct target {
    const char *endpoint;         /* "https://127.0.0.1:PORT/public_api/v1" */
    const char *ca_file;          /* what the server's certificate is verified with */
    const emqx_tls_request *body; /* of a PUT */
} target;

typedef struct subject {
    const char *name;
    void *(*open)(const target *t);
    void (*get)(void *self, const char *deployment);
    void (*put)(void *self, const char *deployment);
    void (*close)(void *self);
} subject;

extern const subject bare; /* OpenSSL on a socket: the floor */
/* libcurl and jansson, one reused handle, as a good engineer writes it */
extern const subject plain;
/* the same with a cached CA store (no CAPATH) and a body escaped by hand */
extern const subject careful;
extern const subject library;        /* this library */
extern const subject library_unsure; /* the same without the local check */

/* Ends the program with a message. */
void bench_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Keeps a function's name and calls for callgrind's --toggle-collect. */
#ifdef __clang__ /* which makes no clones */
#define BENCH_MEASURED __attribute__((noinline))
#else
#define BENCH_MEASURED __attribute__((noinline, noclone))
#endif

double bench_now(void); /* seconds */
double bench_median(double *values, size_t n);

/* Every malloc, calloc and realloc of the process so far, libraries included. */
uint64_t bench_allocations(void);
size_t bench_heap(void); /* bytes that malloc has given out, its own bookkeeping included */

/* The library's own memory: an allocator that counts. */
const emqx_tls_allocator *bench_own(void);
uint64_t bench_own_allocations(void);
size_t bench_own_bytes(void);

/* A quota whose clock is moved on by `step_ms` at each reading, so that slots free and the run is
 * never stopped, while a reservation costs what it costs. */
emqx_tls_limiter *bench_limiter(uint32_t flags, uint32_t reads, int64_t step_ms,
                                const emqx_tls_allocator *allocator);

/* Reads what a status says with jansson, as a hand-written program would. */
void bench_decode(const char *body, size_t len, emqx_tls_status *status);

/* The whole file; ends the program if it can't be read. */
char *bench_file(const char *path, size_t *len);

#endif
