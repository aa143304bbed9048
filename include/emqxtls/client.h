/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file client.h
 * @brief A client, and the four calls of the platform: blocking, and asynchronous for event loops.
 *
 * Each call takes one slot of the quota for each exchange. A read is repeated at most twice, after
 * a connection failure, a timeout, 408, 425, 502, 503 or 504, and each repeat is paid for. A write is
 * repeated only when it provably was not sent. 401, 403, 404, 422, 429 and a server certificate
 * that does not verify are never repeated.
 *
 * Threads: one at a time is in a client, but for emqx_tls_client_interrupt. While one is, every
 * call of another returns #EMQX_TLS_E_INVALID, or does nothing where it returns no code. A limiter
 * may be shared by all. After a fork the child makes its own: every call on an inherited client
 * returns #EMQX_TLS_E_INVALID.
 *
 * Asynchronous: submit, then call emqx_tls_client_run whenever emqx_tls_client_fd is readable (or
 * after emqx_tls_client_next_ms), until `done` has come.
 *
 * @code
 * emqx_tls_config config;
 * emqx_tls_config_init(&config);
 * config.endpoint = "https://HOST/public_api/v1";
 * config.api_key = key;
 * config.api_secret = secret;
 * emqx_tls_error error;
 * emqx_tls_error_init(&error);
 * if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
 *     fail(error.message);
 * emqx_tls_status status;
 * emqx_tls_status_init(&status);
 * code = emqx_tls_get(client, "ge6a1a75", &status, &error);
 * emqx_tls_client_free(client);
 * @endcode
 */
#ifndef EMQXTLS_CLIENT_H
#define EMQXTLS_CLIENT_H

#include <emqxtls/limiter.h>
#include <emqxtls/transport.h>
#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A client. Made by emqx_tls_client_new, freed by emqx_tls_client_free. */
typedef struct emqx_tls_client emqx_tls_client;
/** An asynchronous call that was submitted. Valid until its `done` returns. */
typedef struct emqx_tls_call emqx_tls_call;

/** Of config.flags. */
enum emqx_tls_config_flag {
    /** http to a loopback address, never through a proxy. */
    EMQX_TLS_ALLOW_HTTP_LOOPBACK = 0x1,
    /** No local check. The bytes go out as they were given (still valid UTF-8). */
    EMQX_TLS_SKIP_CHECK = 0x2
};
/** @cond */
#define EMQX_TLS_ALLOW_HTTP_LOOPBACK 0x1u
#define EMQX_TLS_SKIP_CHECK          0x2u
/** @endcond */

/** What a client is made of. All strings and vtables are copied by emqx_tls_client_new. */
typedef struct emqx_tls_config {
    uint32_t size;  /**< Set by the init. */
    uint32_t flags; /**< #EMQX_TLS_ALLOW_HTTP_LOOPBACK | #EMQX_TLS_SKIP_CHECK. */
    /** "https://HOST/PATH", without user information, query or fragment. */
    const char *endpoint;
    const char *api_key;    /**< Not empty, no control characters, no ':'. */
    const char *api_secret; /**< Not empty, no control characters. */
    /** A PEM file of CA certificates for the platform's server; NULL: the system's. For libcurl's
     *  transport alone, as is proxy. */
    const char *ca_file;
    const char *proxy;           /**< URL of an HTTP proxy; NULL: the environment's, "": none. */
    uint32_t connect_timeout_ms; /**< 10000; 1 to 86400000. Bounds a connection. */
    /** 30000; 1 to 86400000. Bounds a call with its repeats, all but waiting for quota. */
    uint32_t timeout_ms;
    /** 0: fail at once when there is no quota. Else wait for it, and for a store that is locked or
     *  away, at most so long. */
    uint32_t quota_wait_ms;
    uint32_t reserved;         /**< 0. */
    emqx_tls_limiter *limiter; /**< The client takes a reference; NULL: its own in memory. */
    /** Owned by the client (destroy) once emqx_tls_client_new has succeeded; NULL: libcurl. */
    const emqx_tls_transport *transport;
    const emqx_tls_clock *clock;         /**< NULL: CLOCK_BOOTTIME. */
    const emqx_tls_allocator *allocator; /**< NULL: malloc. */
    emqx_tls_log_fn log;                 /**< NULL: none. */
    void *log_user;                      /**< For log. */
    /** Told once, by emqx_tls_client_free and behind the last line, that log_user is not needed any
     * more; not in the child of a fork. NULL: nobody is. One that throws just returns. */
    void (*log_destroy)(void *log_user);
} emqx_tls_config;
EMQX_TLS_INIT_(config)

