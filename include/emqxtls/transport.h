/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file transport.h
 * @brief The way to plug in another HTTP stack. libcurl is the default and implements the same
 * vtable.
 *
 * The smallest transport is one function: `start` carries the exchange out, calls `done`, and
 * returns.
 *
 * @code
 * static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
 * {
 *     emqx_tls_reply reply = {.size = sizeof reply, .delivery = EMQX_TLS_DELIVERY_ANSWERED};
 *     reply.http_status = my_http(x->method, x->url, x->headers, x->body, x->body_len,
 *                                 buffer, &reply.body_len);
 *     reply.body = buffer;
 *     x->done(x->done_user, &reply);
 *     return EMQX_TLS_OK;
 * }
 * @endcode
 *
 * What is whose job:
 *
 * - Headers: the library gives Authorization, Accept and, with a body, Content-Type. Host,
 *   Content-Length and what the connection needs are the transport's. It follows no redirect, keeps
 *   no cookie, and asks for no compression.
 * - TLS: the transport verifies the certificate and its name, or it must not go on.
 * - Interim answers (1xx) are read over. A 204 has no body. The body is told without its chunks.
 * - An answer is whole when its end was told: by Content-Length, the last chunk, END_STREAM, or,
 *   where none of them is there, by the closure of TLS. A connection that just ends is no end.
 * - connect_timeout_ms covers the look-up of the name, the connection, and the handshake of TLS.
 *   Where a look-up can't be given up (getaddrinfo can't) it belongs into a thread or a process, or
 *   the address is configured.
 * - A `start` that blocks keeps both time limits by itself: nobody wakes it, cancels it or
 *   interrupts it.
 *
 * What a mistake does:
 *
 * - NOT_SENT where something may have left: a write twice, more requests than the quota.
 * - MAYBE where nothing left: a slot is lost, a write waits for a minute.
 * - A request is sent again inside the HTTP stack: a write twice, a slot that nobody counted.
 * - An answer that broke off is told as whole: an empty one means "no certificate".
 * - A kept connection that the server has closed is used for a read: two slots for one read.
 * - The time limit is not kept: the call, and its caller, hang.
 * - The certificate is not verified: API secret and private key go to whoever answers.
 * - A copy of body or headers is not wiped: the key stays in memory that is given back.
 * - `done` twice, or after `cancel`: memory that is given back is used.
 * - `retry_after` is not told: after a 429 the library has to guess how long to wait.
 * - `date` is not told: a Retry-After that is a date counts as one window.
 */
#ifndef EMQXTLS_TRANSPORT_H
#define EMQXTLS_TRANSPORT_H

#include <emqxtls/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of reply.flags. */
enum emqx_tls_reply_flag {
    /** Trying again can't help: a certificate does not verify, or the answer is not HTTP. */
    EMQX_TLS_REPLY_PERMANENT = 0x1
};
/** @cond */
#define EMQX_TLS_REPLY_PERMANENT 0x1u
/** @endcond */

/**
 * How an exchange ended. Made by the transport, with `size` = sizeof(emqx_tls_reply), and valid
 * during `done`. An answer that did not come whole, or is too long, counts by its http_status where
 * no body is needed: a refusal, or the 2xx of a DELETE.
 */
typedef struct emqx_tls_reply {
    uint32_t size; /**< sizeof(emqx_tls_reply). */
    /** OK: a whole HTTP answer came, whatever its status. Else TRANSPORT, TIMEOUT, PROTOCOL (a
     * reply over reply_max) or NO_MEMORY; any other counts as TRANSPORT. */
    emqx_tls_code code;
    /** EMQX_TLS_DELIVERY_*. NOT_SENT only when it is certain: on its word a slot of the quota is
     * given back, and a write is repeated. */
    uint32_t delivery;
    /** 100 to 599 when code is OK; else 0, or that of an answer that is not whole. */
    int32_t http_status;
    const char *body;        /**< Need not be NUL-terminated. */
    size_t body_len;         /**< Bytes of body. */
    const char *retry_after; /**< The header's value as it came, or NULL. */
    const char *date;        /**< The header's value as it came, or NULL. */
    const char *detail;      /**< One short sentence for the message, no secrets; or NULL. */
    uint32_t flags;          /**< #EMQX_TLS_REPLY_PERMANENT or 0. */
    uint32_t reserved;       /**< 0. */
} emqx_tls_reply;

