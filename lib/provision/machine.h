/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * machine - what the machines of ensure, wait and remove share. An event and the time go in, an
 * action comes out. A machine does no I/O, reads no clock, allocates nothing and knows no job; its
 * struct can be copied, compared and printed. job.c carries the actions out, and tells how they
 * ended.
 */
#ifndef EMQXI_MACHINE_H
#define EMQXI_MACHINE_H

#include "base/base.h"

#include <emqxtls/limiter.h>
#include <emqxtls/values.h>

enum emqxi_event_type {
    EMQXI_EVENT_BEGUN,
    EMQXI_EVENT_TIME,      /* the pause is over */
    EMQXI_EVENT_LOADED,    /* `receipt`, which may be none */
    EMQXI_EVENT_BUSY,      /* another ensure holds it */
    EMQXI_EVENT_UNUSABLE,  /* receipt, memory: the action could not be carried out; `error` */
    EMQXI_EVENT_READ,      /* `status` */
    EMQXI_EVENT_UNREAD,    /* the read failed: `error` */
    EMQXI_EVENT_DEPARTING, /* the write is about to leave, and nothing of it does after lease_ms */
    EMQXI_EVENT_ACCEPTED,  /* the write; `status` is that of its reply */
    EMQXI_EVENT_REFUSED,   /* it was certainly not carried out: `error` */
    EMQXI_EVENT_MISJUDGED, /* the same: POST where there is one, PUT, DELETE where there is none */
    EMQXI_EVENT_LOST,      /* it may have been carried out, or be within EMQXI_STRAY_MS */
    EMQXI_EVENT_PROBED     /* `served`; NULL: no leaf was seen */
};

struct emqxi_receipt;
struct emqxi_identity;

/* What the deadline has cut off ends with an error whose code is CANCELLED. */
typedef struct emqxi_event {
    enum emqxi_event_type type;
    int64_t now_ms, wall_s; /* the client's clock, and seconds since 1970 */
    int64_t lease_ms;
    const emqx_tls_status *status;
    const emqxi_error *error; /* of exchanges and ON_UNUSABLE */
    const struct emqxi_receipt *receipt;
    const struct emqxi_identity *served;
} emqxi_event;

enum emqxi_action_type {
    EMQXI_ACT_NOTHING, /* go on with what is under way */
    EMQXI_ACT_LOAD,    /* lock and read the receipt */
    EMQXI_ACT_READ,
    EMQXI_ACT_WRITE, /* `op` */
    EMQXI_ACT_SEND,  /* let the write leave when the receipt is on the disk */
    EMQXI_ACT_PROBE,
    EMQXI_ACT_PAUSE, /* until until_ms; with `poll` at the pace of polls, but no longer */
    EMQXI_ACT_END
};

/* Whose code an end has, and its text too where it has none of its own. */
enum emqxi_source {
    EMQXI_OF_MACHINE,
    EMQXI_OF_ANSWER, /* the last exchange */
    EMQXI_OF_WRITE,  /* the last write */
    EMQXI_OF_READ,   /* the last read that failed, but for what the deadline cut off */
    EMQXI_OF_PROBE,
    EMQXI_OF_CHECK /* the local check, which refuses to write */
};

typedef struct emqxi_action {
    enum emqxi_action_type type;
    uint32_t op;   /* EMQX_TLS_OP_* */
    unsigned poll; /* which poll since they began anew, from 1; 0: none */
    bool free;     /* it costs no quota */
    int64_t until_ms;
    enum emqxi_source of;
    emqx_tls_code code;
    const char *text; /* names what message.c fills in, as {id} */
} emqxi_action;

/* The fate of the last write. */
enum emqxi_fate {
    EMQXI_FATE_NONE, /* there was none, or it was not carried out */
    EMQXI_FATE_MISJUDGED,
    EMQXI_FATE_LOST,
    EMQXI_FATE_ACCEPTED,
    EMQXI_FATE_SETTLED /* accepted, and what runs now is not what ran before it */
};

/* What each machine begins with. */
typedef struct emqxi_watch {
    int64_t deadline_ms; /* INT64_MAX: it does not wait */
    emqx_tls_status status;
    bool seen;     /* a status was read, or told by a write */
    bool troubled; /* the last read failed */
    enum emqxi_fate fate;
    unsigned polls;
    int64_t read_ms; /* the last read began: what it shows is not older */
    /* under way, and what follows the pause; NOTHING: what it begins with */
    enum emqxi_action_type doing, then;
} emqxi_watch;

/* A kind of machine. Its struct is behind the watch that it begins with. */
typedef struct emqxi_machine {
    const char *name; /* for the log */
    emqxi_action (*on_event)(emqxi_watch *watch, const emqxi_event *event);
    emqxi_action (*late)(const emqxi_watch *watch); /* how it ends at the deadline */
} emqxi_machine;

static inline bool emqxi_waits(const emqxi_watch *watch)
{
    return watch->deadline_ms != INT64_MAX;
}

static inline emqxi_action emqxi_do(enum emqxi_action_type type)
{
    return (emqxi_action){.type = type};
}

static inline emqxi_action emqxi_end(emqx_tls_code code, const char *text)
{
    return (emqxi_action){.type = EMQXI_ACT_END, .code = code, .text = text};
}

/* text NULL: as it ended */
static inline emqxi_action emqxi_end_as(enum emqxi_source of, const char *text)
{
    return (emqxi_action){.type = EMQXI_ACT_END, .of = of, .text = text};
}

/* -- machine.c */
/* Every event may come in every state: one that the action under way can't end with changes
 * nothing. */
emqxi_action emqxi_next(const emqxi_machine *machine, emqxi_watch *watch, const emqxi_event *event);
/* The pause before the next poll, which is followed by `then`. */
emqxi_action emqxi_poll(emqxi_watch *watch, enum emqxi_action_type then, int64_t until_ms);
/* After what failed: looks again with the next poll, or ends so where that can't mend it. */
emqxi_action emqxi_try_again(emqxi_watch *watch, const emqxi_event *event, const char *text);
/* How it ends at the deadline where no status was ever read. */
emqxi_action emqxi_late_unread(const emqxi_watch *watch);
/* What an exchange that ended so is to a machine. */
enum emqxi_event_type emqxi_outcome(uint32_t op, const emqxi_error *error);

/* -- pace.c: 5, 10, 20, 40 s after the polls began, then every 60 s, a little later at random, and
 * later where the read quota would not reach to the end; and once more right before it */
/* The pause before a poll, from 1. quota NULL: it costs none. */
int64_t emqxi_pace(unsigned poll, int64_t left_ms, const emqx_tls_quota *quota, uint64_t random);

/* -- wait.c: polls until the certificate runs */
typedef struct emqxi_wait {
    emqxi_watch watch;
    const struct emqxi_identity *wanted; /* NULL: any certificate */
    bool absent;
    int64_t absent_ms; /* since then */
} emqxi_wait;
extern const emqxi_machine emqxi_wait_machine;

/* -- remove.c: reads, deletes what is there, waits until it is gone. All of it is in its watch; the
 * fate is ACCEPTED also where it was being deleted already. */
extern const emqxi_machine emqxi_remove_machine;

#endif
