/* SPDX-License-Identifier: MIT
 *
 * transport.h - the way to plug in another HTTP stack. libcurl is the default and implements the
 * same vtable.
 *
 * The smallest transport is one function: `start` carries the exchange out, calls `done`, and
 * returns.
 *
 *     static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
 *     {
 *         emqx_tls_reply reply = {.size = sizeof reply, .delivery = EMQX_TLS_DELIVERY_ANSWERED};
 *         reply.http_status = my_http(x->method, x->url, x->headers, x->body, x->body_len, buffer,
 *         &reply.body_len); reply.body = buffer;
 *         x->done(x->done_user, &reply);
 *         return EMQX_TLS_OK;
 *     }
 */
#ifndef EMQXTLS_TRANSPORT_H
#define EMQXTLS_TRANSPORT_H

#include <emqxtls/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* trying again can't help: the server's certificate does not verify */
#define EMQX_TLS_REPLY_PERMANENT 0x1u

/* How an exchange ended. Made by the transport, `size` = sizeof(emqx_tls_reply), valid during
 * `done`. An answer that did not come whole, or is too long, counts by its http_status where no
 * body is needed: a refusal, or the 2xx of a DELETE. */
typedef struct emqx_tls_reply {
    uint32_t size;
    /* OK: a whole HTTP answer came, whatever its status. Else TRANSPORT, TIMEOUT, PROTOCOL (reply
     * over reply_max), NO_MEMORY; any other counts as TRANSPORT */
    emqx_tls_code code;
    /* EMQX_TLS_DELIVERY_*; NOT_SENT only when it is certain: a slot of the quota is given back and
     * a write is repeated on its word */
    uint32_t delivery;
    /* 100 to 599 when code is OK; else 0, or that of an answer that is not whole */
    int32_t http_status;
    const char *body; /* need not be NUL-terminated */
    size_t body_len;
    const char *retry_after; /* the header's value as it came, or NULL */
    const char *date;        /* the header's value as it came, or NULL */
    const char *detail;      /* one short sentence for the message, no secrets; or NULL */
    uint32_t flags;          /* EMQX_TLS_REPLY_PERMANENT */
    uint32_t reserved;
} emqx_tls_reply;

/* exchange.flags: not on a connection that was used before */
#define EMQX_TLS_FRESH_CONNECTION 0x1u
/* the request must leave at most once, also inside the HTTP stack */
#define EMQX_TLS_NEVER_REPEAT 0x2u

/* One request. Made by the library; it and all that it points to are valid until `done` or `cancel`
 * returns. */
typedef struct emqx_tls_exchange {
    uint32_t size;
    uint32_t flags;     /* EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT */
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    /* absolute, already percent-encoded: send the path as it is. http:// is always a loopback
     * address, and never goes through a proxy */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; Authorization is one of them */
    const char *body;           /* holds the private key: make no copy that is not wiped */
    size_t body_len;            /* 0: no body */
    /* from now; both are always set and must be kept, while names are resolved too */
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms; /* for the whole exchange: nothing of it may leave later */
    size_t reply_max;    /* a body of more bytes is code PROTOCOL, delivery ANSWERED */
    void (*done)(void *done_user, const emqx_tls_reply *reply);
    void *done_user;
} emqx_tls_exchange;

/* The vtable. Copied by emqx_tls_client_new, which also takes over `context` (and calls `destroy`)
 * if it succeeds. Unused members are NULL; `start` is needed. All but `wake` are called on the
 * thread that is inside the client. */
typedef struct emqx_tls_transport {
    uint32_t size;
    uint32_t reserved;
    void *context;
    /* Starts an exchange and gives a handle for `cancel`. May carry it out and call `done` before
     * it returns. A code other than OK means that nothing was sent and `done` will not be called:
     * TRANSPORT is tried again, TIMEOUT, PROTOCOL and NO_MEMORY are passed on, any other becomes
     * TRANSPORT. */
    emqx_tls_code (*start)(void *context, const emqx_tls_exchange *exchange, void **handle);
    /* Moves exchanges on and calls their `done`; waits for at most timeout_ms (0: not at all) until
     * there is something to do or `wake` is called. NULL: the library waits by clock.sleep_ms. A
     * code other than OK ends the blocking call or the run under way with TRANSPORT. */
    emqx_tls_code (*poll)(void *context, int timeout_ms);
    /* Milliseconds until poll must be called though `fd` is silent; 0 now, -1 no need. Without
     * `fd`, or where it gives -1: until poll should look whether something has come. */
    int64_t (*next_ms)(void *context);
    /* A descriptor that is readable whenever poll(0) has work, the transport's own timers included;
     * -1: there is none. */
    int (*fd)(void *context);
    /* Any thread: a running `poll`, or else the next one, returns at once. */
    void (*wake)(void *context);
    /* Ends an exchange and returns its EMQX_TLS_DELIVERY_*; `done` never follows. Needed with
     * `poll`. */
    uint32_t (*cancel)(void *context, void *handle);
    /* Gives everything back. No exchange is in flight. */
    void (*destroy)(void *context);
} emqx_tls_transport;
EMQX_TLS_INIT_(transport)

#ifdef __cplusplus
}
#endif
#endif
