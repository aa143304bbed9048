/* SPDX-License-Identifier: MIT
 *
 * base.h - codes, the error struct, and what a program may give the library from outside: clock,
 * allocator, log.
 *
 * Rules that hold for every struct with a `size` member:
 *   - Set it up with emqx_tls_X_init(&x) (C, C++), or emqx_tls_X_init_size(&x, sizeof x) from a
 *     binding. That sets `size` and the defaults.
 *   - Input structs may be smaller or larger than the library's own (an older or newer caller). A
 *     struct smaller than in the first release, larger than 4096 bytes, or with something other
 *     than zero behind what this library knows is refused with EMQX_TLS_E_INVALID.
 *   - Output structs: only `size` is read; at most `size` bytes are written. They may be used again
 *     without a new init. One whose size says more than 4096 was never set up: where it is the
 *     call's result, EMQX_TLS_E_INVALID; an error struct is then left alone.
 */
#ifndef EMQXTLS_BASE_H
#define EMQXTLS_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports. */
#ifndef EMQX_TLS_API
#if defined(__GNUC__)
#define EMQX_TLS_API __attribute__((visibility("default")))
#else
#define EMQX_TLS_API
#endif
#endif

/* Every struct X has both: the exported one for bindings, the inline one for C and C++. */
#define EMQX_TLS_INIT_(X)                                                                          \
    EMQX_TLS_API void emqx_tls_##X##_init_size(struct emqx_tls_##X *p, size_t caller_size);        \
    static inline void emqx_tls_##X##_init(struct emqx_tls_##X *p)                                 \
    {                                                                                              \
        emqx_tls_##X##_init_size(p, sizeof *p);                                                    \
    }

/* -- codes ------------------------------------------------------------------------------------- */

/* What a call came to. Stable numbers, never reused; a newer library may return ones that are not
 * listed here. */
typedef int32_t emqx_tls_code;
enum {
    EMQX_TLS_OK = 0,
    EMQX_TLS_E_INVALID = 1,   /* an argument; nothing was sent, no quota used */
    EMQX_TLS_E_NO_MEMORY = 2, /* the allocator gave none */
    /* the local check, or ensure's own rules, refused the material */
    EMQX_TLS_E_CHECK = 3,
    /* no quota (http_status 0, nothing was sent) or the platform's 429 */
    EMQX_TLS_E_RATE_LIMITED = 4,
    EMQX_TLS_E_TRANSPORT = 5,      /* name, connect, TLS, reset */
    EMQX_TLS_E_TIMEOUT = 6,        /* a deadline passed */
    EMQX_TLS_E_CANCELLED = 7,      /* cancel or interrupt, or the client was freed */
    EMQX_TLS_E_UNAUTHORIZED = 8,   /* 401: key or secret wrong */
    EMQX_TLS_E_FORBIDDEN = 9,      /* 403: the key has no access */
    EMQX_TLS_E_NOT_FOUND = 10,     /* 404: no such deployment, or no certificate on it */
    EMQX_TLS_E_UNPROCESSABLE = 11, /* 422: the platform refuses the properties */
    EMQX_TLS_E_HTTP = 12,          /* any other HTTP status that is no success */
    EMQX_TLS_E_PROTOCOL = 13,      /* a success whose body can't be what it should */
    EMQX_TLS_E_STORE = 14,         /* quota store or receipt: unreadable, busy, damaged, away */
    EMQX_TLS_E_FAILED = 15         /* the platform put the certificate into "failed" */
};

/* The name of a code without its prefix, such as "RATE_LIMITED"; "UNKNOWN" for a number that is
 * none. Never NULL; static. Any thread. */
EMQX_TLS_API const char *emqx_tls_code_name(emqx_tls_code code);

/* The version of the library that is running, such as "0.1.0". Static. Any thread. */
EMQX_TLS_API const char *emqx_tls_version(void);

/* -- errors ------------------------------------------------------------------------------------ */

/* How much of the last exchange may have reached the platform. */
enum {
    EMQX_TLS_DELIVERY_MAYBE = 0,    /* not known: it may have been carried out */
    EMQX_TLS_DELIVERY_NOT_SENT = 1, /* certain: no byte of the request left */
    EMQX_TLS_DELIVERY_ANSWERED = 2  /* an HTTP answer came */
};

/* Detail of how a call ended. Last argument of every call that can fail, NULL allowed; filled on
 * success too. It is the caller's own, so it lives as long as the caller wants and is safe where
 * threads are switched under a runtime. */
typedef struct emqx_tls_error {
    uint32_t size;
    emqx_tls_code code;  /* the same as the call returned */
    int32_t http_status; /* of the last answer; 0: none came */
    uint32_t attempts;   /* exchanges that were given to the transport */
    uint32_t delivery;   /* EMQX_TLS_DELIVERY_*; NOT_SENT where no exchange was started */
    uint32_t reserved;
    /* -1 unless RATE_LIMITED; then waiting it is enough if nobody else takes the slot */
    int64_t retry_after_ms;
    /* the platform's own `code` of an error body, if it is short and harmless; else "" */
    char api_code[64];
    char message[256]; /* what is wrong and how to mend it; never a secret, never a body */
} emqx_tls_error;
EMQX_TLS_INIT_(error)

/* -- what the outside gives: vtables are copied by the call that takes them -------------------- */

/* Time. All members are called from any thread that uses the client or limiter, so they must be
 * thread-safe. now_ms is needed; without sleep_ms a transport without `poll` can't wait; without
 * wall_ms the wall clock counts as not trusted, and without boot_id every limiter has a boot of its
 * own (both matter only to stores that outlive the process). With boot_id, now_ms must begin at
 * that boot: a limiter in a file takes it for the time since. */
typedef struct emqx_tls_clock {
    uint32_t size;
    uint32_t reserved;
    void *context;
    /* counts through suspend, never back; any origin, but see boot_id */
    int64_t (*now_ms)(void *context);
    int64_t (*wall_ms)(void *context);           /* since 1970-01-01 UTC */
    void (*sleep_ms)(void *context, int64_t ms); /* may return early */
    /* differs after every boot of the machine */
    void (*boot_id)(void *context, unsigned char id[16]);
} emqx_tls_clock;
EMQX_TLS_INIT_(clock)

/* The library's own memory, not that of libcurl, jansson or OpenSSL. All three are needed.
 * `allocate` gives memory aligned as malloc does, or NULL; `resize` and `release` take NULL. Called
 * from any thread that uses the client or limiter. Secrets are wiped before their memory is given
 * back. */
typedef struct emqx_tls_allocator {
    uint32_t size;
    uint32_t reserved;
    void *context;
    void *(*allocate)(void *context, size_t n);
    void *(*resize)(void *context, void *p, size_t n);
    void (*release)(void *context, void *p);
} emqx_tls_allocator;
EMQX_TLS_INIT_(allocator)

/* Today's lines are INFO (each answer; ensure, wait and remove that succeed) or WARNING (a call
 * that fails, a slot of the quota or a receipt that is not right). ERROR and DEBUG are kept for
 * later. */
enum {
    EMQX_TLS_LOG_ERROR = 1,
    EMQX_TLS_LOG_WARNING = 2,
    EMQX_TLS_LOG_INFO = 3,
    EMQX_TLS_LOG_DEBUG = 4
};

/* Takes one finished line without a newline: method, host, path, status, attempt, quota and
 * durations, never a secret or a body. Called on the thread that is inside the client, no lock
 * held. It must not call back into the client. */
typedef void (*emqx_tls_log_fn)(void *user, int32_t level, const char *line);

#ifdef __cplusplus
}
#endif
#endif