/**
 * Makes a client. Nothing is sent.
 *
 * @param config       Set up by emqx_tls_config_init. Borrowed during the call: what it points to
 *                     is copied.
 * @param[out] client  The client: free it with emqx_tls_client_free. NULL if it fails; the
 *                     transport is then still the caller's.
 * @param[out] error   How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It was made.
 * @retval EMQX_TLS_E_INVALID    A member is not valid, or ca_file can't be read: the message names
 *                               it and the mend.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory, or of descriptors.
 * @retval EMQX_TLS_E_TRANSPORT  libcurl can't be set up.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_client_new(const emqx_tls_config *config,
                                                                  emqx_tls_client **client,
                                                                  emqx_tls_error *error);

/**
 * Frees a client. Calls in flight end with CANCELLED, and their `done` runs from here; but not in
 * the child of a fork, whose parent still has them.
 *
 * @param client  May be NULL.
 * @par Threads
 * Any. Inside `done`, or while another thread is in the client, it is carried out when the call
 * that is under way returns; a blocking one then ends with CANCELLED.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_client_free(emqx_tls_client *client);

/**
 * The client's limiter.
 *
 * @param client  May be NULL.
 * @return Borrowed: take a reference with emqx_tls_limiter_ref to keep it longer than the client.
 * NULL for NULL.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_limiter *emqx_tls_client_limiter(emqx_tls_client *client);

/**
 * Makes the blocking call that runs return CANCELLED, or emqx_tls_client_run return. Where none
 * runs, the next one does; emqx_tls_client_run(client, 0, error) takes that back.
 *
 * @param client  Borrowed; must not be freed meanwhile.
 * @par Threads
 * Any thread. A signal handler too, if the transport's `wake` allows it; libcurl's default does.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_client_interrupt(emqx_tls_client *client);

/* -- the four calls, blocking ------------------------------------------------------------------ */

