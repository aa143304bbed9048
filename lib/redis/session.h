/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * session - what a limiter and Redis know of each other: the connection that comes back by itself,
 * who has logged in, the epoch of the data there.
 */
#ifndef EMQXI_REDIS_SESSION_H
#define EMQXI_REDIS_SESSION_H

#include "redis/link.h"

typedef struct emqxi_redis {
    emqx_tls_allocator allocator;
    emqxi_redis_url url;
    char *prefix;
    /* how long a slot is held, and 60 s: what may be forgotten matters so long */
    int64_t held_ms;
    int64_t window_ms;
    emqxi_link link;
    bool warm;     /* the link has answered a step: it knows the script */
    uint32_t told; /* commands whose answers nobody waits for are still to be read */
    uint32_t forks;
    /* Why a call has given false or NULL. retry_after_ms is not -1: it may pass by itself */
    emqxi_error error;
    int64_t deadline_ms; /* when the step in hand is given up */
    int64_t retry_ms;    /* it has failed: no new try before */
    int64_t seen_ms;     /* when the epoch was last met */
    int64_t renewed_ms;  /* when it was last given its whole lifetime */
    char settings[64];   /* limits, window and flags: the same for all who share the prefix */
    char epoch[128];     /* "NAME:UNTIL:SETTINGS" of the data there; "": not known yet */
} emqxi_redis;

/* A step of quota.lua: the key of the scope's state, and the arguments from the third on, a space
 * between them. */
typedef struct emqxi_step {
    char key[320], arguments[192];
} emqxi_step;

/* Sets the error, "the quota's Redis at HOST" before the text, and ends the link. False. */
bool emqxi_redis_fail(emqxi_redis *r, bool passing, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Redis has answered with an error: says what it means, and the mend (refusal.c). Its answer is
 * none of Redis's. False. */
bool emqxi_redis_refused(emqxi_redis *r, const char *what, const char *answer);
bool emqxi_redis_strange(emqxi_redis *r);

/* Runs a step; connects and loads the script as needed, and once more after a connection that was
 * lost. An array of at least one number, to be freed with freeReplyObject. */
redisReply *emqxi_redis_step(emqxi_redis *r, const emqxi_step *step);

/* The same, but waits for no answer: what is told so may get lost with its connection. */
bool emqxi_redis_tell(emqxi_redis *r, const emqxi_step *step);

void emqxi_redis_close(emqxi_redis *r);

#endif
