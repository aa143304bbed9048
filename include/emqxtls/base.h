/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * @brief Codes, the error struct, and what a program may give from outside: clock, allocator, log.
 *
 * Rules that hold for every struct with a `size` member:
 *
 * - Set it up with emqx_tls_X_init(&x) in C and C++, or with emqx_tls_X_init_size(&x, sizeof x) in
 *   a binding. That sets `size` and the defaults.
 * - An input struct may be smaller or larger than the library's own: an older or a newer caller.
 *   One that is smaller than in the first release, larger than 4096 bytes, or has something other
 *   than zero behind what this library knows is refused with #EMQX_TLS_E_INVALID.
 * - Of an output struct only `size` is read, and at most `size` bytes are written. It may be used
 *   again without a new init. A size over 4096 means that it was never set up: where it is the
 *   call's result that is #EMQX_TLS_E_INVALID; an error struct is then left alone. An error struct
 *   of size 0, zeroed and not set up, counts as one of the first release: its message is told.
 *
 * Callbacks must not throw through the library. A binding catches what its language throws, and
 * returns what the callback's comment says. 0 is #EMQX_TLS_OK where a code is returned, and so is
 * wrong there.
 *
 * @code
 * emqx_tls_error error;
 * emqx_tls_error_init(&error);
 * if (emqx_tls_delete(client, "ge6a1a75", &error) != EMQX_TLS_OK)
 *     puts(error.message);
 * @endcode
 */
#ifndef EMQXTLS_BASE_H
#define EMQXTLS_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EMQX_TLS_API
#if defined(__GNUC__)
/** Marks what the shared library exports. */
#define EMQX_TLS_API __attribute__((visibility("default")))
#else
#define EMQX_TLS_API
#endif
#endif

#ifndef EMQX_TLS_NODISCARD
#if defined(__GNUC__)
/** Marks a result that must be looked at: whether a client was made, a write accepted, a call
 * started. A compiler warns where it is thrown away. */
#define EMQX_TLS_NODISCARD __attribute__((warn_unused_result))
#else
#define EMQX_TLS_NODISCARD
#endif
#endif

/** Declares the two ways to set up a struct X: exported for bindings, inline for C and C++. */
#define EMQX_TLS_INIT_(X)                                                                          \
    EMQX_TLS_API void emqx_tls_##X##_init_size(struct emqx_tls_##X *p, size_t caller_size);        \
    static inline void emqx_tls_##X##_init(struct emqx_tls_##X *p)                                 \
    {                                                                                              \
        emqx_tls_##X##_init_size(p, sizeof *p);                                                    \
    }

/* -- codes ------------------------------------------------------------------------------------- */

/**
 * What a call came to: 0, or one of the EMQX_TLS_E_ numbers. They are stable and never reused. A
 * newer library may return one that is not listed here.
 */
typedef int32_t emqx_tls_code;

/** The codes. */
enum emqx_tls_code_value {
    /** Done. */
    EMQX_TLS_OK = 0,
    /** An argument can't be right, or the call is not allowed now. Nothing was sent. */
    EMQX_TLS_E_INVALID = 1,
    /** The allocator gave no memory. */
    EMQX_TLS_E_NO_MEMORY = 2,
    /** The local check, or one of ensure's own rules, refused the certificate. */
    EMQX_TLS_E_CHECK = 3,
    /** No quota is left (http_status 0, nothing was sent), or the platform answered 429. */
    EMQX_TLS_E_RATE_LIMITED = 4,
    /** The name was not found, the connection was refused or lost, or TLS failed. */
    EMQX_TLS_E_TRANSPORT = 5,
    /** A deadline passed. */
    EMQX_TLS_E_TIMEOUT = 6,
    /** The call was cancelled or interrupted, or its client was freed. */
    EMQX_TLS_E_CANCELLED = 7,
    /** 401: the API key or its secret is wrong. */
    EMQX_TLS_E_UNAUTHORIZED = 8,
    /** 403: the API key has no access to the deployment. */
    EMQX_TLS_E_FORBIDDEN = 9,
    /** 404: there is no such deployment, or no certificate on it. */
    EMQX_TLS_E_NOT_FOUND = 10,
    /** 422: the platform refuses what was sent. */
    EMQX_TLS_E_UNPROCESSABLE = 11,
    /** Any other HTTP status that is no success. */
    EMQX_TLS_E_HTTP = 12,
    /** A success whose body is not what it should be. */
    EMQX_TLS_E_PROTOCOL = 13,
    /** The quota's store, or a receipt, can't be used: unreadable, busy, damaged, away. */
    EMQX_TLS_E_STORE = 14,
    /** The platform put the certificate into the state "failed". */
    EMQX_TLS_E_FAILED = 15
};

/**
 * The name of a code without its prefix, such as "RATE_LIMITED".
 *
 * @param code  Any number.
 * @return A static text, never NULL; "UNKNOWN" for a number that is no code.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_code_name(emqx_tls_code code);

/* -- errors ------------------------------------------------------------------------------------ */

