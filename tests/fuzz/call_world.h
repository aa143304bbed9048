/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * call_world - what is around the client of whole calls: a platform of three deployments, a network
 * on which each exchange meets the fate that the story gives, a quota store that blinks; and what
 * each call must hold. All of it goes in by the public vtables.
 */
#ifndef CALL_WORLD_H
#define CALL_WORLD_H

#include "fuzz.h"

#include <emqxtls/emqxtls.h>
#include <emqxtls/test.h>

enum { DEPLOYMENTS = 3, FLIGHTS_MAX = 16, STRAYS_MAX = 16, ARRIVALS_MAX = 256 };
enum cert { CERT_NONE, CERT_WANTED, CERT_TWIN, CERT_OTHER, CERTS };

#define WINDOW_MS  3600000
#define TIMEOUT_MS 30000
#define LAG_MS     110000 /* reads may show so long what was there before a write that was taken */
#define PENDING_MS 15000

/* A call that is under way on a deployment, and what has become of it. */
typedef struct act {
    bool active, ensures, removes;
    uint32_t op; /* of a single operation; 0 */
    enum cert cert;
    uint32_t flags, wait_ms;
    int64_t begun_ms;
    unsigned started;     /* exchanges given to the transport */
    unsigned writes;      /* of these, writes that may have left */
    unsigned carried_out; /* of these, those that the platform took */
    bool answered;        /* the last exchange */
    bool may_have_left;
    int32_t http_status; /* of the last answer */
    unsigned count;      /* how often it was told to have ended */
    emqx_tls_call *call;
} act;

typedef struct holding {
    enum cert cert, runs;
    uint32_t state; /* EMQX_TLS_STATE_* */
    bool unclear;   /* what was there before looked the same */
} holding;

typedef struct deployment {
    holding now, before;
    int64_t lag_until, ready_ms; /* what is pending or being deleted is over then */
    bool others;                 /* somebody else has written */
    bool mixed;                  /* more than one certificate was wanted, or one by force */
    act act;
} deployment;

/* A request that was given up, and arrives later. */
typedef struct stray {
    int64_t at_ms; /* 0: none */
    int d;
    uint32_t op;
    enum cert cert;
    bool own; /* of the call that is still under way there */
} stray;

typedef struct call_world {
    emqx_tls_test_clock *clock;
    emqx_tls_test_allocator *allocator;
    deployment deployments[DEPLOYMENTS];
    stray strays[STRAYS_MAX];
    fuzz_input fates, quota;
    bool receipts, blocking, own_store, lags, fails;
    bool well; /* nothing goes wrong any more */
    bool lied; /* the platform has told what is not so */
    uint32_t reads, writes, quota_wait_ms;
    int64_t arrivals[2][ARRIVALS_MAX];
    size_t arrived[2];
    unsigned slots, settled; /* of the store */
} call_world;

extern call_world w;

/* -- call_platform.c */
extern char *cert_pem[CERTS], *key_pem[CERTS];
void certs_make(void);
int64_t now_ms(void);
/* What has been due since it was last looked after: strays, what was pending. */
void platform_goes_on(void);
/* A request arrives; the status that it is answered with. */
int platform_take(int d, uint32_t op, enum cert cert, bool own);
/* It has told that it took a write: reads may show for a while what was before. */
void platform_lags(int d);
/* What a read is told. */
void platform_tell(int d, char *body, size_t size);
void platform_stray(int d, uint32_t op, enum cert cert, int64_t after_ms);

/* -- call_network.c */
void network_begin(emqx_tls_transport *t);
/* The client is gone: nothing is in flight, and nothing is its own any more. */
void network_end(void);
/* A store of the program's own. */
void quota_begin(emqx_tls_store *s);

/* -- call_held.c */
void held_by_departure(int d, uint32_t op);
void held_by_arrival(uint32_t op);
/* How a call has ended; `result` of ensure and remove, or NULL. */
void held_by_end(int d, emqx_tls_code code, const emqx_tls_error *error,
                 const emqx_tls_status *status, const emqx_tls_ensure_result *result);

#endif
