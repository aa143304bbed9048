/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What every part uses: sized structs, errors, memory, time. Internal names start with emqxi_ so
 * that a static link meets no other library's.
 */
#ifndef EMQXI_BASE_H
#define EMQXI_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emqxtls/base.h>

#define EMQXI_STRUCT_MAX 4096
/* a request that was given up may still arrive for so long */
#define EMQXI_STRAY_MS 60000

#define EMQXI_MIN(a, b) ((a) < (b) ? (a) : (b))
#define EMQXI_MAX(a, b) ((a) > (b) ? (a) : (b))

/* -- sized structs (abi.c) --------------------------------------------------------------------- */

/* Copies an input struct into our own: what an older caller does not have becomes zero, `size` our
 * own. `first` is its size in the first release, `own` that in this one. False: it is NULL or none
 * that we may read, nothing copied. */
bool emqxi_input_take(void *to, const void *from, size_t first, size_t own);

/* Has this output struct been set up? NULL is fine: the caller does not want it. */
bool emqxi_output_ok(const void *p);

/* Copies a result to the caller's struct: at most its size, the rest zeroed, `size` kept. NULL, or
 * not set up: nothing. */
void emqxi_output(void *to, const void *from, size_t own);

/* What every _init_size does: zero the caller's bytes and set `size`. False: NULL or an impossible
 * size, nothing done. */
bool emqxi_init(void *p, size_t caller_size);

/* The _init_size of a struct: zero, but for these members. */
#define EMQXI_INIT_SIZE(name, ...)                                                                 \
    void emqx_tls_##name##_init_size(emqx_tls_##name *p, size_t caller_size)                       \
    {                                                                                              \
        static const emqx_tls_##name own = {.size = sizeof own, __VA_ARGS__};                      \
        if (emqxi_init(p, caller_size))                                                            \
            emqxi_output(p, &own, sizeof own);                                                     \
    }

/* -- errors (error.c) -------------------------------------------------------------------------- */

/* The library's own error. Another type than the caller's emqx_tls_error, which may be smaller than
 * this release's: it is written to by emqxi_error_out and emqxi_refuse alone. */
typedef struct emqxi_error {
    emqx_tls_code code;
    int32_t http_status;
    uint32_t attempts;
    uint32_t delivery;
    int64_t retry_after_ms;
    bool permanent; /* of TRANSPORT, TIMEOUT: trying again can't mend it */
    char api_code[64];
    char message[256];
} emqxi_error;

void emqxi_error_clear(emqxi_error *e); /* OK, nothing sent, no wait */

/* Sets code and message (cut at a UTF-8 character), keeps the rest; returns the code. `e` may be
 * NULL. */
emqx_tls_code emqxi_fail(emqxi_error *e, emqx_tls_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What an error struct had in the first release. */
#define EMQXI_ERROR_FIRST (offsetof(emqx_tls_error, message) + 256)

/* Copies an error of our own to the caller's; returns its code. */
emqx_tls_code emqxi_error_out(emqx_tls_error *to, const emqxi_error *from);

/* What is behind `format`, in a function of that, as text in the array `to`. */
#define EMQXI_FORMAT(to, format)                                                                   \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(to, sizeof(to), format, arguments);                                              \
        va_end(arguments);                                                                         \
    } while (0)

/* Fails a call that has not begun, or a member of a vtable: a clear error with this code and
 * message, straight to the caller's struct. */
emqx_tls_code emqxi_refuse(emqx_tls_error *to, emqx_tls_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* -- memory (memory.c) ------------------------------------------------------------------------- */

extern const emqx_tls_allocator emqxi_malloc;

void *emqxi_alloc(const emqx_tls_allocator *a, size_t n);  /* not zeroed */
void *emqxi_zalloc(const emqx_tls_allocator *a, size_t n); /* zeroed */
void *emqxi_resize(const emqx_tls_allocator *a, void *p, size_t n);
void emqxi_free(const emqx_tls_allocator *a, void *p); /* NULL is fine */
char *emqxi_strdup(const emqx_tls_allocator *a, const char *s);

/* Overwrites a secret; not optimised away. */
void emqxi_wipe(void *p, size_t n);
void emqxi_wipe_free(const emqx_tls_allocator *a, void *p, size_t n); /* NULL is fine */

/* Copies the caller's allocator, or malloc for NULL. False: it is not usable. */
bool emqxi_allocator_take(emqx_tls_allocator *own, const emqx_tls_allocator *given);

/* -- text (text.c) ----------------------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence that `text` begins with; 0: none. `len` is not 0. */
size_t emqxi_utf8_sequence(const char *text, size_t len);
bool emqxi_utf8_ok(const char *text, size_t len);

/* Cuts `text` of `len` bytes at a UTF-8 character so that it fits `to` with its NUL. */
void emqxi_text_copy(char *to, size_t to_size, const char *text, size_t len);

bool emqxi_has_control(const char *text); /* below 0x20, or 0x7f */

/* Puts '?' in the place of what is not UTF-8, and of what a terminal or a log might obey. */
void emqxi_text_clean(char *text);

/* Two small hexadecimal digits a byte, and a NUL; returns where that is. */
char *emqxi_hex(const unsigned char *from, size_t len, char *to);
int emqxi_hex_digit(char c);          /* its value; -1: it is none */
int emqxi_hex_byte(const char *text); /* of two digits; -1: they are none. A NUL ends it */

/* Base64, without a NUL; returns its end. */
char *emqxi_base64(const unsigned char *from, size_t len, char *to);
int emqxi_base64_digit(char c); /* its value; -1: it is none */

/* -- time (clock.c) ---------------------------------------------------------------------------- */

extern const emqx_tls_clock emqxi_system_clock;

/* Copies the caller's clock, or the system's for NULL. False: it is not usable. */
bool emqxi_clock_take(emqx_tls_clock *own, const emqx_tls_clock *given);

static inline int64_t emqxi_now(const emqx_tls_clock *c)
{
    return c->now_ms(c->context);
}

/* a + b without overflow. */
static inline int64_t emqxi_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* Changes in a child after every fork: a client or limiter remembers the value that it was made
 * under. Costs no system call, unlike getpid(). */
uint32_t emqxi_fork_count(void);

/* A random number for jitter and hash keys, not for secrets. */
uint64_t emqxi_random(void);

/* SipHash-2-4 with 128 bits: scope names are kept as this. Own code, since OpenSSL is optional and
 * no other library that the build needs has a keyed hash. */
void emqxi_siphash(const uint8_t key[16], const void *data, size_t len, uint8_t out[16]);

/* Its first half as a number, the same on every machine. */
uint64_t emqxi_hash(const uint64_t key[2], const void *data, size_t len);

#endif