/** How much of the last exchange may have reached the platform. */
enum emqx_tls_delivery {
    EMQX_TLS_DELIVERY_MAYBE = 0,    /**< Not known: it may have been carried out. */
    EMQX_TLS_DELIVERY_NOT_SENT = 1, /**< Certain: no byte of the request left. */
    EMQX_TLS_DELIVERY_ANSWERED = 2  /**< An HTTP answer came. */
};

/**
 * The name of a delivery: "maybe", "not-sent", "answered".
 *
 * @param delivery  Any number.
 * @return A static text, never NULL; "unknown" for a number that is none.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_delivery_name(uint32_t delivery);

/**
 * How a call ended. It is the last argument of every call that can fail, and may be NULL. It is
 * filled on success too. It is the caller's own: it lives as long as the caller wants, and is safe
 * in runtimes that move a task from one thread to another.
 */
typedef struct emqx_tls_error {
    uint32_t size;       /**< Set by the init. */
    emqx_tls_code code;  /**< The same as the call returned. */
    int32_t http_status; /**< Of the last answer; 0: none came. */
    uint32_t attempts;   /**< Exchanges that were given to the transport. */
    uint32_t delivery;   /**< EMQX_TLS_DELIVERY_*; NOT_SENT where no exchange was started. */
    /** 1: trying again can't help, such as where the server's certificate does not verify; 0: it may,
     * or the code alone tells. */
    uint32_t permanent;
    /** Milliseconds to wait before the next try, with #EMQX_TLS_E_RATE_LIMITED; else -1. Enough if
     * nobody else takes the slot. */
    int64_t retry_after_ms;
    /** The platform's own `code` of an error body, if it is short and harmless; else "". */
    char api_code[64];
    /** What is wrong and how to mend it. Never a secret, never a body. */
    char message[256];
} emqx_tls_error;
EMQX_TLS_INIT_(error)

/* -- what the outside gives: vtables are copied by the call that takes them -------------------- */

/**
 * Time. Every member may be called from any thread that uses the client or limiter, so it must be
 * thread-safe. Copied by the call that takes it.
 */
typedef struct emqx_tls_clock {
    uint32_t size;     /**< Set by the init. */
    uint32_t reserved; /**< 0. */
    void *context;     /**< Given to each member. */
    /** Milliseconds that never go back and count through suspend, from any origin (but see
     * boot_id). Needed. One that throws returns the last time that it told. */
    int64_t (*now_ms)(void *context);
    /** Milliseconds since 1970-01-01 UTC. NULL: the wall clock counts as not trusted. One that
     * throws returns 0: a clock that is wrong. */
    int64_t (*wall_ms)(void *context);
    /** Sleeps for `ms` milliseconds; may return early. NULL: a transport without `poll` can't
     * wait. One that throws just returns. */
    void (*sleep_ms)(void *context, int64_t ms);
    /** Writes an ID that differs after every boot of the machine. With it now_ms must begin at that
     * boot: a limiter in a file takes it for the time since. NULL: every limiter has a boot of its
     * own. Matters only to stores that outlive the process. One that throws just returns: zeros say
     * that there is none. */
    void (*boot_id)(void *context, unsigned char id[16]);
} emqx_tls_clock;
EMQX_TLS_INIT_(clock)

/**
 * The library's own memory, not that of libcurl, jansson or OpenSSL. All three functions are
 * needed. They may be called from any thread that uses the client or limiter. Secrets are wiped
 * before their memory is given back. Copied by the call that takes it.
 */
typedef struct emqx_tls_allocator {
    uint32_t size;     /**< Set by the init. */
    uint32_t reserved; /**< 0. */
    void *context;     /**< Given to each member. */
    /** Gives `n` bytes aligned as malloc does, or NULL. One that throws returns NULL. */
    void *(*allocate)(void *context, size_t n);
    /** As realloc; `p` may be NULL. One that throws returns NULL, with `p` as it was. */
    void *(*resize)(void *context, void *p, size_t n);
    /** As free; `p` may be NULL. One that throws just returns. */
    void (*release)(void *context, void *p);
} emqx_tls_allocator;
EMQX_TLS_INIT_(allocator)

/**
 * Levels of a log line. Those in use are INFO (each answer; ensure, wait and remove that succeed)
 * and WARNING (a call that fails, a slot of the quota or a receipt that is not right).
 */
enum emqx_tls_log_level {
    EMQX_TLS_LOG_ERROR = 1,   /**< Kept for later. */
    EMQX_TLS_LOG_WARNING = 2, /**< Something went wrong. */
    EMQX_TLS_LOG_INFO = 3,    /**< What was done. */
    EMQX_TLS_LOG_DEBUG = 4    /**< Kept for later. */
};

/**
 * Takes one finished line without a newline: method, host, path, status, attempt, quota and
 * durations. It never holds a secret or a body. Called on the thread that is inside the client,
 * with no lock held. It must not call back into the client. One that throws just returns: the line
 * is lost.
 *
 * @param user   As given in config.log_user.
 * @param level  EMQX_TLS_LOG_*.
 * @param line   The text, valid during the call.
 */
typedef void (*emqx_tls_log_fn)(void *user, int32_t level, const char *line);

#ifdef __cplusplus
}
#endif
#endif
