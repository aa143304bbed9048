/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * session - what a limiter and Redis know of each other: the connection that comes back by itself,
 * who has logged in, the epoch of the data there. Each file calls only those before it.
 */
#ifndef EMQXI_REDIS_SESSION_H
#define EMQXI_REDIS_SESSION_H

#include "redis/link.h"

#define EMQXI_REDIS_PATIENCE_MS 2000 /* for connecting, and for each answer */
/* for a step: connecting, logging in, loading the script and all */
#define EMQXI_REDIS_STEP_MS 5000

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

/* -- session.c, refusal.c ---------------------------------------------------------------------- */

/* Sets the error, "the quota's Redis at HOST" before the text, and ends the link. False. */
bool emqxi_redis_fail(emqxi_redis *r, bool passing, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Redis has answered with an error: says what it means, and the mend. False. */
bool emqxi_redis_refused(emqxi_redis *r, const char *what, const char *answer);

bool emqxi_redis_strange(emqxi_redis *r); /* its answer is none of Redis's; false */

/* A reply that is as it should be (`ok`), or NULL: it is freed, and what it says of `what` told. */
redisReply *emqxi_redis_expect(emqxi_redis *r, redisReply *reply, bool ok, const char *what);

bool emqxi_redis_log_in(emqxi_redis *r); /* connects, too */
void emqxi_redis_drop(emqxi_redis *r);

/* Sends a command; read_told reads the answers that nobody waits for. */
bool emqxi_redis_send(emqxi_redis *r, int count, const char **arguments);
bool emqxi_redis_read_told(emqxi_redis *r);

/* Sends a command and waits for its answer. */
redisReply *emqxi_redis_ask(emqxi_redis *r, int count, const char **arguments);

/* -- script.c ---------------------------------------------------------------------------------- */

/* Runs the script on a scope's key with these arguments, from its third on, a space between them;
 * connects and loads it as needed, and once more after a connection that was lost. An array of at
 * least one number, to be freed with freeReplyObject. */
redisReply *emqxi_redis_step(emqxi_redis *r, const char *key, const char *arguments);

/* The same, but waits for no answer: what is told so may get lost with its connection. */
bool emqxi_redis_tell(emqxi_redis *r, const char *key, const char *arguments);

void emqxi_redis_close(emqxi_redis *r);

#endif
