/* SPDX-License-Identifier: MIT */
#include "redis/connection.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#ifdef EMQXI_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

#define ARGUMENTS_MAX 16
#define RETRY_MS      250

static const char script[] =
#include "quota.lua.inc"
    ;

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *where(const emqxi_redis *r)
{
    return r->url.path ? r->url.path : r->url.host;
}

static void drop(emqxi_redis *r)
{
    if (r->link)
        redisFree(r->link);
    r->link = NULL;
    r->told = 0;
}

/* What is left of a step's time, and of the patience with one answer. */
static int64_t patience_left(const emqxi_redis *r)
{
    return EMQXI_MIN(r->deadline_ms - monotonic_ms(), EMQXI_REDIS_PATIENCE_MS);
}

/* Sends what is to be sent and reads an answer; false: the connection failed, or (errno EAGAIN) it
 * took too long. Not redisGetReply: that waits anew for each piece of an answer. */
static bool read_answer(emqxi_redis *r, void **reply)
{
    int written = 0;
    *reply = NULL;
    while (!written)
        if (redisBufferWrite(r->link, &written) != REDIS_OK)
            return false;
    while (redisGetReplyFromReader(r->link, reply) == REDIS_OK) {
        if (*reply)
            return true;
        struct pollfd readable = {.fd = r->link->fd, .events = POLLIN};
        int64_t left = patience_left(r);
        if (left <= 0 || poll(&readable, 1, (int)left) == 0) {
            r->link->err = REDIS_ERR_IO;
            errno = EAGAIN;
            return false;
        }
        if (redisBufferRead(r->link) != REDIS_OK)
            return false;
    }
    return false;
}

/* Reads the answers to what was told: nobody waits for them. */
static bool read_told(emqxi_redis *r)
{
    for (; r->told > 0; r->told--) {
        void *reply;
        if (!read_answer(r, &reply))
            return false;
        freeReplyObject(reply);
    }
    return true;
}

/* Sends a command and waits for its answer; NULL: the connection failed. */
static redisReply *ask(emqxi_redis *r, int count, const char **arguments)
{
    void *reply = NULL;
    if (redisAppendCommandArgv(r->link, count, arguments, NULL) != REDIS_OK || !read_told(r) ||
        !read_answer(r, &reply))
        return NULL;
    return reply;
}

static emqx_tls_code away(emqxi_redis *r, emqx_tls_error *error, const char *what)
{
    emqxi_refuse(error, EMQX_TLS_E_STORE, "the quota's Redis at %s %s", where(r), what);
    drop(r);
    r->retry_ms = monotonic_ms() + RETRY_MS;
    return EMQX_TLS_E_STORE;
}

static const char not_redis[] = "answers as no Redis does: is the address right?";

/* Redis has answered with an error. It names no secrets, but only its first word is told. */
static void refused(emqxi_redis *r, emqx_tls_error *error, const char *what, const char *answer,
                    const char *check)
{
    char text[160];
    bool wrong_type = strncmp(answer, "WRONGTYPE", 9) == 0;
    snprintf(text, sizeof text, "refuses %s (%.*s): %s", what,
             (int)EMQXI_MIN(strcspn(answer, " "), 24), answer,
             wrong_type ? "something else has a key under the quota's prefix, use another prefix"
                        : check);
    away(r, error, text);
}

/* A command whose answer must be of a type, or none where there is nothing; NULL: away() was
 * called. */
static redisReply *command(emqxi_redis *r, int count, const char **arguments, int type,
                           emqx_tls_error *error)
{
    redisReply *reply = ask(r, count, arguments);
    if (reply && (reply->type == type || reply->type == REDIS_REPLY_NIL))
        return reply;
    if (!reply)
        away(r, error, "does not answer: is it running?");
    else if (reply->type == REDIS_REPLY_ERROR)
        refused(r, error, arguments[0], reply->str, "check its user, password and database");
    else
        away(r, error, not_redis);
    freeReplyObject(reply);
    return NULL;
}

static emqx_tls_code simple(emqxi_redis *r, int count, const char **arguments,
                            emqx_tls_error *error)
{
    redisReply *reply = command(r, count, arguments, REDIS_REPLY_STATUS, error);
    if (!reply)
        return EMQX_TLS_E_STORE;
    freeReplyObject(reply);
    return EMQX_TLS_OK;
}

#ifdef EMQXI_HIREDIS_SSL
/* A connection for TLS that trusts a server only if a CA of the system's vouches for it under the
 * name, or the address, that we were given. NULL: no memory. */
