/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A deployment with a certificate, as time goes by: pending, running (or failed), terminated, none.
 */
#ifndef EMULATOR_DEPLOYMENT_H
#define EMULATOR_DEPLOYMENT_H

#include "emulator.h"

enum state {
    STATE_NONE,
    STATE_STALE,
    STATE_PENDING,
    STATE_RUNNING,
    STATE_FAILED,
    STATE_TERMINATED,
    STATE_SET
};

struct shown { /* what GET tells */
    int type;
    int64_t expire;
    char *common_name;
};

struct deployment {
    char *id;
    enum state state;
    int64_t since;         /* when this state began */
    struct shown now, old; /* old: what is still served while the state is stale */
    char *status;          /* the text of STATE_SET */
    /* what GET tells while it lags behind the last write; NULL: it does not, "": nothing is there */
    char *before;
    int64_t written;
    char *cert, *key, *cacert; /* only kept for --serve-dir */
};

struct deployment *deployment_new(const char *id);
void deployment_free(void *);
int deployment_compare(const void *, const void *);
/* Brings the state up to `ms`. */
void deployment_move_on(struct deployment *, const struct settings *, int64_t ms);
bool deployment_set_status(struct deployment *, const char *status);
void deployment_put(struct deployment *, struct material *, const struct settings *, int64_t ms);
void deployment_delete(struct deployment *, const struct settings *, int64_t ms);
/* Notes what GET tells now: a write is about to change it. */
void deployment_hold(struct deployment *, const struct settings *, int64_t ms);
/* Does GET tell of a certificate? */
bool deployment_is_told(const struct deployment *);
/* The answer to GET. */
void deployment_describe(const struct deployment *, const struct settings *, struct answer *);
/* The answer to POST and PUT: what was given, and `pending` whatever GET will say. */
void deployment_describe_new(const struct deployment *, const struct settings *, struct answer *);

#endif
