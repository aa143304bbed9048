/* SPDX-License-Identifier: MIT
 *
 * client.h - a client, and the four calls of the platform: blocking, and asynchronous for event
 * loops.
 *
 *     emqx_tls_config config;
 *     emqx_tls_config_init(&config);
 *     config.endpoint = "https://HOST/public_api/v1";
 *     config.api_key = key;
 *     config.api_secret = secret;
 *     emqx_tls_client *client;
 *     if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
 *         return fail(error.message);
 *     if (emqx_tls_get(client, "ge6a1a75", &status, &error) == EMQX_TLS_OK)
 *         printf("%s until %s\n", status.state_text, status.expire_text);
 *     emqx_tls_client_free(client);
 *
 * Threads: a client belongs to one thread at a time, but for emqx_tls_client_interrupt. A limiter
 * may be shared by all. After fork the child must make its own: every call on an inherited client
 * returns EMQX_TLS_E_INVALID.
 */
#ifndef EMQXTLS_CLIENT_H
#define EMQXTLS_CLIENT_H

#include <emqxtls/limiter.h>
#include <emqxtls/transport.h>
#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct emqx_tls_client emqx_tls_client;
typedef struct emqx_tls_call emqx_tls_call;

/* config.flags: http to a loopback address, never through a proxy */
#define EMQX_TLS_ALLOW_HTTP_LOOPBACK 0x1u
/* config.flags: no local check; bytes go out as given (still valid UTF-8) */
#define EMQX_TLS_SKIP_CHECK 0x2u

typedef struct emqx_tls_config {
    uint32_t size;
    uint32_t flags; /* EMQX_TLS_ALLOW_HTTP_LOOPBACK | EMQX_TLS_SKIP_CHECK */
    /* "https://HOST/PATH"; no user information, query or fragment. All strings are copied */
    const char *endpoint;
    const char *api_key;    /* not empty, no control characters, no ':' */
    const char *api_secret; /* not empty, no control characters */
    /* PEM file of CA certificates for the platform's server; NULL: the system's */
    const char *ca_file;
    const char *proxy;           /* URL of an HTTP proxy; NULL: from the environment, "": none */
    uint32_t connect_timeout_ms; /* 10000; 1 to 86400000 */
    /* 30000; 1 to 86400000: bounds a call with its repeats, all but waiting for quota */
    uint32_t timeout_ms;
    /* 0: fail at once when there is no quota; else wait for it at most so long */
    uint32_t quota_wait_ms;
    uint32_t reserved;
    /* NULL: its own in memory; the client takes its own reference */
    emqx_tls_limiter *limiter;
    /* NULL: libcurl; owned (destroy) once client_new has succeeded */
    const emqx_tls_transport *transport;
    const emqx_tls_clock *clock;         /* NULL: CLOCK_BOOTTIME */
    const emqx_tls_allocator *allocator; /* NULL: malloc */
    emqx_tls_log_fn log;                 /* NULL: none */
    void *log_user;
} emqx_tls_config;
EMQX_TLS_INIT_(config)

/* Makes a client. Nothing is sent. *client is NULL on failure, and the transport is then still the
 * caller's. Errors: INVALID (the message names the member and the mend; also a ca_file that can't
 * be read), NO_MEMORY (or no descriptors), TRANSPORT (libcurl can't be set up). */
EMQX_TLS_API emqx_tls_code emqx_tls_client_new(const emqx_tls_config *config,
                                               emqx_tls_client **client, emqx_tls_error *error);

/* Frees a client; NULL is fine. Calls in flight end with CANCELLED: their `done` runs from here,
 * but not in the child of a fork, whose parent still has them. Not from inside `done`: there it
 * does nothing. */
EMQX_TLS_API void emqx_tls_client_free(emqx_tls_client *client);

/* The client's limiter (NULL for NULL), borrowed: take a reference (emqx_tls_limiter_ref) to keep
 * it longer than the client. */
EMQX_TLS_API emqx_tls_limiter *emqx_tls_client_limiter(emqx_tls_client *client);

/* Any thread, and a signal handler if the transport's `wake` allows it (libcurl's default does):
 * the blocking call that runs returns CANCELLED, or emqx_tls_client_run returns. Where none runs,
 * the next one does. */
EMQX_TLS_API void emqx_tls_client_interrupt(emqx_tls_client *client);

/* -- the four calls, blocking --------------------------------------------------------------------
 *
 * deployment_id: 1 to 128 bytes, the ID such as "ge6a1a75", not the name; it is percent-encoded as
 * one path segment. Empty, ".", ".." and control characters are refused. status and error may be
 * NULL. *status is all zero (state UNKNOWN, expire INT64_MIN) unless the call returns OK.
 *
 * Each takes one slot of the quota for each exchange. Repeats: a GET at most twice, after a connect
 * failure, a timeout, 502, 503 or 504, each paid for; a write only when it provably was not sent.
 * 401, 403, 404, 422, 429 and a server certificate that does not verify are never repeated.
 *
 * Errors of all four:
 *   INVALID       an argument, or not now (inside `done`, after a fork); nothing was sent, no quota
 *                 used
 *   NO_MEMORY     error.delivery tells whether it was sent
 *   RATE_LIMITED  no quota, and quota_wait_ms can't cover the wait (http_status 0, nothing was
 *                 sent), or a 429; error.retry_after_ms tells how long
 *   TRANSPORT, TIMEOUT   error.delivery tells whether it may have arrived
 *   CANCELLED     emqx_tls_client_interrupt
 *   UNAUTHORIZED 401, FORBIDDEN 403, NOT_FOUND 404, UNPROCESSABLE 422 (the platform's page "TLS
 *   Certificate Management" lists
 *                 these and 429), HTTP (any other status)
 *   PROTOCOL      a success whose body is not what it should be: of a write, that it was carried
 *                 out is likely but not known
 *   STORE         the quota store can't be used; nothing was sent
 * and of create and update:
 *   CHECK         the local check refuses the material; nothing was sent, no quota used
 */

