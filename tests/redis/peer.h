/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What may stand at Redis's address, or between it and us.
 */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* Something that is not Redis: it gives one answer to whatever it is asked, but knows an epoch of
 * the default settings where the answer is an array. */
typedef struct impostor {
    char path[96], url[128];
    int listener;
    const char *answer; /* NULL: a byte of one every 0.2 s */
    pthread_t thread;
} impostor;

void impostor_begin(impostor *i, const char *folder, const char *answer);
void impostor_end(impostor *i);

/* A balancer in front of Redis's socket. */
typedef struct balancer {
    char path[96], url[128];
    const char *behind;
    int listener;
    pthread_t thread;
    atomic_int connections; /* accepted so far */
    atomic_int forgotten;   /* those up to this one lead nowhere, and nobody is told */
    atomic_int cut;         /* the next answer ends behind so many bytes, and its connection */
} balancer;

void balancer_begin(balancer *b, const char *folder, const char *behind, const char *password);
void balancer_end(balancer *b);

#endif
