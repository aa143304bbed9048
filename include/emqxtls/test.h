/* SPDX-License-Identifier: MIT
 *
 * test.h - libemqxtls-test: a scripted transport, a virtual clock and a watching allocator, for
 * tests of programs that use libemqxtls. They go in through the public vtables, need no network and
 * no real time, and fit every test framework. Not part of emqxtls.h. Link with `pkg-config --cflags
 * --libs emqxtls-test`.
 *
 *     emqx_tls_test_clock *clock = emqx_tls_test_clock_new(1000, 1700000000000);
 *     emqx_tls_test_transport *script = emqx_tls_test_transport_new(clock);
 *     emqx_tls_test_step step = {.method = "GET", .url = "/deployments/d1/tls", .http_status = 200,
 *     .body = "{}"}; emqx_tls_test_transport_expect(script, &step);
 *
 *     config.clock = emqx_tls_test_clock_vtable(clock);
 *     config.transport = emqx_tls_test_transport_vtable(script);
 *     ... make a client, call it, free it ...
 *
 *     const char *problem = emqx_tls_test_transport_problem(script);
 *     if (problem)
 *         fail(problem);
 *     emqx_tls_test_transport_free(script);
 *     emqx_tls_test_clock_free(clock);
 *
 * The _new functions return NULL where memory is short; the _free functions take NULL. Vtables are
 * valid until _free.
 */
#ifndef EMQXTLS_TEST_H
#define EMQXTLS_TEST_H

#include <emqxtls/base.h>
#include <emqxtls/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- clock: time passes only when somebody sleeps, a scripted transport waits, or the test says so.
 * Any thread. --- */

typedef struct emqx_tls_test_clock emqx_tls_test_clock;

emqx_tls_test_clock *emqx_tls_test_clock_new(int64_t now_ms, int64_t wall_ms);
void emqx_tls_test_clock_free(emqx_tls_test_clock *clock);
const emqx_tls_clock *emqx_tls_test_clock_vtable(const emqx_tls_test_clock *clock);

int64_t emqx_tls_test_clock_now(emqx_tls_test_clock *clock);
int64_t emqx_tls_test_clock_wall(emqx_tls_test_clock *clock);

/* How often the clock was read by now_ms: a cheap measure of busy waiting. */
uint64_t emqx_tls_test_clock_reads(emqx_tls_test_clock *clock);

/* Lets `ms` pass on both clocks, and runs what `at` has set for that time. */
void emqx_tls_test_clock_advance(emqx_tls_test_clock *clock, int64_t ms);

/* Sets now_ms alone, also backwards (which a right clock never does), without running what `at` has
 * set. */
void emqx_tls_test_clock_set(emqx_tls_test_clock *clock, int64_t now_ms);

/* Steps the wall clock alone, as NTP or an administrator does. */
void emqx_tls_test_clock_set_wall(emqx_tls_test_clock *clock, int64_t wall_ms);

/* A boot after the machine was off for off_ms: another boot id, now_ms begins at `now_ms`. */
void emqx_tls_test_clock_reboot(emqx_tls_test_clock *clock, int64_t now_ms, int64_t off_ms);

/* Runs `action` once when now_ms reaches `when_ms`, on the thread that moves the clock, no lock
 * held. For what happens during a wait: interrupt the client, step the wall clock. Returns 0, or -1
 * where memory is short. */
int emqx_tls_test_clock_at(emqx_tls_test_clock *clock, int64_t when_ms,
                           void (*action)(void *context), void *context);

/* -- transport: a queue of expected requests, each with its reply ------------------------------ */

/* no reply ever, not even a timeout: the client has to cancel */
#define EMQX_TLS_TEST_NEVER 0x1u
/* `start` returns `code`, and `done` is not called */
#define EMQX_TLS_TEST_START_FAILS 0x2u
/* `done` is called before `start` returns (a blocking transport always does) */
#define EMQX_TLS_TEST_IN_START  0x4u
#define EMQX_TLS_TEST_PERMANENT 0x8u /* the reply has EMQX_TLS_REPLY_PERMANENT */

/* One expected request and its reply. Zero is the default of every member, so initialise by name.
 * The struct is copied; what it points to must stay until the transport is freed. */
