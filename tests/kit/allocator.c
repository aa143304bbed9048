/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <emqxtls/test.h>

#define SECRETS_MAX 16
#define SECRET_MIN  4

typedef struct block {
    alignas(max_align_t) struct block *next;
    struct block *previous;
    size_t size;
} block_t;

struct emqx_tls_test_allocator {
    emqx_tls_allocator vtable;
    pthread_mutex_t lock;
    block_t *blocks;
    size_t count, live, peak;
    size_t fail_in; /* allocations until one fails; 0: none */
    int and_after, failed;
    struct {
        unsigned char *bytes;
        size_t len;
    } secrets[SECRETS_MAX];
    size_t secret_count;
    char problem[256], open_problem[256];
};

/* All below: the lock is held. */

static bool refuse(emqx_tls_test_allocator *a)
{
    a->count++;
    if (a->fail_in == 0)
        return false;
    if (a->fail_in > 1) {
        a->fail_in--;
        return false;
    }
    a->failed = 1;
    if (!a->and_after)
        a->fail_in = 0;
    return true;
}

static void *take(emqx_tls_test_allocator *a, size_t n)
{
    block_t *b = n <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + n) : NULL;
    if (!b)
        return NULL;
    *b = (block_t){.next = a->blocks, .size = n};
    if (b->next)
        b->next->previous = b;
    a->blocks = b;
    a->live += n;
    a->peak = a->live > a->peak ? a->live : a->peak;
    /* nobody may rely on zeros; and drop() reads it all, which valgrind would tell */
    return memset(b + 1, 0xA5, n);
}

static block_t *find(emqx_tls_test_allocator *a, const void *p)
{
    block_t *b = a->blocks;
    while (b && (const void *)(b + 1) != p)
        b = b->next;
    if (!b && !a->problem[0])
        snprintf(a->problem, sizeof a->problem,
                 "memory given back that is not the allocator's, or twice");
    return b;
}

static void drop(emqx_tls_test_allocator *a, block_t *b)
{
    for (size_t i = 0; i < a->secret_count; i++)
        if (memmem(b + 1, b->size, a->secrets[i].bytes, a->secrets[i].len) && !a->problem[0])
            snprintf(a->problem, sizeof a->problem,
                     "a block of %zu bytes was given back with secret %zu in it", b->size, i);
    if (b->next)
        b->next->previous = b->previous;
    if (b->previous)
        b->previous->next = b->next;
    else
        a->blocks = b->next;
    a->live -= b->size;
    free(b);
}

static void *allocate(void *context, size_t n)
{
    emqx_tls_test_allocator *a = context;
    pthread_mutex_lock(&a->lock);
    void *p = refuse(a) ? NULL : take(a, n);
    pthread_mutex_unlock(&a->lock);
    return p;
}

/* Always moves, as realloc may: what a resize leaves behind is looked at like what is released. */
static void *resize(void *context, void *p, size_t n)
{
    emqx_tls_test_allocator *a = context;
    void *moved = NULL;
    pthread_mutex_lock(&a->lock);
    block_t *b = p ? find(a, p) : NULL;
    if (!refuse(a) && (!p || b))
        moved = take(a, n);
    if (moved && b) {
        memcpy(moved, p, b->size < n ? b->size : n);
        drop(a, b);
    }
    pthread_mutex_unlock(&a->lock);
    return moved;
}

static void release(void *context, void *p)
{
    emqx_tls_test_allocator *a = context;
    if (!p)
        return;
    pthread_mutex_lock(&a->lock);
    block_t *b = find(a, p);
    if (b)
        drop(a, b);
    pthread_mutex_unlock(&a->lock);
}

/* From here on: the public calls. */

emqx_tls_test_allocator *emqx_tls_test_allocator_new(void)
{
    emqx_tls_test_allocator *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    pthread_mutex_init(&a->lock, NULL);
    a->vtable = (emqx_tls_allocator){.size = sizeof a->vtable,
                                     .context = a,
                                     .allocate = allocate,
                                     .resize = resize,
                                     .release = release};
    return a;
}

void emqx_tls_test_allocator_free(emqx_tls_test_allocator *a)
{
    if (!a)
        return;
    while (a->blocks)
        drop(a, a->blocks);
    for (size_t i = 0; i < a->secret_count; i++)
        free(a->secrets[i].bytes);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

const emqx_tls_allocator *emqx_tls_test_allocator_vtable(const emqx_tls_test_allocator *a)
{
    return &a->vtable;
}

void emqx_tls_test_allocator_fail(emqx_tls_test_allocator *a, size_t i, int and_after)
{
    pthread_mutex_lock(&a->lock);
    a->fail_in = i;
    a->and_after = and_after;
    a->failed = 0;
    pthread_mutex_unlock(&a->lock);
}

int emqx_tls_test_allocator_watch(emqx_tls_test_allocator *a, const void *secret, size_t len)
{
    int rc = -1;
    pthread_mutex_lock(&a->lock);
    unsigned char *copy = len >= SECRET_MIN && a->secret_count < SECRETS_MAX ? malloc(len) : NULL;
    if (copy) {
        memcpy(copy, secret, len);
        a->secrets[a->secret_count].bytes = copy;
        a->secrets[a->secret_count++].len = len;
        rc = 0;
    }
    pthread_mutex_unlock(&a->lock);
    return rc;
}

int emqx_tls_test_allocator_failed(emqx_tls_test_allocator *a)
{
    pthread_mutex_lock(&a->lock);
    int failed = a->failed;
    pthread_mutex_unlock(&a->lock);
    return failed;
}

static size_t read_locked(emqx_tls_test_allocator *a, const size_t *what)
{
    pthread_mutex_lock(&a->lock);
    size_t n = *what;
    pthread_mutex_unlock(&a->lock);
    return n;
}

size_t emqx_tls_test_allocator_count(emqx_tls_test_allocator *a)
{
    return read_locked(a, &a->count);
}

size_t emqx_tls_test_allocator_live(emqx_tls_test_allocator *a)
{
    return read_locked(a, &a->live);
}

size_t emqx_tls_test_allocator_peak(emqx_tls_test_allocator *a)
{
    return read_locked(a, &a->peak);
}

const char *emqx_tls_test_allocator_problem(emqx_tls_test_allocator *a)
{
    const char *problem = NULL;
    pthread_mutex_lock(&a->lock);
    if (a->problem[0]) {
        problem = a->problem;
    } else if (a->blocks) {
        snprintf(a->open_problem, sizeof a->open_problem,
                 "%zu bytes were never given back, the last of them a block of %zu", a->live,
                 a->blocks->size);
        problem = a->open_problem;
    }
    pthread_mutex_unlock(&a->lock);
    return problem;
}