/** Of exchange.flags. */
enum emqx_tls_exchange_flag {
    /** Not on a connection that was used before. */
    EMQX_TLS_FRESH_CONNECTION = 0x1,
    /** The request must leave at most once, also inside the HTTP stack. */
    EMQX_TLS_NEVER_REPEAT = 0x2
};
/** @cond */
#define EMQX_TLS_FRESH_CONNECTION 0x1u
#define EMQX_TLS_NEVER_REPEAT     0x2u
/** @endcond */

/**
 * One request. Made by the library. It and all that it points to are valid until `done` or `cancel`
 * returns.
 */
typedef struct emqx_tls_exchange {
    uint32_t size;      /**< Set by the library. */
    uint32_t flags;     /**< #EMQX_TLS_FRESH_CONNECTION | #EMQX_TLS_NEVER_REPEAT. */
    const char *method; /**< "GET", "POST", "PUT" or "DELETE". */
    /** Absolute and percent-encoded already: send the path as it is. http:// is always a loopback
     * address, and never goes through a proxy. */
    const char *url;
    const char *const *headers; /**< "Name: value", NULL-terminated, Authorization among them. */
    const char *body;           /**< Holds the private key: make no copy that is not wiped. */
    size_t body_len;            /**< 0: no body. */
    /** Milliseconds from now until the connection must stand. Always set, and must be kept while
     * names are resolved too. */
    uint32_t connect_timeout_ms;
    /** Milliseconds from now for the whole exchange: nothing of it may leave later. Always set. */
    uint32_t timeout_ms;
    /** A body of more bytes is code PROTOCOL, delivery ANSWERED: no more than these need room. */
    size_t reply_max;
    /** To be called once, with how the exchange ended. */
    void (*done)(void *done_user, const emqx_tls_reply *reply);
    void *done_user; /**< For `done`. */
    /** Where a `start` that fails may say why, as reply.detail does. What it is set to must stay
     * valid until the transport is called again. In an exchange of an older library, whose `size`
     * ends before it, there is no such member. */
    const char **detail;
} emqx_tls_exchange;

/**
 * The vtable. Copied by emqx_tls_client_new, which also takes over `context`, and will call
 * `destroy`, if it succeeds. Members that are not used are NULL; `start` is needed. All but `wake`
 * are called on the thread that is inside the client.
 */
typedef struct emqx_tls_transport {
    uint32_t size;     /**< Set by the init. */
    uint32_t reserved; /**< 0. */
    void *context;     /**< Given to each member. */
    /** Starts an exchange and gives a handle for `cancel`. It may carry it out, and call `done`,
     * before it returns. A code other than OK means that nothing was sent and `done` will not be
     * called: TRANSPORT is tried again, TIMEOUT, PROTOCOL and NO_MEMORY are passed on, any other
     * becomes TRANSPORT. One that throws returns #EMQX_TLS_E_TRANSPORT if nothing was sent; else it
     * calls `done` with #EMQX_TLS_DELIVERY_MAYBE, and returns OK. */
    emqx_tls_code (*start)(void *context, const emqx_tls_exchange *exchange, void **handle);
    /** Moves exchanges on and calls their `done`. It waits for at most timeout_ms (0: not at all)
     * until there is something to do or `wake` is called. NULL: the library waits by
     * clock.sleep_ms. A code other than OK ends the blocking call or the run under way with
     * TRANSPORT. One that throws returns #EMQX_TLS_E_TRANSPORT. */
    emqx_tls_code (*poll)(void *context, int timeout_ms);
    /** Milliseconds until poll must be called though `fd` is silent; 0: now, -1: no need. Without
     * `fd`, or where it gives -1: until poll should look whether something has come. One that
     * throws returns 0: poll will tell. */
    int64_t (*next_ms)(void *context);
    /** A descriptor that is readable whenever poll(0) has work, the transport's own timers
     * included; -1: there is none. One that throws returns -1. */
    int (*fd)(void *context);
    /** Makes a running `poll`, or else the next one, return at once. Any thread. One that throws
     * just returns. */
    void (*wake)(void *context);
    /** Ends an exchange and returns its EMQX_TLS_DELIVERY_*; `done` never follows. Needed with
     * `poll`. One that throws returns #EMQX_TLS_DELIVERY_MAYBE. */
    uint32_t (*cancel)(void *context, void *handle);
    /** Gives everything back. No exchange is in flight. One that throws just returns. */
    void (*destroy)(void *context);
} emqx_tls_transport;
EMQX_TLS_INIT_(transport)

#ifdef __cplusplus
}
#endif
#endif