static SSL *new_tls(const char *host)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    if (context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_default_verify_paths(context) == 1)
        ssl = SSL_new(context);
    SSL_CTX_free(context); /* the connection has its own reference */
    if (!ssl)
        return NULL;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return ssl;
    if (SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}
#endif

/* Before the password leaves: the server must be the one that it is for. */
static emqx_tls_code start_tls(emqxi_redis *r, emqx_tls_error *error)
{
#ifdef EMQXI_HIREDIS_SSL
    SSL *ssl = new_tls(r->url.host);
    if (ssl && redisInitiateSSL(r->link, ssl) == REDIS_OK)
        return EMQX_TLS_OK;
    SSL_free(ssl);
    return away(r, error,
                "has no TLS that can be trusted: check its certificate, and that it is for this "
                "name or address");
#else
    return away(r, error, "needs TLS, which this build lacks");
#endif
}

static emqx_tls_code open_link(emqxi_redis *r, emqx_tls_error *error)
{
    const int64_t left = EMQXI_MAX(patience_left(r), 1);
    const struct timeval patience = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    char database[16];
    r->sha1[0] = '\0';
    r->link = r->url.path ? redisConnectUnixWithTimeout(r->url.path, patience)
                          : redisConnectWithTimeout(r->url.host, r->url.port, patience);
    if (!r->link)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a connection to Redis");
    if (r->link->err)
        return away(r, error, "can't be reached: is it running?");
    redisSetTimeout(r->link, patience);
    if (r->url.tls && start_tls(r, error) != EMQX_TLS_OK)
        return EMQX_TLS_E_STORE;
    if (r->url.password) {
        const char *with_user[] = {"AUTH", r->url.user, r->url.password},
                   *without[] = {"AUTH", r->url.password};
        if (simple(r, r->url.user ? 3 : 2, r->url.user ? with_user : without, error) != EMQX_TLS_OK)
            return EMQX_TLS_E_STORE;
    }
    snprintf(database, sizeof database, "%d", r->url.database);
    const char *select[] = {"SELECT", database};
    return r->url.database ? simple(r, 2, select, error) : EMQX_TLS_OK;
}

