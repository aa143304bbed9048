/* SPDX-License-Identifier: MIT
 *
 * limiter.h - the quota: at most `reads` GETs and `writes` POST, PUT and DELETE in any window, over
 * all who share it.
 *
 * One limiter is for one API key. A client without one makes its own in memory; what must be shared
 * is made here and given to every client of the key:
 *
 *     emqx_tls_limiter *limiter;
 *     if (emqx_tls_limiter_open_file("/var/lib/renew/quota", NULL, &limiter, &error) !=
 *     EMQX_TLS_OK)
 *         ...
 *     config.limiter = limiter;
 *
 * A slot is held from its reservation until one window (plus 1 s and 0.05 % for clocks that differ)
 * after the answer came; where none came, 60 s longer. Only a request that provably never left
 * gives its slot back.
 */
#ifndef EMQXTLS_LIMITER_H
#define EMQXTLS_LIMITER_H

#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct emqx_tls_limiter emqx_tls_limiter;

/* limiter_config.flags. The platform's page does not say whether a limit counts per key, per method
 * or per deployment. By default all GETs share one quota and all writes another, which is right
 * under every reading. */
#define EMQX_TLS_PER_METHOD     0x1u /* POST, PUT and DELETE have `writes` each */
#define EMQX_TLS_PER_DEPLOYMENT 0x2u /* every deployment has a quota of its own */

typedef struct emqx_tls_limiter_config {
    uint32_t size;
    uint32_t flags;     /* EMQX_TLS_PER_METHOD | EMQX_TLS_PER_DEPLOYMENT */
    uint32_t reads;     /* 60, from the platform's page; 1 to 100000 */
    uint32_t writes;    /* 6, from the platform's page; 1 to 100000 */
    uint64_t window_ms; /* 3600000, from the platform's page; 1000 to 31 days */
    /* NULL: CLOCK_BOOTTIME; must outlive nothing: it is copied */
    const emqx_tls_clock *clock;
    const emqx_tls_allocator *allocator; /* NULL: malloc; copied */
} emqx_tls_limiter_config;
EMQX_TLS_INIT_(limiter_config)

/* quota.reason */
enum {
    EMQX_TLS_QUOTA_SHUT = 1, /* shut after a 429 of the platform */
    /* used up, and when the next slot frees depends on calls in flight */
    EMQX_TLS_QUOTA_IN_FLIGHT = 2
};

typedef struct emqx_tls_quota {
    uint32_t size;
    uint32_t limit;     /* slots in all: `reads` or `writes` */
    uint32_t used;      /* slots held, those in flight included */
    uint32_t remaining; /* how many can be taken now; after a 429 fewer than limit - used */
    int64_t next_ms;    /* until a slot is free, if nobody else takes it; 0: now */
    uint32_t reason;    /* 0: free or simply used up; else EMQX_TLS_QUOTA_* */
    uint32_t reserved;
} emqx_tls_quota;
EMQX_TLS_INIT_(quota)

/* A limiter in this process's memory. `config` NULL: defaults. The caller owns the one reference
 * that it gets. Errors: INVALID (a member of config out of range; limiter NULL), NO_MEMORY. */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_new(const emqx_tls_limiter_config *config,
                                                emqx_tls_limiter **limiter, emqx_tls_error *error);

/* A limiter in a file, for the processes of one machine and across its reboots. Made with mode 0600
 * if it does not exist; `config` NULL takes the file's own settings, or the defaults for a new one.
 * `path` is copied; a relative one means the file where the working folder is now. Not for network
 * file systems: their locks and caches do not promise what this needs. What it promises, what it
 * does when it fails, and how to reset a damaged file: docs/quota.md.
 *
 * Calls on it fail with STORE, reads as well as writes, where the file is damaged, can't be
 * written, or stays locked by another process until their deadline. A file that was deleted or
 * replaced is opened again, as in a child after a fork. Errors: INVALID; NO_MEMORY; STORE (can't be
 * opened or made, is a symbolic link, belongs to another user, can be written by others, has other
 * settings than `config`, is damaged: the message names the path and the mend). */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_open_file(const char *path,
                                                      const emqx_tls_limiter_config *config,
                                                      emqx_tls_limiter **limiter,
                                                      emqx_tls_error *error);

/* One more reference; returns its argument. NULL gives NULL. Any thread. */
EMQX_TLS_API emqx_tls_limiter *emqx_tls_limiter_ref(emqx_tls_limiter *limiter);

/* Gives one reference back; the last one frees. NULL is fine. Any thread. */
EMQX_TLS_API void emqx_tls_limiter_unref(emqx_tls_limiter *limiter);