/* Reads the status. {} and an empty body are state ABSENT; a 404 is NOT_FOUND, which can also mean
 * "no certificate". */
EMQX_TLS_API emqx_tls_code emqx_tls_get(emqx_tls_client *client, const char *deployment_id,
                                        emqx_tls_status *status, emqx_tls_error *error);

/* Creates a certificate on a deployment that has none (POST). The answer is usually PENDING. */
EMQX_TLS_API emqx_tls_code emqx_tls_create(emqx_tls_client *client, const char *deployment_id,
                                           const emqx_tls_request *request, emqx_tls_status *status,
                                           emqx_tls_error *error);

/* Replaces the certificate of a deployment (PUT). The answer is usually PENDING. */
EMQX_TLS_API emqx_tls_code emqx_tls_update(emqx_tls_client *client, const char *deployment_id,
                                           const emqx_tls_request *request, emqx_tls_status *status,
                                           emqx_tls_error *error);

/* Deletes the certificate (DELETE); any 2xx is success. It disconnects every client on the ports
 * 8883 and 8084. */
EMQX_TLS_API emqx_tls_code emqx_tls_delete(emqx_tls_client *client, const char *deployment_id,
                                           emqx_tls_error *error);

/* -- asynchronous --------------------------------------------------------------------------------
 *
 * submit, then call emqx_tls_client_run whenever emqx_tls_client_fd is readable (or after
 * emqx_tls_client_next_ms), until `done` has come. It comes exactly once for each accepted submit,
 * from run, a blocking call or client_free, never from submit or cancel.
 * Inside `done`: submit and cancel are allowed; run, the blocking calls and client_free are not
 * (INVALID).
 */

typedef void (*emqx_tls_done_fn)(void *user, emqx_tls_call *call, emqx_tls_code code);

/* Starts a call (EMQX_TLS_OP_*). `request` is needed for CREATE and UPDATE, else NULL; it is
 * copied. *call (NULL allowed) is for cancel and is valid until `done` returns. What is wrong with
 * an argument, and a refusal of the local check, is returned here, and `done` never follows:
 * INVALID, CHECK, NO_MEMORY. All else comes by `done`. */
EMQX_TLS_API emqx_tls_code emqx_tls_submit(emqx_tls_client *client, uint32_t op,
                                           const char *deployment_id,
                                           const emqx_tls_request *request, emqx_tls_done_fn done,
                                           void *user, emqx_tls_call **call, emqx_tls_error *error);

/* Inside `done`: copies the call's results. status and error may be NULL. Before that, while the
 * call is under way, the status is the last one that it saw (state UNKNOWN: none yet), for a
 * display of progress. */
EMQX_TLS_API void emqx_tls_call_result(const emqx_tls_call *call, emqx_tls_status *status,
                                       emqx_tls_error *error);

/* Ends a call: its `done` comes with CANCELLED from the next run (or client_free). A call that is
 * already over, and waits for its `done`, keeps its result. Never takes back what has left:
 * error.delivery tells. */
EMQX_TLS_API void emqx_tls_cancel(emqx_tls_client *client, emqx_tls_call *call);

/* Moves all calls on and runs `done` of those that are over; waits for at most timeout_ms (0: not
 * at all, -1: no limit) until at least one is, or until nothing is pending. With a transport that
 * blocks in `start` it first carries out all that may leave. Errors: INVALID (inside `done`, after
 * a fork), CANCELLED (interrupt), TRANSPORT (the transport can't poll). A call's own failure is
 * told to its `done`, not here. */
EMQX_TLS_API emqx_tls_code emqx_tls_client_run(emqx_tls_client *client, int timeout_ms,
                                               emqx_tls_error *error);

/* A descriptor for poll, epoll or an event loop: as long as it is readable, call run(client, 0). It
 * is level-triggered: after one run it may still be readable, so who watches it with EPOLLET runs
 * until poll(2) says that it is not. It stays the same and is closed by client_free. -1: there is
 * none (no epoll on this system, or a transport without `fd`): use next_ms. */
EMQX_TLS_API int emqx_tls_client_fd(emqx_tls_client *client);

/* Milliseconds until run must be called at the latest; 0: now, -1: nothing is pending (or NULL, or
 * after a fork). Who has no descriptor goes by this alone; it is short while a request is on its
 * way, since only run finds the answer then. */
EMQX_TLS_API int64_t emqx_tls_client_next_ms(emqx_tls_client *client);

/* Calls whose `done` has not come yet; 0 for NULL. */
EMQX_TLS_API size_t emqx_tls_client_pending(const emqx_tls_client *client);

#ifdef __cplusplus
}
#endif
#endif