/* A number behind NAME: in the text that INFO gives; -1: none. */
static int64_t info_number(const char *info, const char *name)
{
    const char *at = strstr(info, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* Until when (Redis's clock) what was used before must be thought of as still used, if there is no
 * epoch there. 0: there was nothing. */
static emqx_tls_code unknown_until(emqxi_redis *r, int64_t *until, emqx_tls_error *error)
{
    const char *info[] = {"INFO"}, *time_command[] = {"TIME"};
    *until = 0;
    redisReply *reply = command(r, 1, info, REDIS_REPLY_STRING, error);
    if (!reply)
        return EMQX_TLS_E_STORE;
    if (reply->type != REDIS_REPLY_STRING) {
        freeReplyObject(reply);
        return away(r, error, not_redis);
    }
    int64_t up_ms = info_number(reply->str, "uptime_in_seconds:") * 1000;
    bool keeps = info_number(reply->str, "aof_enabled:") == 1;
    freeReplyObject(reply);
    if (!(reply = command(r, 1, time_command, REDIS_REPLY_ARRAY, error)))
        return EMQX_TLS_E_STORE;
    bool told = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                reply->element[0]->type == REDIS_REPLY_STRING;
    int64_t now = told ? strtoll(reply->element[0]->str, NULL, 10) * 1000 : 0;
    freeReplyObject(reply);
    if (!told)
        return away(r, error, not_redis);
    if (r->epoch[0] && monotonic_ms() - r->seen_ms < r->held_ms)
        *until =
            now + r->held_ms; /* there was an epoch, and it has not expired: the data got lost */
    else if (!keeps && up_ms < r->held_ms)
        *until =
            now - up_ms + r->held_ms; /* it may have held something before it was started again */
    return EMQX_TLS_OK;
}

/* Everybody who shares the prefix must count alike. */
static emqx_tls_code compare_settings(emqxi_redis *r, emqx_tls_error *error)
{
    const char *until = strchr(r->epoch, ':'), *settings = until ? strchr(until + 1, ':') : NULL;
    if (settings && strcmp(settings + 1, r->settings) == 0)
        return EMQX_TLS_OK;
    emqxi_refuse(error, EMQX_TLS_E_STORE,
                 "Redis keeps a quota of %s under the prefix %s, not of %s (reads/writes/window in "
                 "ms/flags): use the "
                 "same settings on "
                 "every host, or another prefix",
                 settings ? settings + 1 : "something else", r->prefix, r->settings);
    r->epoch[0] = '\0';
    return EMQX_TLS_E_STORE;
}

/* Takes the epoch that is there, or makes one. */
static emqx_tls_code join_epoch(emqxi_redis *r, emqx_tls_error *error)
{
    char key[320], lifetime[32], made[128];
    int64_t until;
    snprintf(key, sizeof key, "%s:epoch", r->prefix);
    snprintf(lifetime, sizeof lifetime, "%" PRId64, 2 * r->held_ms);
    const char *get[] = {"GET", key};
    for (int i = 0; i < 2; i++) {
        redisReply *reply = command(r, 2, get, REDIS_REPLY_STRING, error);
        if (!reply)
            return EMQX_TLS_E_STORE;
        bool there = reply->type == REDIS_REPLY_STRING && reply->len < sizeof r->epoch;
        if (there)
            memcpy(r->epoch, reply->str, reply->len + 1);
        freeReplyObject(reply);
        if (there) {
            r->seen_ms = monotonic_ms();
            return compare_settings(r, error);
        }
        if (unknown_until(r, &until, error) != EMQX_TLS_OK)
            return EMQX_TLS_E_STORE;
        snprintf(made, sizeof made, "%016" PRIx64 ":%" PRId64 ":%s", emqxi_random(), until,
                 r->settings);
        const char *set[] = {"SET", key, made, "NX", "PX", lifetime};
        if (simple(r, 6, set, error) != EMQX_TLS_OK)
            return EMQX_TLS_E_STORE;
    }
    return away(r, error,
                "does not keep what it is told: check its memory limit and eviction policy");
}

emqx_tls_code emqxi_redis_connect(emqxi_redis *r, emqx_tls_error *error)
{
    if (r->forks != emqxi_fork_count()) {
        drop(r); /* the parent's connection: only this process's copy of it is closed */
        r->forks = emqxi_fork_count();
        r->retry_ms = 0;
    }
    if (r->link)
        return EMQX_TLS_OK;
    if (monotonic_ms() < r->retry_ms)
        return emqxi_refuse(error, EMQX_TLS_E_STORE,
                            "the quota's Redis at %s could not be reached just now", where(r));
    emqx_tls_code code = open_link(r, error);
    return code == EMQX_TLS_OK ? join_epoch(r, error) : code;
}

/* EVALSHA with its arguments. */
typedef struct evalsha {
    char epoch_key[320], lifetime[32];
    const char *arguments[ARGUMENTS_MAX];
    int count;
} evalsha;

static void prepare(emqxi_redis *r, const char *scope, int count, const char *const *own,
                    evalsha *e)
{
    const char *fixed[] = {"EVALSHA", r->sha1, "2", scope, e->epoch_key, r->epoch, e->lifetime};
    int64_t now = monotonic_ms();
    snprintf(e->epoch_key, sizeof e->epoch_key, "%s:epoch", r->prefix);
    strcpy(e->lifetime, "0");
    if (!r->renewed_ms || now - r->renewed_ms > r->held_ms / 4) {
        snprintf(e->lifetime, sizeof e->lifetime, "%" PRId64, 2 * r->held_ms);
        r->renewed_ms = now;
    }
    memcpy(e->arguments, fixed, sizeof fixed);
    e->count = (int)(sizeof fixed / sizeof fixed[0]);
    for (int i = 0; i < count; i++)
        e->arguments[e->count++] = own[i];
}

/* Evaluates, loading the script where Redis does not know it (yet, or any more). */
static redisReply *evaluate(emqxi_redis *r, evalsha *e)
{
    redisReply *reply = NULL;
    if (r->sha1[0]) {
        reply = ask(r, e->count, e->arguments);
        if (!reply || reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "NOSCRIPT", 8) != 0)
            return reply;
        freeReplyObject(reply);
    }
    const char *load[] = {"SCRIPT", "LOAD", script};
    reply = ask(r, 3, load);
    if (!reply || reply->type != REDIS_REPLY_STRING || reply->len >= sizeof r->sha1)
        return reply;
    memcpy(r->sha1, reply->str, reply->len + 1);
    freeReplyObject(reply);
    return ask(r, e->count, e->arguments);
}

/* Numbers, as quota.lua gives them. What is behind an address need not be Redis. */
static bool of_the_script(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    return reply->element[0]->integer != -3 || reply->elements == 2;
}

/* hiredis writes without MSG_NOSIGNAL: a connection that is gone would end the process by SIGPIPE.
 * It is held back on this thread, and taken away if a write raised it. */
static bool pipe_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static redisReply *take_step(emqxi_redis *r, const char *scope, int count,
                             const char *const *arguments, emqx_tls_error *error)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        if (emqxi_redis_connect(r, error) != EMQX_TLS_OK)
            return NULL;
        evalsha e;
        prepare(r, scope, count, arguments, &e);
        redisReply *reply = evaluate(r, &e);
        /* lost, since Redis was started again, say: a step whose answer got lost holds its slot at
         * worst */
        if (!reply) {
            bool last = attempt == 2 || (r->link->err == REDIS_ERR_IO && errno == EAGAIN);
            away(r, error, "does not answer: is it running?");
            if (last)
                return NULL;
            r->retry_ms = 0;
            continue;
        }
        if (of_the_script(reply)) {
            if (reply->element[0]->integer != -1) {
                r->seen_ms = monotonic_ms();
                return reply;
            }
            freeReplyObject(reply); /* the data there is not what we knew */
            r->renewed_ms = 0;
            if (join_epoch(r, error) != EMQX_TLS_OK)
                return NULL;
            continue;
        }
        if (reply->type == REDIS_REPLY_ERROR)
            refused(r, error, "the quota's script", reply->str,
                    "it must be Redis 7 or Valkey, and may write");
        else
            away(r, error, not_redis);
        freeReplyObject(reply);
        return NULL;
    }
    away(r, error, "does not keep what it is told: check its memory limit and eviction policy");
    return NULL;
}

