/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * platform - the platform as a model for stories: what it holds of one deployment, what becomes of
 * a write, and what it tells. It shares nothing with the machines that it is to hold to their word.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "check/identity.h"
#include <emqxtls/values.h>

#define TICK_MS   20000 /* a story's time goes on by so much */
#define LAG_TICKS 6     /* reads may show so long what was there before a write that was taken */

/* The certificates of the stories. */
enum cert { CERT_NONE, CERT_WANTED, CERT_TWIN, CERT_SHORTER, CERT_LONGER, CERTS };
/* WANTED is what ensure is called for; TWIN is another key with the same name and end. */
extern emqxi_identity cert_identities[CERTS];

/* How it tells what it holds. */
enum telling {
    TELLS_ALL,
    TELLS_END_WHEN_RUNNING, /* until then `expire` is that of the certificate before */
    TELLS_NO_END,
    TELLS_OTHER_ZONE,
    TELLS_OTHER_STATES, /* another word than "pending" */
    TELLINGS
};

/* What it holds, or held. */
typedef struct holding {
    uint8_t cert, state; /* EMQX_TLS_STATE_* */
    uint8_t runs;        /* what clients are shown: until the new one runs that before it */
    uint8_t unclear;     /* what was there before looked the same: no status can tell them apart */
} holding;

typedef struct platform {
    holding now, before; /* `before`: the last write */
    uint8_t lag;         /* reads may show what was before for so many ticks */
    uint8_t telling;
} platform;

void certs_set_up(void);

/* Status 2xx: it is taken; else it is refused, and nothing has changed. */
int platform_take(platform *p, uint32_t op, enum cert cert);

/* What it tells of a holding. */
const emqx_tls_status *platform_tells(const platform *p, const holding *h);

/* It has got on with what it is about: the new one runs, or has failed; what is deleted is gone. */
void platform_finish(platform *p, bool fails);

/* So many ticks went by. */
void platform_age(platform *p, unsigned ticks);

#endif
