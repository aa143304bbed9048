/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file values.h
 * @brief What goes to the platform and what comes back: a request's certificate, a status.
 *
 * @code
 * emqx_tls_request request;
 * emqx_tls_request_init(&request);
 * request.type = EMQX_TLS_TYPE_ONE_WAY;
 * request.cert = chain_pem;
 * request.cert_len = strlen(chain_pem);
 * request.key = key_pem;
 * request.key_len = strlen(key_pem);
 * @endcode
 */
#ifndef EMQXTLS_VALUES_H
#define EMQXTLS_VALUES_H

#include <emqxtls/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `tlsType` of the platform. */
enum emqx_tls_type {
    EMQX_TLS_TYPE_UNKNOWN = 0, /**< Not told, or a text that this version does not know. */
    EMQX_TLS_TYPE_ONE_WAY = 1, /**< "one-way": the server shows a certificate. */
    EMQX_TLS_TYPE_TWO_WAY = 2  /**< "two-way": the clients show one too. */
};

/**
 * `status` of the platform, and what is made of a reply without one. "running" and "pending" are on
 * its page "TLS Certificate Management", "failed" and "terminated" are what its Terraform provider
 * waits for.
 */
enum emqx_tls_state {
    EMQX_TLS_STATE_UNKNOWN = 0,    /**< Other fields came, but no status. */
    EMQX_TLS_STATE_ABSENT = 1,     /**< No certificate: the reply was {} or empty. */
    EMQX_TLS_STATE_PENDING = 2,    /**< "pending": being created. */
    EMQX_TLS_STATE_RUNNING = 3,    /**< "running". */
    EMQX_TLS_STATE_FAILED = 4,     /**< "failed". */
    EMQX_TLS_STATE_TERMINATED = 5, /**< "terminated": being deleted. */
    EMQX_TLS_STATE_OTHER = 6       /**< A text that this version does not know: see state_text. */
};

/**
 * The name of a type: "unknown", "one-way", "two-way".
 *
 * @param type  Any number.
 * @return A static text, never NULL; "unknown" for a number that is none.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_type_name(uint32_t type);

/**
 * The name of a state: "unknown", "absent", "pending", "running", "failed", "terminated", "other".
 * For the last one the platform's own word is in status.state_text.
 *
 * @param state  Any number.
 * @return A static text, never NULL; "unknown" for a number that is none.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_state_name(uint32_t state);

/** The four calls. */
enum emqx_tls_op {
    EMQX_TLS_OP_GET = 1,    /**< Read the status. */
    EMQX_TLS_OP_CREATE = 2, /**< POST. */
    EMQX_TLS_OP_UPDATE = 3, /**< PUT. */
    EMQX_TLS_OP_DELETE = 4  /**< DELETE. */
};

/**
 * A certificate to put in place. All parts are PEM. Lengths are exact, without a closing NUL, and 0
 * is empty. The bytes are borrowed until the call returns; the asynchronous calls copy what they
 * need before they return.
 */
typedef struct emqx_tls_request {
    uint32_t size;      /**< Set by the init. */
    uint32_t type;      /**< #EMQX_TLS_TYPE_ONE_WAY or #EMQX_TLS_TYPE_TWO_WAY. */
    const char *cert;   /**< The leaf first, its chain behind it. */
    size_t cert_len;    /**< Bytes of cert. */
    const char *key;    /**< The leaf's key without a passphrase: PKCS#1, SEC1 or PKCS#8. */
    size_t key_len;     /**< Bytes of key. */
    const char *cacert; /**< The client CA: needed for two-way, refused for one-way. */
    size_t cacert_len;  /**< Bytes of cacert. */
} emqx_tls_request;
EMQX_TLS_INIT_(request)

/**
 * What the platform says of a deployment's certificate. Texts are UTF-8 and NUL-terminated. They
 * are cut at a character where they are longer than their field, and "" where the platform told
 * nothing.
 */
typedef struct emqx_tls_status {
    uint32_t size;     /**< Set by the init. */
    uint32_t state;    /**< EMQX_TLS_STATE_*. */
    uint32_t type;     /**< EMQX_TLS_TYPE_*. */
    uint32_t reserved; /**< 0. */
    /** Seconds since 1970: the platform's text, which names no zone, read as UTC. INT64_MIN: it
     * told no date. */
    int64_t expire;
    char state_text[32];   /**< The platform's word for state. */
    char type_text[32];    /**< The platform's word for type. */
    char expire_text[32];  /**< The platform's text for expire. */
    char common_name[256]; /**< The certificate's common name. */
} emqx_tls_status;
EMQX_TLS_INIT_(status)

#ifdef __cplusplus
}
#endif
#endif