typedef struct quiet {
    sigset_t pipe_only, before;
    bool theirs;
} quiet;

static void be_quiet(quiet *q)
{
    sigemptyset(&q->pipe_only);
    sigaddset(&q->pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &q->pipe_only, &q->before);
    q->theirs = pipe_pending();
}

static void be_as_before(const quiet *q)
{
    if (!q->theirs && pipe_pending())
        sigtimedwait(&q->pipe_only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

redisReply *emqxi_redis_step(emqxi_redis *r, const char *scope, int count,
                             const char *const *arguments, emqx_tls_error *error)
{
    quiet q;
    be_quiet(&q);
    r->deadline_ms = monotonic_ms() + EMQXI_REDIS_STEP_MS;
    redisReply *reply = take_step(r, scope, count, arguments, error);
    be_as_before(&q);
    return reply;
}

static emqx_tls_code send_step(emqxi_redis *r, const char *scope, int count,
                               const char *const *arguments, emqx_tls_error *error)
{
    evalsha e;
    int written = 0;
    if (emqxi_redis_connect(r, error) != EMQX_TLS_OK)
        return EMQX_TLS_E_STORE;
    if (!r->sha1[0]) {
        redisReply *reply = take_step(r, scope, count, arguments, error);
        freeReplyObject(reply);
        return reply ? EMQX_TLS_OK : EMQX_TLS_E_STORE;
    }
    prepare(r, scope, count, arguments, &e);
    bool sent = redisAppendCommandArgv(r->link, e.count, e.arguments, NULL) == REDIS_OK;
    while (sent && !written)
        sent = redisBufferWrite(r->link, &written) == REDIS_OK;
    if (!sent || !read_told(r))
        return away(r, error, "does not answer: is it running?");
    r->told = 1;
    return EMQX_TLS_OK;
}

emqx_tls_code emqxi_redis_tell(emqxi_redis *r, const char *scope, int count,
                               const char *const *arguments, emqx_tls_error *error)
{
    quiet q;
    be_quiet(&q);
    r->deadline_ms = monotonic_ms() + EMQXI_REDIS_STEP_MS;
    emqx_tls_code code = send_step(r, scope, count, arguments, error);
    be_as_before(&q);
    return code;
}

void emqxi_redis_close(emqxi_redis *r)
{
    /* Closing with an answer unread would reset a TCP connection, and what was told last might be
     * thrown away with it. */
    r->deadline_ms = monotonic_ms() + EMQXI_REDIS_PATIENCE_MS;
    if (r->link && r->forks == emqxi_fork_count())
        read_told(r);
    drop(r);
    emqxi_redis_url_free(&r->allocator, &r->url);
    emqxi_free(&r->allocator, r->prefix);
}
