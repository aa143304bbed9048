/* SPDX-License-Identifier: MIT
 *
 * One connection to Redis that comes back by itself, and what it knows of the data there.
 */
#ifndef EMQXI_REDIS_CONNECTION_H
#define EMQXI_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>

#include "base/base.h"
#include "redis/url.h"

#define EMQXI_REDIS_PATIENCE_MS 2000 /* for connecting, and for each answer */
/* for a step: connecting, logging in, loading the script and all */
#define EMQXI_REDIS_STEP_MS 5000

typedef struct emqxi_redis {
    emqx_tls_allocator allocator;
    emqxi_redis_url url;
    char *prefix;
    /* how long a slot is held, and 60 s: what may be forgotten matters so long */
    int64_t held_ms;
    redisContext *link; /* NULL: not connected */
    int told;           /* 1: the answer to what was told last is still to be read */
    uint32_t forks;
    int64_t deadline_ms; /* when the step in hand is given up (CLOCK_MONOTONIC) */
    int64_t retry_ms;    /* not reachable: no new try before (CLOCK_MONOTONIC) */
    char settings[64];   /* limits, window and flags: the same for all who share the prefix */
    char epoch[128];     /* "NAME:UNTIL:SETTINGS" of the data there; "": not known yet */
    int64_t seen_ms;     /* when that epoch was last met (CLOCK_MONOTONIC) */
    int64_t renewed_ms;  /* when it was last given its whole lifetime */
    /* of the script, as Redis names it; "": not loaded by this connection yet */
    char sha1[41];
} emqxi_redis;

/* Connected, logged in, the epoch known; or STORE, with a message. */
emqx_tls_code emqxi_redis_connect(emqxi_redis *r, emqx_tls_error *error);

/* Runs the script on a scope; connects and loads it as needed, and once more after a connection
 * that was lost. The arguments are the script's from its third on. An array of at least one number,
 * to be freed with freeReplyObject, or NULL: STORE or NO_MEMORY in `error`. */
redisReply *emqxi_redis_step(emqxi_redis *r, const char *scope, int count,
                             const char *const *arguments, emqx_tls_error *error);

/* The same, but waits for no answer: what is told so may get lost with its connection. OK: it is on
 * its way. */
emqx_tls_code emqxi_redis_tell(emqxi_redis *r, const char *scope, int count,
                               const char *const *arguments, emqx_tls_error *error);

void emqxi_redis_close(emqxi_redis *r);

#endif
