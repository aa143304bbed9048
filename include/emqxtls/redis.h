/* SPDX-License-Identifier: MIT
 *
 * redis.h - a quota that hosts share, kept in Redis 7 or Valkey. In a library of its own:
 * libemqxtls-redis, pkg-config emqxtls-redis, so that nobody else depends on hiredis. Not included
 * by emqxtls.h.
 *
 *     emqx_tls_limiter *limiter;
 *     code = emqx_tls_limiter_open_redis("redis://:PASSWORD@quota.example:6379/0",
 *     "emqxtls:our-key", NULL, &limiter, &error); config.limiter = limiter;
 */
#ifndef EMQXTLS_REDIS_H
#define EMQXTLS_REDIS_H

#include <emqxtls/limiter.h>

#ifdef __cplusplus
extern "C" {
#endif

/* limiter_config.flags, for this store alone: while Redis is away, reads go on, counted in this
 * process's memory, so that each process can make `reads` of them in a window. Without it they fail
 * with STORE. Writes always do. */
#define EMQX_TLS_READS_WITHOUT_STORE 0x100u

/* Opens a limiter in Redis. It connects once to see that the server, the password and the settings
 * are right; later it reconnects by itself.
 *
 * url: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS (if this build's hiredis
 * has its TLS part), or unix://[[USER]:PASSWORD@]/PATH[?db=DATABASE]. USER and PASSWORD
 * percent-encoded. It is copied, and wiped when freed.
 *
 * prefix: what the names of all keys begin with; one prefix is for one API key. NULL: "emqxtls".
 * All keys expire by themselves when they are not needed any more.
 *
 * config: as emqx_tls_limiter_new, and EMQX_TLS_READS_WITHOUT_STORE. All who share a prefix need
 * the same limits and window; others are told so with STORE. `clock` is used for waiting only: the
 * time that counts is the Redis server's own.
 *
 * What it promises: one atomic script for each step, so what one host reserves every other host
 * sees. It holds as long as Redis keeps its data: turn on `appendonly`, and `appendfsync always` if
 * a crash of Redis itself must lose nothing (with `everysec` it may forget its last two seconds),
 * and turn eviction off (`maxmemory-policy noeviction`). A replica that takes over may lack the
 * last steps. A Redis that began less than a window ago without appendonly, or that has lost what
 * this process knew, may have forgotten what was used: STORE until that can't matter any more. Its
 * clock must not be stepped forwards.
 *
 * Threads: as every limiter. Each step waits at most 2 s for an answer and 5 s in all, connecting
 * included but not the look-up of the host's name. After a fork the child connects anew.
 *
 * Errors: INVALID (url, prefix, config; rediss:// without TLS in this build), NO_MEMORY, STORE (not
 * reachable, refused, or other settings under this prefix). */
EMQX_TLS_API emqx_tls_code emqx_tls_limiter_open_redis(const char *url, const char *prefix,
                                                       const emqx_tls_limiter_config *config,
                                                       emqx_tls_limiter **limiter,
                                                       emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
