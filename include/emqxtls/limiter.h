/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file limiter.h
 * @brief The quota: at most `reads` GETs and `writes` POST, PUT and DELETE in any window, over all
 * who share it.
 *
 * One limiter is for one API key. A client without one makes its own in memory. What must be shared
 * is made here and given to every client of the key.
 *
 * A slot is held from its reservation until one window (plus 1 s and 0.05 % for clocks that differ)
 * after the answer came; where none came, 60 s longer. Only a request that provably never left
 * gives its slot back.
 *
 * @code
 * emqx_tls_limiter *shared;
 * const char *file = "/var/lib/renew/quota";
 * if (emqx_tls_limiter_open_file(file, NULL, &shared, &error) != EMQX_TLS_OK)
 *     fail(error.message);
 * config.limiter = shared;
 * @endcode
 */
#ifndef EMQXTLS_LIMITER_H
#define EMQXTLS_LIMITER_H

#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A quota. Made by one of the four calls that open one; counted by references. */
typedef struct emqx_tls_limiter emqx_tls_limiter;

/** Of limiter_config.flags and store.flags. */
enum emqx_tls_limiter_flag {
    /** POST, PUT and DELETE have `writes` each. The platform's page does not say so. By default all
     * writes share one quota, which is right under every reading of it. */
    EMQX_TLS_PER_METHOD = 0x1,
    /** Every deployment has a quota of its own. The platform's page does not say so. */
    EMQX_TLS_PER_DEPLOYMENT = 0x2
};
/** @cond */
#define EMQX_TLS_PER_METHOD     0x1u
#define EMQX_TLS_PER_DEPLOYMENT 0x2u
/** @endcond */

/** The settings of a quota. */
typedef struct emqx_tls_limiter_config {
    uint32_t size;                       /**< Set by the init. */
    uint32_t flags;                      /**< #EMQX_TLS_PER_METHOD | #EMQX_TLS_PER_DEPLOYMENT. */
    uint32_t reads;                      /**< 60, from the platform's page; 1 to 100000. */
    uint32_t writes;                     /**< 6, from the platform's page; 1 to 100000. */
    uint64_t window_ms;                  /**< 3600000, from the platform's page; 1000 to 31 days. */
    const emqx_tls_clock *clock;         /**< Copied; NULL: CLOCK_BOOTTIME. */
    const emqx_tls_allocator *allocator; /**< Copied; NULL: malloc. */
} emqx_tls_limiter_config;
EMQX_TLS_INIT_(limiter_config)

/** quota.reason: why no slot is free. 0: all are used. */
enum emqx_tls_quota_reason {
    EMQX_TLS_QUOTA_SHUT = 1, /**< Shut after a 429 of the platform. */
    /** Used up, and when the next slot frees depends on calls in flight. */
    EMQX_TLS_QUOTA_IN_FLIGHT = 2
};

/** What is left of a quota. */
typedef struct emqx_tls_quota {
    uint32_t size;      /**< Set by the init. */
    uint32_t limit;     /**< Slots in all: `reads` or `writes`. */
    uint32_t used;      /**< Slots held, those in flight included. */
    uint32_t remaining; /**< How many can be taken now; after a 429 fewer than limit - used. */
    int64_t next_ms;    /**< Until more than `ahead` slots are free, if nobody takes one; 0: now. */
    uint32_t reason;    /**< 0: free, or simply used up; else EMQX_TLS_QUOTA_*. */
    /** Set by the caller, 0 by the init: how many others `next_ms` and `reason` wait for first. 4:
     * until the fifth is free. */
    uint32_t ahead;
} emqx_tls_quota;
EMQX_TLS_INIT_(quota)

