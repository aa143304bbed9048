/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file redis.h
 * @brief A quota that hosts share, kept in Redis 7 or Valkey.
 *
 * In a library of its own, libemqxtls-redis (pkg-config emqxtls-redis), so that nobody else depends
 * on hiredis. Not included by emqxtls.h.
 *
 * @code
 * const char *url = "redis://:PASSWORD@quota.example:6379/0";
 * emqx_tls_limiter *shared;
 * code = emqx_tls_limiter_open_redis(url, "emqxtls:our-key", NULL, &shared, &error);
 * config.limiter = shared;
 * @endcode
 */
#ifndef EMQXTLS_REDIS_H
#define EMQXTLS_REDIS_H

#include <emqxtls/limiter.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of limiter_config.flags, for the store in Redis alone. */
enum emqx_tls_redis_flag {
    /** While Redis is away reads go on, counted in this process's memory, so that each process can
     * make `reads` of them in a window. Without it they fail with STORE. Writes always do. */
    EMQX_TLS_READS_WITHOUT_STORE = 0x100
};
/** @cond */
#define EMQX_TLS_READS_WITHOUT_STORE 0x100u
/** @endcond */

/**
 * Opens a limiter in Redis. It connects once to see that the server, the password and the settings
 * are right. Later it reconnects by itself.
 *
 * Each step is one atomic script, so what one host reserves every other host sees. That holds as
 * long as Redis keeps its data. Turn on `appendonly`, and `appendfsync always` if a crash of Redis
 * itself must lose nothing; with `everysec` it may forget its last two seconds. Turn eviction off
 * (`maxmemory-policy noeviction`). A replica that takes over may lack the last steps.
 *
 * A Redis that began less than a window ago without appendonly, or that has lost what this process
 * knew, may have forgotten what was used: calls fail with STORE until that can't matter any more.
 * Its clock must not be stepped forwards.
 *
 * Each step waits at most 2 s for an answer, and 5 s in all, connecting included but not the
 * look-up of the host's name. All keys expire by themselves when they are not needed any more. In a
 * child after a fork it connects anew.
 *
 * With TLS the server's certificate must be for the host or address of the URL, which is checked
 * before the password is sent.
 *
 * A Redis that is away, loading, read-only or busy is asked again by the calls that need it, until
 * their own time is over. Whatever it answers, this process sends no more than the limit.
 *
 * @param url           redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE],
 *                      rediss://... for TLS, or unix://[[USER]:PASSWORD@]/PATH[?db=DATABASE].
 *                      Behind rediss://... may follow ?ca=PATH (CA certificates in a file or
 *                      folder; else the system's, or SSL_CERT_FILE and SSL_CERT_DIR), and
 *                      cert=PATH&key=PATH (our own). All is percent-encoded. Copied, and wiped when
 *                      freed.
 * @param prefix        What the names of all keys begin with. One prefix is for one API key. NULL:
 *                      "emqxtls". With Redis Cluster put it into braces, such as
 *                      "{emqxtls}".
 * @param config        As for emqx_tls_limiter_new, and #EMQX_TLS_READS_WITHOUT_STORE. All who
 *                      share a prefix need the same limits and window. The time that
 *                      counts is the Redis server's own; `clock` is for waiting, and for what this
 *                      process counts itself.
 * @param[out] limiter  The caller owns its one reference. NULL if it fails.
 * @param[out] error    How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It is open.
 * @retval EMQX_TLS_E_INVALID    url, prefix or config; rediss:// without TLS in this build.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory.
 * @retval EMQX_TLS_E_STORE      Not reachable, refused, or other settings under this prefix.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_limiter_open_redis(
    const char *url, const char *prefix, const emqx_tls_limiter_config *config,
    emqx_tls_limiter **limiter, emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
