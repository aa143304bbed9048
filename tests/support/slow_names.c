/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "slow_names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int asked, given, held;
static bool answered;

static int read_count(const int *count)
{
    pthread_mutex_lock(&lock);
    int n = *count;
    pthread_mutex_unlock(&lock);
    return n;
}

int slow_names_asked(void)
{
    return read_count(&asked);
}

int slow_names_held(void)
{
    return read_count(&held);
}

void slow_names_wait(int wanted)
{
    pthread_mutex_lock(&lock);
    while (asked < wanted)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

void slow_names_wait_freed(void)
{
    pthread_mutex_lock(&lock);
    while (given < asked || held > 0)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

void slow_names_answer(void)
{
    pthread_mutex_lock(&lock);
    answered = true;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void wait_for_the_answer(void)
{
    pthread_mutex_lock(&lock);
    asked++;
    pthread_cond_broadcast(&change);
    while (!answered)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

/* Takes the place of the C library's, for this program and for the libraries that it uses. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    struct in_addr ip = {.s_addr = htonl(INADDR_LOOPBACK)};
    bool numeric = inet_pton(AF_INET, node, &ip) == 1;
    if (!numeric && hints && hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    bool slow = strncmp(node, "slow", 4) == 0;
    if (slow)
        wait_for_the_answer();
    if (strncmp(node, "no", 2) == 0)
        return EAI_NONAME;
    struct addrinfo *one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
    *(struct sockaddr_in *)(one + 1) =
        (struct sockaddr_in){.sin_family = AF_INET,
                             .sin_addr = ip,
                             .sin_port = htons((uint16_t)(service ? atoi(service) : 0))};
    *one = (struct addrinfo){.ai_family = AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_addrlen = sizeof(struct sockaddr_in),
                             .ai_addr = (struct sockaddr *)(one + 1)};
    pthread_mutex_lock(&lock);
    held++;
    given += slow;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    *result = one;
    return 0;
}

void freeaddrinfo(struct addrinfo *one)
{
    pthread_mutex_lock(&lock);
    held--;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    free(one);
}