/**
 * Reads the status of a deployment's certificate (GET). Costs one read, and one for each repeat.
 *
 * {} and an empty body are the state ABSENT.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param[out] status    Filled if OK, else all zero with expire INT64_MIN; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               *status is what the platform says.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork, while
 *                                   another thread is in the client. Nothing
 *                                   was sent, no quota used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether it was sent.
 * @retval EMQX_TLS_E_RATE_LIMITED   No quota, and quota_wait_ms can't cover the wait (http_status
 *                                   0, nothing was sent); or a 429. error.retry_after_ms tells how
 *                                   long.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery tells whether it may
 *                                   have arrived.
 * @retval EMQX_TLS_E_TIMEOUT        A deadline passed; error.delivery as above.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt; error.delivery as above.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_NOT_FOUND      404: no such deployment, or no certificate on it.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used; nothing was sent.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_code emqx_tls_get(emqx_tls_client *client, const char *deployment_id,
                                        emqx_tls_status *status, emqx_tls_error *error);

/**
 * Creates a certificate on a deployment that has none (POST). Costs one write.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param request        The certificate. Borrowed during the call.
 * @param[out] status    Filled if OK, else all zero with expire INT64_MIN; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               The platform took it. The state is usually PENDING.
 * @retval EMQX_TLS_E_CHECK          The local check refuses the certificate; nothing was sent.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork, while
 *                                   another thread is in the client. Nothing
 *                                   was sent, no quota used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether it was sent.
 * @retval EMQX_TLS_E_RATE_LIMITED   No quota, and quota_wait_ms can't cover the wait (http_status
 *                                   0, nothing was sent); or a 429. error.retry_after_ms tells how
 *                                   long.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery tells whether it may
 *                                   have arrived.
 * @retval EMQX_TLS_E_TIMEOUT        A deadline passed; error.delivery as above.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt; error.delivery as above.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_NOT_FOUND      404: no such deployment.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be: it was probably
 *                                   carried out.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used; nothing was sent.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_create(emqx_tls_client *client,
                                                              const char *deployment_id,
                                                              const emqx_tls_request *request,
                                                              emqx_tls_status *status,
                                                              emqx_tls_error *error);

/**
 * Replaces the certificate of a deployment (PUT). Costs one write.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param request        The certificate. Borrowed during the call.
 * @param[out] status    Filled if OK, else all zero with expire INT64_MIN; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               The platform took it. The state is usually PENDING.
 * @retval EMQX_TLS_E_CHECK          The local check refuses the certificate; nothing was sent.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork, while
 *                                   another thread is in the client. Nothing
 *                                   was sent, no quota used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether it was sent.
 * @retval EMQX_TLS_E_RATE_LIMITED   No quota, and quota_wait_ms can't cover the wait (http_status
 *                                   0, nothing was sent); or a 429. error.retry_after_ms tells how
 *                                   long.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery tells whether it may
 *                                   have arrived.
 * @retval EMQX_TLS_E_TIMEOUT        A deadline passed; error.delivery as above.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt; error.delivery as above.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_NOT_FOUND      404: no such deployment.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be: it was probably
 *                                   carried out.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used; nothing was sent.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_update(emqx_tls_client *client,
                                                              const char *deployment_id,
                                                              const emqx_tls_request *request,
                                                              emqx_tls_status *status,
                                                              emqx_tls_error *error);

/**
 * Deletes a deployment's certificate (DELETE). Costs one write. It disconnects every client on the
 * ports 8883 and 8084.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               Any 2xx.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork, while
 *                                   another thread is in the client. Nothing
 *                                   was sent, no quota used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether it was sent.
 * @retval EMQX_TLS_E_RATE_LIMITED   No quota, and quota_wait_ms can't cover the wait (http_status
 *                                   0, nothing was sent); or a 429. error.retry_after_ms tells how
 *                                   long.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery tells whether it may
 *                                   have arrived.
 * @retval EMQX_TLS_E_TIMEOUT        A deadline passed; error.delivery as above.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt; error.delivery as above.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_NOT_FOUND      404: no such deployment, or no certificate on it.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       An answer that makes no sense.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used; nothing was sent.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_delete(emqx_tls_client *client,
                                                              const char *deployment_id,
                                                              emqx_tls_error *error);

/* -- asynchronous ------------------------------------------------------------------------------ */

/**
 * Told that a call is over. It comes exactly once for each accepted submit, from
 * emqx_tls_client_run, a blocking call or emqx_tls_client_free; never from submit or cancel. Inside
 * it submit, cancel and emqx_tls_client_free are allowed. Run and the blocking calls are not. One
 * that throws just returns: the call is over all the same.
 *
 * @param user  As given to the submit.
 * @param call  The call, for emqx_tls_call_result; gone when this returns.
 * @param code  How it ended.
 */
typedef void (*emqx_tls_done_fn)(void *user, emqx_tls_call *call, emqx_tls_code code);

