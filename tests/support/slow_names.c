/* SPDX-License-Identifier: MIT */
#include "slow_names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int asked;
static bool answered;

int slow_names_asked(void)
{
    pthread_mutex_lock(&lock);
    int n = asked;
    pthread_mutex_unlock(&lock);
    return n;
}

void slow_names_answer(void)
{
    pthread_mutex_lock(&lock);
    answered = true;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static int answer_slowly(void)
{
    pthread_mutex_lock(&lock);
    asked++;
    while (!answered)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

/* libcurl calls this one instead of the C library's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    static struct sockaddr_in address;
    (void)service, (void)hints;
    if (strncmp(node, "slow", 4) == 0)
        return answer_slowly();
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *result = calloc(1, sizeof **result);
    **result = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_addrlen = sizeof address,
                                 .ai_addr = (struct sockaddr *)&address};
    return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
    free(a);
}
