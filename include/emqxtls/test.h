/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file test.h
 * @brief libemqxtls-test: a scripted transport, a virtual clock and a watching allocator, for tests
 * of programs that use libemqxtls.
 *
 * They go in through the public vtables, need no network and no real time, and fit every test
 * framework. Not part of emqxtls.h. Link with `pkg-config --cflags --libs emqxtls-test`.
 *
 * @code
 * emqx_tls_test_clock *clock = emqx_tls_test_clock_new(1000, 1700000000000);
 * emqx_tls_test_transport *script = emqx_tls_test_transport_new(clock);
 * emqx_tls_test_step step = {.method = "GET", .http_status = 200, .body = "{}"};
 * emqx_tls_test_transport_expect(script, &step);
 *
 * config.clock = emqx_tls_test_clock_vtable(clock);
 * config.transport = emqx_tls_test_transport_vtable(script);
 * ... make a client, call it, free it ...
 *
 * const char *problem = emqx_tls_test_transport_problem(script);
 * if (problem)
 *     fail(problem);
 * emqx_tls_test_transport_free(script);
 * emqx_tls_test_clock_free(clock);
 * @endcode
 */
#ifndef EMQXTLS_TEST_H
#define EMQXTLS_TEST_H

#include <emqxtls/base.h>
#include <emqxtls/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- clock ------------------------------------------------------------------------------------- */

/** A virtual clock. Time passes only when somebody sleeps, a scripted transport waits, or the test
 * says so. Any thread may use it. */
typedef struct emqx_tls_test_clock emqx_tls_test_clock;

/**
 * Makes a clock.
 *
 * @param now_ms   What now_ms tells at first.
 * @param wall_ms  What the wall clock tells at first: milliseconds since 1970, UTC.
 * @return Free it with emqx_tls_test_clock_free; NULL: out of memory.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
emqx_tls_test_clock *emqx_tls_test_clock_new(int64_t now_ms, int64_t wall_ms);

/**
 * Frees a clock.
 *
 * @param clock  May be NULL. Nobody uses it or its vtable any more.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_clock_free(emqx_tls_test_clock *clock);

/**
 * The clock as config.clock and limiter_config.clock take it.
 *
 * @param clock  Borrowed.
 * @return Valid until the clock is freed.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
const emqx_tls_clock *emqx_tls_test_clock_vtable(const emqx_tls_test_clock *clock);

/**
 * The time that now_ms tells, not counted as a reading.
 *
 * @param clock  Borrowed.
 * @return Milliseconds.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
int64_t emqx_tls_test_clock_now(emqx_tls_test_clock *clock);

/**
 * The time that the wall clock tells.
 *
 * @param clock  Borrowed.
 * @return Milliseconds since 1970, UTC.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
int64_t emqx_tls_test_clock_wall(emqx_tls_test_clock *clock);

/**
 * How often the clock was read by now_ms: a cheap measure of busy waiting.
 *
 * @param clock  Borrowed.
 * @return Readings so far.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
uint64_t emqx_tls_test_clock_reads(emqx_tls_test_clock *clock);

/**
 * Lets time pass on both clocks, and runs what emqx_tls_test_clock_at has set for that time.
 *
 * @param clock  Borrowed.
 * @param ms     How much.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_clock_advance(emqx_tls_test_clock *clock, int64_t ms);

/**
 * Sets now_ms alone, also backwards (which a right clock never does), without running what
 * emqx_tls_test_clock_at has set.
 *
 * @param clock   Borrowed.
 * @param now_ms  The new time.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_clock_set(emqx_tls_test_clock *clock, int64_t now_ms);

/**
 * Steps the wall clock alone, as NTP or an administrator does.
 *
 * @param clock    Borrowed.
 * @param wall_ms  The new time: milliseconds since 1970, UTC.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_clock_set_wall(emqx_tls_test_clock *clock, int64_t wall_ms);

/**
 * A boot after the machine was off: another boot ID, and now_ms begins anew.
 *
 * @param clock   Borrowed.
 * @param now_ms  What now_ms tells then.
 * @param off_ms  How long it was off: the wall clock moves by so much.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_clock_reboot(emqx_tls_test_clock *clock, int64_t now_ms, int64_t off_ms);

/**
 * Runs an action once when the clock reaches a time, on the thread that moves the clock, no lock
 * held. For what happens during a wait: interrupt the client, step the wall clock.
 *
 * @param clock    Borrowed.
 * @param when_ms  The time, as now_ms tells it.
 * @param action   What to run.
 * @param context  For action.
 * @return 0, or -1 where memory is short.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
int emqx_tls_test_clock_at(emqx_tls_test_clock *clock, int64_t when_ms,
                           void (*action)(void *context), void *context);

/* -- transport --------------------------------------------------------------------------------- */