typedef struct emqx_tls_test_step {
    /* what is expected */
    const char *method; /* NULL: any */
    const char *url;    /* how the URL ends; NULL: any */
    /* Looks at the request: body, headers, flags. Returns what is wrong with it, or NULL. It may
     * also do what a test needs done while the request is on its way. NULL: nothing is looked
     * at. */
    const char *(*check)(void *context, const emqx_tls_exchange *exchange);
    void *check_context;
    uint32_t times; /* so many requests of this kind; 0 is 1 */
    uint32_t flags; /* EMQX_TLS_TEST_* */
    /* what comes back */
    emqx_tls_code code; /* OK: an answer */
    /* EMQX_TLS_DELIVERY_*; of a reply with code OK always ANSWERED. Also what `cancel` returns, and
     * the delivery of a timeout */
    uint32_t delivery;
    int32_t http_status; /* with code OK, or delivery ANSWERED: a body that did not come whole */
    const char *body;    /* NULL: empty */
    size_t body_len;     /* 0: strlen(body) */
    int64_t delay_ms;    /* virtual; over the exchange's timeout_ms: TIMEOUT when that has passed */
    const char *retry_after, *date, *detail;
} emqx_tls_test_step;

/* A request that came, in or out of the script. */
typedef struct emqx_tls_test_seen {
    int64_t at_ms;
    uint32_t flags; /* of the exchange */
    uint32_t connect_timeout_ms, timeout_ms;
    char method[8];
    char url[512];
} emqx_tls_test_seen;

typedef struct emqx_tls_test_transport emqx_tls_test_transport;

/* The clock must live until the transport is freed. */
emqx_tls_test_transport *emqx_tls_test_transport_new(emqx_tls_test_clock *clock);

/* Not before the client is freed. The vtable's own `destroy` frees nothing, so that `problem` can
 * be asked afterwards. */
void emqx_tls_test_transport_free(emqx_tls_test_transport *transport);

/* `poll` moves the virtual clock to the next reply, or by its timeout. There is no `fd`. */
const emqx_tls_transport *emqx_tls_test_transport_vtable(const emqx_tls_test_transport *transport);

/* The same script as the smallest transport: `start` alone. */
const emqx_tls_transport *
emqx_tls_test_transport_blocking(const emqx_tls_test_transport *transport);

/* Appends a step. Requests must come in the order of the steps; one that does not match the next
 * step is a problem, and is answered with TRANSPORT, NOT_SENT. */
void emqx_tls_test_transport_expect(emqx_tls_test_transport *transport,
                                    const emqx_tls_test_step *step);

/* What is wrong: a request out of the script, one that its `check` did not like, steps that nobody
 * asked for, an exchange still in flight, a broken rule of the vtable. The first such thing, as a
 * text valid until the next call; NULL: all is well. Ask at the end of a test. */
const char *emqx_tls_test_transport_problem(emqx_tls_test_transport *transport);

/* Requests that came, and the i-th of them (from 0; NULL: no such one), valid until the next
 * request. */
size_t emqx_tls_test_transport_count(const emqx_tls_test_transport *transport);
const emqx_tls_test_seen *emqx_tls_test_transport_seen(const emqx_tls_test_transport *transport,
                                                       size_t i);

size_t emqx_tls_test_transport_in_flight(const emqx_tls_test_transport *transport);

/* How often `destroy` was called. */
unsigned emqx_tls_test_transport_destroyed(const emqx_tls_test_transport *transport);

/* -- allocator: counts, fails where told, and looks for secrets in what is given back. Any thread.
 * --- */

typedef struct emqx_tls_test_allocator emqx_tls_test_allocator;

emqx_tls_test_allocator *emqx_tls_test_allocator_new(void);
/* Blocks that were not given back are freed too. */
void emqx_tls_test_allocator_free(emqx_tls_test_allocator *allocator);
const emqx_tls_allocator *emqx_tls_test_allocator_vtable(const emqx_tls_test_allocator *allocator);

/* The i-th allocation from now (1: the next) fails, and with `and_after` all that follow it. 0:
 * none fails. A test of every allocation: for i = 1, 2, ... until the allocation that should fail
 * is not reached any more. */
void emqx_tls_test_allocator_fail(emqx_tls_test_allocator *allocator, size_t i, int and_after);

/* Has the allocation that `fail` named been reached? */
int emqx_tls_test_allocator_failed(emqx_tls_test_allocator *allocator);

/* Looks for these bytes (copied; at least 4) in every block that is given back or resized from now
 * on. Up to 16; returns 0, or -1 for one that it can't take. */
int emqx_tls_test_allocator_watch(emqx_tls_test_allocator *allocator, const void *secret,
                                  size_t len);

/* allocations so far, failed ones included */
size_t emqx_tls_test_allocator_count(emqx_tls_test_allocator *allocator);
size_t emqx_tls_test_allocator_live(emqx_tls_test_allocator *allocator); /* bytes not given back */
/* the most bytes at one time */
size_t emqx_tls_test_allocator_peak(emqx_tls_test_allocator *allocator);

/* What is wrong: a secret in memory given back, a pointer that is not the allocator's, blocks never
 * given back. The first such thing, as a text valid until the next call; NULL: all is well. Ask
 * when everything has been freed. */
const char *emqx_tls_test_allocator_problem(emqx_tls_test_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