/* Tells the quota for an operation (EMQX_TLS_OP_*); uses none of it. `deployment_id` is needed with
 * PER_DEPLOYMENT and may be NULL otherwise. Any thread.
 * Errors: INVALID (limiter or quota NULL or not set up, no such op, no deployment ID where one is
 * needed, after a fork with a limiter in memory), STORE, NO_MEMORY (a file that has to be made
 * again). *quota is filled only with OK. */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_query(emqx_tls_limiter *limiter, uint32_t op,
                                                  const char *deployment_id, emqx_tls_quota *quota,
                                                  emqx_tls_error *error);

/* -- a store of one's own ---------------------------------------------------------------------- */

/* What a store is asked for. Made by the library. */
typedef struct emqx_tls_ask {
    uint32_t size;
    uint32_t op;               /* EMQX_TLS_OP_* */
    const char *deployment_id; /* never NULL, never "" */
    /* the exchange ends within this time from now; nothing departs later */
    int64_t lease_ms;
    /* how many waiters of this process come first: a slot is given only if more are free */
    uint32_t ahead;
    uint32_t reserved;
} emqx_tls_ask;

#define EMQX_TLS_TICKET_WORDS 6

/* What it answers. */
typedef struct emqx_tls_grant {
    uint32_t size;
    uint32_t granted; /* 1: a slot is held, `ticket` names it. 0: none, the rest tells when */
    uint32_t reason;  /* EMQX_TLS_QUOTA_* or 0 */
    /* 1: the store could not look now (locked by another process); a call asks again in early_ms,
     * and where it stays so in twice as long each time, up to 1 s */
    uint32_t busy;
    /* from now: earliest time at which the slot for this ask (behind `ahead`) can be free */
    int64_t early_ms;
    int64_t late_ms; /* from now: it is free by then if nobody else takes it */
    /* names the slot: the store's own, kept until it settles, but for the last word, which is the
     * limiter's */
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
} emqx_tls_grant;

/* How the exchange of a ticket ended. */
enum {
    /* no answer: it may still arrive. Held for 60 s and one window from now */
    EMQX_TLS_OUTCOME_LOST = 0,
    EMQX_TLS_OUTCOME_NOT_SENT = 1, /* certain: the slot is free again */
    EMQX_TLS_OUTCOME_ANSWERED = 2, /* an answer other than 429: held for one window from now */
    /* 429: held as well, and the class is shut for retry_after_ms or the store's own rule */
    EMQX_TLS_OUTCOME_REFUSED = 3
};

/* A quota store. The limiter calls one member at a time, from any thread, with its lock held: a
 * member must not call into the limiter, and blocks no longer than it has to. `error` is never
 * NULL; a member that fails sets its message (and retry_after_ms where told below), no more is
 * read. Copied by emqx_tls_limiter_open_store. The project's sources bring a suite of tests for
 * a store of your own; docs/quota.md there says where. */
typedef struct emqx_tls_store {
    uint32_t size;
    /* what it counts for itself: EMQX_TLS_PER_METHOD | EMQX_TLS_PER_DEPLOYMENT. A line for each is
     * kept */
    uint32_t flags;
    /* 1: other processes may take and free slots too, so the first in line looks every second; and
     * it works in a child after a fork, where the members are called with the same context */
    uint32_t shared;
    uint32_t reserved;
    void *context;
    /* Takes a slot if one is free. Errors: STORE (nothing was taken), NO_MEMORY. */
    emqx_tls_code (*reserve)(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error);
    /* Ends a ticket; one that is unknown or over is OK and changes nothing. retry_after_ms: what a
     * 429 named, already read against its Date; -1 none; other negative values and those beyond one
     * window count as one window. Errors: STORE: the slot is then held until its lease and 60 s and
     * one window have passed. A store that is locked by another process fails with STORE and sets
     * error->retry_after_ms >= 0: the limiter asks again after so long. */
    emqx_tls_code (*settle)(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error);
    /* Fills all of `quota` but its size; takes nothing. deployment_id may be "" without
     * PER_DEPLOYMENT. Errors: STORE, as above. */
    emqx_tls_code (*query)(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error);
    void (*destroy)(void *context);
} emqx_tls_store;
EMQX_TLS_INIT_(store)

/* A limiter on a store of one's own. It owns the store's context (calls `destroy`) once this has
 * succeeded. `clock` and `allocator` as in limiter_config, NULL for the defaults. Errors: INVALID
 * (limiter or store NULL, one of the three not set up, a member missing), NO_MEMORY; the context is
 * then still the caller's. */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_open_store(const emqx_tls_store *store,
                                                       const emqx_tls_clock *clock,
                                                       const emqx_tls_allocator *allocator,
                                                       emqx_tls_limiter **limiter,
                                                       emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
