/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file version.h
 * @brief Which library this is: of the header when a program is compiled, of the library when it
 * runs; and what both can do.
 *
 * @code
 * #if EMQX_TLS_VERSION_AT_LEAST(0, 1, 0)
 * if (!(emqx_tls_features() & EMQX_TLS_HAS_X509))
 *     puts("this build looks at the structure of PEM alone");
 * #endif
 * @endcode
 */
#ifndef EMQXTLS_VERSION_H
#define EMQXTLS_VERSION_H

#include <emqxtls/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- of this header ---------------------------------------------------------------------------- */

#define EMQX_TLS_VERSION_MAJOR 0 /**< Moves when the ABI breaks. */
#define EMQX_TLS_VERSION_MINOR 1 /**< Moves when something is added. */
#define EMQX_TLS_VERSION_PATCH 0 /**< Moves when something is mended. */

/** A version as one number, 0xAABBCC: a later version's is larger. */
#define EMQX_TLS_VERSION_MAKE(a, b, c) ((a) << 16 | (b) << 8 | (c))
/** The version of this header, as emqx_tls_version_number gives that of the library. */
#define EMQX_TLS_VERSION_NUMBER                                                                    \
    EMQX_TLS_VERSION_MAKE(EMQX_TLS_VERSION_MAJOR, EMQX_TLS_VERSION_MINOR, EMQX_TLS_VERSION_PATCH)
/** Is this header's version a.b.c or later? For `#if` too. */
#define EMQX_TLS_VERSION_AT_LEAST(a, b, c)                                                         \
    (EMQX_TLS_VERSION_NUMBER >= EMQX_TLS_VERSION_MAKE(a, b, c))

/* -- of the library that is running ------------------------------------------------------------ */

/**
 * The version of the library that is running, such as "0.1.0".
 *
 * @return A static text.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_version(void);

/**
 * The version of the library that is running as a number: #EMQX_TLS_VERSION_NUMBER of the headers
 * that it was built with.
 *
 * @return 0xAABBCC for AA.BB.CC.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API uint32_t emqx_tls_version_number(void);

/* -- what it can do ---------------------------------------------------------------------------- */

/**
 * What emqx_tls_features tells of. A part that was left out of a build has its functions all the
 * same; they return #EMQX_TLS_E_INVALID and a message that says so. Each has a macro of its name:
 * `#ifdef` tells whether this header knows of it.
 */
enum emqx_tls_feature {
    /** Certificates and keys are read (OpenSSL): the whole check, and receipts. */
    EMQX_TLS_HAS_X509 = 0x1,
    EMQX_TLS_HAS_PROBE = 0x2,      /**< emqx_tls_probe, and ensure_options.probe_host. */
    EMQX_TLS_HAS_CURL = 0x4,       /**< A transport is built in; else config.transport is needed. */
    EMQX_TLS_HAS_FILE_STORE = 0x8, /**< emqx_tls_limiter_open_file. */
    EMQX_TLS_HAS_PROVISION = 0x10  /**< emqx_tls_ensure, emqx_tls_wait, emqx_tls_remove. */
};
/** @cond */
#define EMQX_TLS_HAS_X509       0x1u
#define EMQX_TLS_HAS_PROBE      0x2u
#define EMQX_TLS_HAS_CURL       0x4u
#define EMQX_TLS_HAS_FILE_STORE 0x8u
#define EMQX_TLS_HAS_PROVISION  0x10u
/** @endcond */

/**
 * What the library that is running can do.
 *
 * @return EMQX_TLS_HAS_*, those that are known and more that a newer library may have.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API uint32_t emqx_tls_features(void);

/**
 * The size of a struct in the library that is running. For bindings written by hand, which make
 * room for a struct, and give the size to its _init_size.
 *
 * @param name  Such as "config" or "emqx_tls_config"; may be NULL.
 * @return Bytes; 0 for NULL and for a name that is no struct with a `size`.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API size_t emqx_tls_struct_size(const char *name);

#ifdef __cplusplus
}
#endif
#endif