/**
 * Makes a limiter in this process's memory.
 *
 * @param config        NULL: the defaults. Borrowed during the call.
 * @param[out] limiter  The caller owns its one reference: give it back with emqx_tls_limiter_unref.
 *                      NULL if it fails.
 * @param[out] error    How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It was made.
 * @retval EMQX_TLS_E_INVALID    A member of config is out of range, or limiter is NULL.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_limiter_new(
    const emqx_tls_limiter_config *config, emqx_tls_limiter **limiter, emqx_tls_error *error);

/**
 * Opens a limiter in a file, for the processes of one machine and across its reboots. The file is
 * made, with mode 0600, if it does not exist.
 *
 * Not for network file systems: their locks and caches do not promise what this needs. The page
 * "Where the quota is kept" says what the file promises, what it does when it fails, and how to
 * reset a damaged one.
 *
 * Calls that use the limiter fail with STORE, reads as well as writes, where the file is damaged,
 * can't be written, or stays locked by another process until their deadline. A file that was
 * deleted or replaced is opened again, as it is in a child after a fork.
 *
 * @param path          Of the file. Copied. A relative one is taken from the working folder of now.
 * @param config        NULL: the file's own settings, or the defaults for a new one. Borrowed
 *                      during the call.
 * @param[out] limiter  The caller owns its one reference. NULL if it fails.
 * @param[out] error    How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It is open.
 * @retval EMQX_TLS_E_INVALID    An argument.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory.
 * @retval EMQX_TLS_E_STORE      The file can't be opened or made, is a symbolic link, belongs to
 *                               another user, can be written by others, has other settings than
 *                               config, or is damaged. The message names the path and the mend.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code
emqx_tls_limiter_open_file(const char *path, const emqx_tls_limiter_config *config,
                           emqx_tls_limiter **limiter, emqx_tls_error *error);

/**
 * Takes one more reference.
 *
 * @param limiter  May be NULL.
 * @return Its argument.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_limiter *emqx_tls_limiter_ref(emqx_tls_limiter *limiter);

/**
 * Gives one reference back; the last one frees the limiter.
 *
 * @param limiter  May be NULL.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_limiter_unref(emqx_tls_limiter *limiter);

/**
 * Tells what is left of the quota, and uses none of it. With quota->ahead it tells when slot
 * behind slot comes free: a job of five writes asks with 4 when it can go through in one go.
 *
 * @param limiter        Borrowed.
 * @param op             EMQX_TLS_OP_*: GET asks for reads, the others for writes.
 * @param deployment_id  Needed with #EMQX_TLS_PER_DEPLOYMENT; else it may be NULL.
 * @param[out] quota     Set up by its init; filled if OK.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK           *quota tells.
 * @retval EMQX_TLS_E_INVALID    limiter or quota is NULL or not set up, there is no such op, the
 *                               deployment is missing, or this is the child of a fork and the
 *                               limiter is in memory.
 * @retval EMQX_TLS_E_STORE      The store can't be used.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory, for a file that has to be made again.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_query(emqx_tls_limiter *limiter, uint32_t op,
                                                  const char *deployment_id, emqx_tls_quota *quota,
                                                  emqx_tls_error *error);

/* -- a store of one's own ---------------------------------------------------------------------- */

/** What a store is asked for. Made by the library. */
typedef struct emqx_tls_ask {
    uint32_t size;             /**< Set by the library. */
    uint32_t op;               /**< EMQX_TLS_OP_*. */
    const char *deployment_id; /**< Never NULL, never "". */
    /** Milliseconds from now within which the exchange ends; nothing departs later. */
    int64_t lease_ms;
    /** How many waiters of this process come first: a slot is given only if more are free. */
    uint32_t ahead;
    uint32_t reserved; /**< 0. */
} emqx_tls_ask;

/** Words of a ticket. */
#define EMQX_TLS_TICKET_WORDS 6

