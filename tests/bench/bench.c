/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "bench.h"
#include "real_clock.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

double bench_now(void)
{
    return (double)clock_ns(CLOCK_MONOTONIC) / 1e9;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* -- all memory: the program's malloc comes before libc's -------------------------------------- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static uint64_t allocations;

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    allocations++;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

uint64_t bench_allocations(void)
{
    return allocations;
}

size_t bench_heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* -- the library's own memory ------------------------------------------------------------------ */

static uint64_t own_allocations;
static size_t own_bytes;

static void *own_allocate(void *context, size_t n)
{
    (void)context;
    void *p = malloc(n);
    own_allocations++;
    own_bytes += p ? malloc_usable_size(p) : 0;
    return p;
}

static void *own_resize(void *context, void *p, size_t n)
{
    (void)context;
    own_bytes -= p ? malloc_usable_size(p) : 0;
    p = realloc(p, n);
    own_allocations++;
    own_bytes += p ? malloc_usable_size(p) : 0;
    return p;
}

static void own_release(void *context, void *p)
{
    (void)context;
    own_bytes -= p ? malloc_usable_size(p) : 0;
    free(p);
}

const emqx_tls_allocator *bench_own(void)
{
    static emqx_tls_allocator own;
    emqx_tls_allocator_init(&own);
    own.allocate = own_allocate;
    own.resize = own_resize;
    own.release = own_release;
    return &own;
}

uint64_t bench_own_allocations(void)
{
    return own_allocations;
}

size_t bench_own_bytes(void)
{
    return own_bytes;
}

/* -- quota ------------------------------------------------------------------------------------- */

typedef struct moving {
    int64_t offset_ms, step_ms;
} moving;

static int64_t moving_now(void *context)
{
    moving *m = context;
    m->offset_ms += m->step_ms;
    return clock_ns(CLOCK_BOOTTIME) / 1000000 + m->offset_ms;
}

emqx_tls_limiter *bench_limiter(uint32_t flags, uint32_t reads, int64_t step_ms,
                                const emqx_tls_allocator *allocator)
{
    emqx_tls_clock clock;
    emqx_tls_limiter_config config;
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    moving *m = malloc(sizeof *m); /* for as long as the program runs */
    *m = (moving){.step_ms = step_ms};
    emqx_tls_clock_init(&clock);
    clock.context = m;
    clock.now_ms = moving_now;
    emqx_tls_limiter_config_init(&config);
    config.flags = flags;
    config.reads = reads;
    config.writes = reads;
    config.clock = &clock;
    config.allocator = allocator;
    emqx_tls_error_init(&error);
    if (emqx_tls_limiter_new(&config, &limiter, &error) != EMQX_TLS_OK)
        bench_fail("limiter: %s", error.message);
    return limiter;
}

/* -- what hand-written subjects share ---------------------------------------------------------- */

static void take(const json_t *object, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(to, size, "%s", text ? text : "");
}

void bench_decode(const char *body, size_t len, emqx_tls_status *status)
{
    json_error_t error;
    json_t *object = json_loadb(body, len, 0, &error);
    if (!json_is_object(object))
        bench_fail("the server's answer is no object: %s", error.text);
    take(object, "status", status->state_text, sizeof status->state_text);
    take(object, "tlsType", status->type_text, sizeof status->type_text);
    take(object, "expire", status->expire_text, sizeof status->expire_text);
    take(object, "cn", status->common_name, sizeof status->common_name);
    json_decref(object);
}

char *bench_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    if (!f || fseek(f, 0, SEEK_END) != 0)
        bench_fail("%s can't be read", path);
    *len = (size_t)ftell(f);
    rewind(f);
    text = malloc(*len + 1);
    if (!text || fread(text, 1, *len, f) != *len)
        bench_fail("%s can't be read", path);
    text[*len] = '\0';
    fclose(f);
    return text;
}
