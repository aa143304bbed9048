/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(void *context, size_t n)
{
    (void)context;
    return malloc(n);
}

static void *resize(void *context, void *p, size_t n)
{
    (void)context;
    return realloc(p, n);
}

static void release(void *context, void *p)
{
    (void)context;
    free(p);
}

const emqx_tls_allocator emqxi_malloc = {
    .size = sizeof emqxi_malloc, .allocate = allocate, .resize = resize, .release = release};

EMQXI_INIT_SIZE(allocator, )

bool emqxi_allocator_take(emqx_tls_allocator *own, const emqx_tls_allocator *given)
{
    return emqxi_input_take(own, given ? given : &emqxi_malloc, sizeof *own, sizeof *own) &&
           own->allocate && own->resize && own->release;
}

void *emqxi_alloc(const emqx_tls_allocator *a, size_t n)
{
    return a->allocate(a->context, n);
}

void *emqxi_zalloc(const emqx_tls_allocator *a, size_t n)
{
    void *p = emqxi_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

void *emqxi_resize(const emqx_tls_allocator *a, void *p, size_t n)
{
    return a->resize(a->context, p, n);
}

void emqxi_free(const emqx_tls_allocator *a, void *p)
{
    if (p)
        a->release(a->context, p);
}

char *emqxi_strdup(const emqx_tls_allocator *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = emqxi_alloc(a, n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void emqxi_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}

void emqxi_wipe_free(const emqx_tls_allocator *a, void *p, size_t n)
{
    if (p)
        emqxi_wipe(p, n);
    emqxi_free(a, p);
}