/** What a store answers. */
typedef struct emqx_tls_grant {
    uint32_t size;    /**< Set by the library. */
    uint32_t granted; /**< 1: a slot is held, `ticket` names it. 0: none, the rest tells when. */
    uint32_t reason;  /**< EMQX_TLS_QUOTA_* or 0. */
    /** 1: the store could not look now (locked by another process, away); the error's message may
     * say why. A call asks again in early_ms, and where it stays so in twice as long each time, up
     * to 1 s, until its time is over. */
    uint32_t busy;
    /** Milliseconds from now: the earliest at which the slot for this ask, behind `ahead`, can be
     * free. */
    int64_t early_ms;
    int64_t late_ms; /**< Milliseconds from now: free by then, if nobody else takes it. */
    /** Names the slot: the store's own, kept until it settles. The last word is the limiter's. */
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
} emqx_tls_grant;

/** How the exchange of a ticket ended. */
enum emqx_tls_outcome {
    /** No answer: it may still arrive. Held for 60 s and one window from now. */
    EMQX_TLS_OUTCOME_LOST = 0,
    EMQX_TLS_OUTCOME_NOT_SENT = 1, /**< Certain: the slot is free again. */
    EMQX_TLS_OUTCOME_ANSWERED = 2, /**< An answer other than 429: held for one window from now. */
    /** 429: held as well, and the group is shut for retry_after_ms or the store's own rule. */
    EMQX_TLS_OUTCOME_REFUSED = 3
};

/**
 * A quota store. The limiter calls one member at a time, from any thread, with its lock held: a
 * member must not call into the limiter, and blocks no longer than it has to. `error` is never
 * NULL; a member that fails sets its message (and retry_after_ms where told below), no more is
 * read. Copied by emqx_tls_limiter_open_store. The project's sources bring a suite of tests for a
 * store of your own; docs/quota.md there says where.
 */
typedef struct emqx_tls_store {
    uint32_t size; /**< Set by the init. */
    /** What it counts for itself: #EMQX_TLS_PER_METHOD | #EMQX_TLS_PER_DEPLOYMENT. A line of
     * waiters is kept for each. */
    uint32_t flags;
    /** 1: other processes may take and free slots too, so the first in line looks every second; and
     * it works in a child after a fork, where the members are called with the same context. */
    uint32_t shared;
    uint32_t reserved; /**< 0. */
    void *context;     /**< Given to each member. */
    /** Takes a slot if one is free. Errors: STORE (nothing was taken), NO_MEMORY. One that throws
     * returns #EMQX_TLS_E_STORE, with no slot taken. */
    emqx_tls_code (*reserve)(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error);
    /** Ends a ticket; one that is unknown or over is OK and changes nothing. retry_after_ms: what a
     * 429 named, already read against its Date; -1: none. Other negative values, and those beyond
     * one window, count as one window. Errors: STORE: the slot is then held until its lease, 60 s
     * and one window have passed. A store that is busy (locked, away) fails with STORE and sets
     * error->retry_after_ms >= 0: the limiter asks again after so long, and ever longer. One that
     * throws returns #EMQX_TLS_E_STORE. */
    emqx_tls_code (*settle)(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error);
    /** Fills all of `quota` but its size and `ahead`; takes nothing. deployment_id may be "" without
     * PER_DEPLOYMENT. Errors: STORE, as above. One that throws returns #EMQX_TLS_E_STORE. */
    emqx_tls_code (*query)(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error);
    /** Gives everything back. One that throws just returns. */
    void (*destroy)(void *context);
} emqx_tls_store;
EMQX_TLS_INIT_(store)

/**
 * Makes a limiter on a store of one's own.
 *
 * @param store         Copied. The limiter owns its context (calls `destroy`) once this succeeds.
 * @param clock         Copied; NULL: CLOCK_BOOTTIME.
 * @param allocator     Copied; NULL: malloc.
 * @param[out] limiter  The caller owns its one reference. NULL if it fails; the store's context is
 *                      then still the caller's.
 * @param[out] error    How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It was made.
 * @retval EMQX_TLS_E_INVALID    limiter or store is NULL, one of the three is not set up, or a
 *                               member is missing.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_limiter_open_store(
    const emqx_tls_store *store, const emqx_tls_clock *clock, const emqx_tls_allocator *allocator,
    emqx_tls_limiter **limiter, emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
