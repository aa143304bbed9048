/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * link - one connection to Redis, plain or TLS: commands go out, replies come in. hiredis writes
 * the commands and reads the replies; the socket is our own, so that one deadline bounds every
 * step, no signal is raised, and the password is wiped when it has left.
 */
#ifndef EMQXI_REDIS_LINK_H
#define EMQXI_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "redis/tls.h"

typedef struct emqxi_link {
    int fd; /* -1: not connected */
    redisReader *reader;
    emqxi_tls *tls;      /* NULL: plain */
    bool answered;       /* a reply has come */
    const char *problem; /* why a call has failed, said of the server; "": no memory */
    bool lasting;        /* it will not pass by itself */
} emqxi_link;

/* What all times are measured by, also those at which Redis was last met: while this machine is
 * suspended, what is kept there grows old. */
static inline int64_t emqxi_link_now(void)
{
    return emqxi_now(&emqxi_system_clock);
}

/* Connects; what is not over at `until` has failed. */
bool emqxi_link_open(emqxi_link *l, const emqxi_redis_url *url, int64_t until);
void emqxi_link_close(emqxi_link *l);

bool emqxi_link_send(emqxi_link *l, int count, const char **arguments, int64_t until);

/* The next reply, to be freed with freeReplyObject. NULL: it has failed. */
redisReply *emqxi_link_read(emqxi_link *l, int64_t until);

#endif
