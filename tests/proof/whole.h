/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * whole - the library by its public API, in a world of its own: a virtual clock, a transport that is
 * the platform, receipts in a folder, and crashes that abandon a client where it stands.
 */
#ifndef WHOLE_H
#define WHOLE_H

#include <emqxtls/emqxtls.h>

#include <setjmp.h>

#include "platform.h"
#include "story.h"

#define STRAYS   8
#define STRAY_MS 60000 /* a request that was given up arrives within less */
#define LAG_MS   120000

enum kind { ENSURE, WAIT, REMOVE };

/* What the calls of a story are given, and what may happen to them. */
typedef struct setting {
    enum kind kind;
    uint32_t wait_ms, flags;
    bool receipts, async;
    enum telling telling;
    bool lags, outsider;
    holding start;
} setting;

typedef struct stray {
    uint32_t op;
    int64_t due_ms; /* 0: none */
    bool own;       /* of the call under way */
} stray;

typedef struct world {
    int64_t now_ms;
    platform platform;
    int64_t lag_until_ms, taken_ms; /* the last write was taken then */
    stray strays[STRAYS];
    bool others; /* somebody else has written */
    bool well;   /* nothing goes wrong any more */
    /* of the call under way */
    int64_t begun_ms;
    unsigned exchanges, writes, carried_out;
    bool in_doubt;  /* its last write may have been carried out, as far as it can know */
    uint32_t seen;  /* a bit for each code that an exchange may have ended with */
    holding shown;  /* by the last read that was answered */
    bool cancelled; /* by its caller */
} world;

extern world w;
extern const setting *the_setting;
extern const char *wanted_pem;
extern char receipts[];

/* -- whole_exchange.c: the transport, which is the platform, and all that may become of a request */
extern jmp_buf crash;
extern unsigned
    crash_in; /* the process dies in so many system calls of the receipt; 0: it does not */
const emqx_tls_transport *exchange_transport(void);
void exchange_reset(void);
/* What is done where the caller gives up: an interrupt, or a cancel. */
extern void (*exchange_cancel)(void);
void time_passes(int64_t ms);

/* -- whole_held.c */
void held_at_write(uint32_t op);
void held_at_end(emqx_tls_code code, const emqx_tls_error *error,
                 const emqx_tls_ensure_result *result);

#endif