/**
 * Starts one of the four calls. What is wrong with an argument, and a refusal of the local check,
 * is returned here, and `done` never follows. All else comes by `done`.
 *
 * @param client         Borrowed.
 * @param op             EMQX_TLS_OP_*.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param request        Needed for CREATE and UPDATE, else NULL. Copied.
 * @param done           Told how it ended.
 * @param user           For done.
 * @param[out] call      For emqx_tls_cancel, valid until done returns; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It was started: done will come.
 * @retval EMQX_TLS_E_INVALID    An argument, after a fork, or another thread is in the client.
 * @retval EMQX_TLS_E_CHECK      The local check refuses the certificate.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory.
 * @par Threads
 * One thread at a time in a client. Inside `done` too.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_submit(emqx_tls_client *client, uint32_t op,
                                                              const char *deployment_id,
                                                              const emqx_tls_request *request,
                                                              emqx_tls_done_fn done, void *user,
                                                              emqx_tls_call **call,
                                                              emqx_tls_error *error);

/**
 * Copies a call's results, inside `done`. Before that, while the call is under way, the status is
 * the last one that it saw (state UNKNOWN: none yet), for a display of progress.
 *
 * @param call         Borrowed.
 * @param[out] status  May be NULL.
 * @param[out] error   May be NULL.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_call_result(const emqx_tls_call *call, emqx_tls_status *status,
                                       emqx_tls_error *error);

/**
 * Ends a call: its `done` comes with CANCELLED from the next run, or from emqx_tls_client_free. A
 * call that is over already, and waits for its `done`, keeps its result. What has left is not taken
 * back: error.delivery tells.
 *
 * @param client  Borrowed.
 * @param call    From the submit; its `done` has not returned yet.
 * @par Threads
 * One thread at a time in a client. Inside `done` too.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_cancel(emqx_tls_client *client, emqx_tls_call *call);

/**
 * Moves all calls on, and runs the `done` of those that are over. It waits until at least one is,
 * or until nothing is pending. With a transport that blocks in `start` it first carries out all
 * that may leave. A call's own failure is told to its `done`, not here.
 *
 * @param client      Borrowed.
 * @param timeout_ms  Wait for at most so long; 0: not at all, -1: no limit.
 * @param[out] error  How it ended; may be NULL.
 * @retval EMQX_TLS_OK           Something was done, the time is over, or nothing is pending.
 * @retval EMQX_TLS_E_INVALID    Inside `done`, after a fork, or another thread is in the client.
 * @retval EMQX_TLS_E_CANCELLED  emqx_tls_client_interrupt.
 * @retval EMQX_TLS_E_TRANSPORT  The transport can't poll.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_code emqx_tls_client_run(emqx_tls_client *client, int timeout_ms,
                                               emqx_tls_error *error);

/**
 * A descriptor for poll, epoll or an event loop: as long as it is readable, call
 * emqx_tls_client_run(client, 0, error). It is level-triggered: after one run it may still be
 * readable, so who watches it with EPOLLET runs until poll(2) says that it is not.
 *
 * @param client  May be NULL.
 * @return It stays the same, and is closed by emqx_tls_client_free. -1: there is none, since the
 * transport has no `fd`: use emqx_tls_client_next_ms.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
EMQX_TLS_API int emqx_tls_client_fd(emqx_tls_client *client);

/**
 * How long emqx_tls_client_run may be left out. Who has no descriptor goes by this alone; it is
 * short while a request is on its way, since only run finds the answer then.
 *
 * @param client  May be NULL.
 * @return Milliseconds until run must be called at the latest; 0: now, -1: nothing is pending (or
 * NULL, after a fork, another thread is in the client).
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
EMQX_TLS_API int64_t emqx_tls_client_next_ms(emqx_tls_client *client);

/**
 * How many calls are under way.
 *
 * @param client  May be NULL.
 * @return Calls whose `done` has not come yet; 0 for NULL.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
EMQX_TLS_API size_t emqx_tls_client_pending(const emqx_tls_client *client);

#ifdef __cplusplus
}
#endif
#endif