/** Of emqx_tls_test_step.flags. */
enum emqx_tls_test_flag {
    /** No reply ever, not even a timeout. The client has to cancel. */
    EMQX_TLS_TEST_NEVER = 0x1,
    /** `start` returns `code`, and `done` is not called. */
    EMQX_TLS_TEST_START_FAILS = 0x2,
    /** `done` is called before `start` returns. A blocking transport always does so. */
    EMQX_TLS_TEST_IN_START = 0x4,
    /** The reply has #EMQX_TLS_REPLY_PERMANENT. */
    EMQX_TLS_TEST_PERMANENT = 0x8
};
/** @cond */
#define EMQX_TLS_TEST_NEVER       0x1u
#define EMQX_TLS_TEST_START_FAILS 0x2u
#define EMQX_TLS_TEST_IN_START    0x4u
#define EMQX_TLS_TEST_PERMANENT   0x8u
/** @endcond */

/** One expected request and its reply. Zero is the default of every member, so initialise by name.
 * The struct is copied; what it points to must stay until the transport is freed. */
typedef struct emqx_tls_test_step {
    const char *method; /**< Expected; NULL: any. */
    const char *url;    /**< How the expected URL ends; NULL: any. */
    /** Looks at the request: body, headers, flags. Returns what is wrong with it, or NULL. It may
     * also do what a test needs done while the request is on its way. NULL: nothing is looked
     * at. */
    const char *(*check)(void *context, const emqx_tls_exchange *exchange);
    void *check_context; /**< For check. */
    uint32_t times;      /**< So many requests of this kind; 0 is 1. */
    uint32_t flags;      /**< EMQX_TLS_TEST_*. */
    emqx_tls_code code;  /**< Of the reply. OK: an answer. */
    /** EMQX_TLS_DELIVERY_*; of a reply with code OK always ANSWERED. Also what `cancel` returns,
     * and the delivery of a timeout. */
    uint32_t delivery;
    /** With code OK; or with delivery ANSWERED, for a body that did not come whole. */
    int32_t http_status;
    const char *body; /**< Of the answer; NULL: empty. */
    size_t body_len;  /**< 0: strlen(body). */
    /** Virtual milliseconds until the reply. Over the exchange's timeout_ms it is TIMEOUT when that
     * has passed. */
    int64_t delay_ms;
    const char *retry_after; /**< The header's value, or NULL. */
    const char *date;        /**< The header's value, or NULL. */
    const char *detail;      /**< A sentence for the message, or NULL. */
} emqx_tls_test_step;

/** A request that came, in or out of the script. */
typedef struct emqx_tls_test_seen {
    int64_t at_ms;               /**< When, as now_ms tells it. */
    uint32_t flags;              /**< Of the exchange. */
    uint32_t connect_timeout_ms; /**< Of the exchange. */
    uint32_t timeout_ms;         /**< Of the exchange. */
    char method[8];              /**< "GET", "POST", "PUT" or "DELETE". */
    char url[512];               /**< Whole, cut at 511 bytes. */
} emqx_tls_test_seen;

/** A scripted transport: a queue of expected requests, each with its reply. */
typedef struct emqx_tls_test_transport emqx_tls_test_transport;

/**
 * Makes a transport with an empty script.
 *
 * @param clock  Its time. Must live until the transport is freed.
 * @return Free it with emqx_tls_test_transport_free; NULL: out of memory.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
emqx_tls_test_transport *emqx_tls_test_transport_new(emqx_tls_test_clock *clock);

/**
 * Frees a transport, after the client. The vtable's own `destroy` frees nothing, so that
 * emqx_tls_test_transport_problem can be asked afterwards.
 *
 * @param transport  May be NULL.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
void emqx_tls_test_transport_free(emqx_tls_test_transport *transport);

/**
 * The transport as config.transport takes it. `poll` moves the virtual clock to the next reply, or
 * by its timeout. There is no `fd`.
 *
 * @param transport  Borrowed.
 * @return Valid until the transport is freed.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
const emqx_tls_transport *emqx_tls_test_transport_vtable(const emqx_tls_test_transport *transport);

/**
 * The same script as the smallest transport: `start` alone.
 *
 * @param transport  Borrowed.
 * @return Valid until the transport is freed.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
const emqx_tls_transport *
emqx_tls_test_transport_blocking(const emqx_tls_test_transport *transport);

/**
 * Appends a step. Requests must come in the order of the steps. One that does not match the next
 * step is a problem, and is answered with TRANSPORT, NOT_SENT.
 *
 * @param transport  Borrowed.
 * @param step       Copied, but not what it points to.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
void emqx_tls_test_transport_expect(emqx_tls_test_transport *transport,
                                    const emqx_tls_test_step *step);

/**
 * What is wrong: a request out of the script, one that its `check` did not like, steps that nobody
 * asked for, an exchange still in flight, a broken rule of the vtable. Ask at the end of a test.
 *
 * @param transport  Borrowed.
 * @return The first such thing, as a text valid until the next call; NULL: all is well.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
const char *emqx_tls_test_transport_problem(emqx_tls_test_transport *transport);

/**
 * How many requests came.
 *
 * @param transport  Borrowed.
 * @return All of them, also those out of the script.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
size_t emqx_tls_test_transport_count(const emqx_tls_test_transport *transport);

/**
 * One of the requests that came.
 *
 * @param transport  Borrowed.
 * @param i          Which, from 0.
 * @return Valid until the next request; NULL: there is no such one.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
const emqx_tls_test_seen *emqx_tls_test_transport_seen(const emqx_tls_test_transport *transport,
                                                       size_t i);

/**
 * How many exchanges are in flight.
 *
 * @param transport  Borrowed.
 * @return Started, and neither done nor cancelled.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
size_t emqx_tls_test_transport_in_flight(const emqx_tls_test_transport *transport);

/**
 * How often `destroy` was called.
 *
 * @param transport  Borrowed.
 * @return 1 after its client was freed.
 * @par Threads
 * One thread at a time.
 * @since 0.1
 */
unsigned emqx_tls_test_transport_destroyed(const emqx_tls_test_transport *transport);

/* -- allocator --------------------------------------------------------------------------------- */

/** An allocator that counts, fails where told, and looks for secrets in what is given back. Any
 * thread may use it. */
typedef struct emqx_tls_test_allocator emqx_tls_test_allocator;

/**
 * Makes an allocator.
 *
 * @return Free it with emqx_tls_test_allocator_free; NULL: out of memory.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
emqx_tls_test_allocator *emqx_tls_test_allocator_new(void);

/**
 * Frees an allocator, and the blocks that were not given back.
 *
 * @param allocator  May be NULL.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_allocator_free(emqx_tls_test_allocator *allocator);

/**
 * The allocator as config.allocator and limiter_config.allocator take it.
 *
 * @param allocator  Borrowed.
 * @return Valid until the allocator is freed.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
const emqx_tls_allocator *emqx_tls_test_allocator_vtable(const emqx_tls_test_allocator *allocator);

/**
 * Makes an allocation fail. A test of every allocation: for i = 1, 2, ... until the one that should
 * fail is not reached any more.
 *
 * @param allocator  Borrowed.
 * @param i          The i-th from now, 1: the next; 0: none fails.
 * @param and_after  Not 0: all that follow it fail too.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
void emqx_tls_test_allocator_fail(emqx_tls_test_allocator *allocator, size_t i, int and_after);

/**
 * Has the allocation that emqx_tls_test_allocator_fail named been reached?
 *
 * @param allocator  Borrowed.
 * @return 1, or 0.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
int emqx_tls_test_allocator_failed(emqx_tls_test_allocator *allocator);

/**
 * Looks for these bytes in every block that is given back or resized from now on.
 *
 * @param allocator  Borrowed.
 * @param secret     Copied. Up to 16 may be watched.
 * @param len        Bytes of secret, at least 4.
 * @return 0, or -1 for one that it can't take.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
int emqx_tls_test_allocator_watch(emqx_tls_test_allocator *allocator, const void *secret,
                                  size_t len);

/**
 * How many allocations there were.
 *
 * @param allocator  Borrowed.
 * @return So far, failed ones included.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
size_t emqx_tls_test_allocator_count(emqx_tls_test_allocator *allocator);

/**
 * How much memory is in use.
 *
 * @param allocator  Borrowed.
 * @return Bytes not given back.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
size_t emqx_tls_test_allocator_live(emqx_tls_test_allocator *allocator);

/**
 * How much memory was in use at most.
 *
 * @param allocator  Borrowed.
 * @return The most bytes at one time.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
size_t emqx_tls_test_allocator_peak(emqx_tls_test_allocator *allocator);

/**
 * What is wrong: a secret in memory given back, a pointer that is not the allocator's, blocks never
 * given back. Ask when everything has been freed.
 *
 * @param allocator  Borrowed.
 * @return The first such thing, as a text valid until the next call; NULL: all is well.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
const char *emqx_tls_test_allocator_problem(emqx_tls_test_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
