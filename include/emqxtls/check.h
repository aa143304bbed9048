/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file check.h
 * @brief What the platform would refuse, found before a write is spent on it. No network.
 *
 * The rules are those of the platform's page "Configure TLS/SSL". create, update and ensure run the
 * same check first, unless #EMQX_TLS_SKIP_CHECK is set. In a build without OpenSSL only the
 * structure of the PEM is looked at, and the finding "not-checked" says so: that is not "passed".
 *
 * @code
 * emqx_tls_report *report;
 * emqx_tls_code code = emqx_tls_check(&request, NULL, time(NULL), &report, &error);
 * for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
 *     emqx_tls_finding finding;
 *     emqx_tls_finding_init(&finding);
 *     emqx_tls_report_get(report, i, &finding);
 *     puts(finding.text);
 * }
 * emqx_tls_report_free(report);
 * @endcode
 */
#ifndef EMQXTLS_CHECK_H
#define EMQXTLS_CHECK_H

#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The findings of one check. Made by emqx_tls_check, freed by emqx_tls_report_free. */
typedef struct emqx_tls_report emqx_tls_report;

/** Severity of a finding, and what a policy makes of one. */
enum emqx_tls_severity {
    EMQX_TLS_OFF = 0,   /**< In a policy: not looked at. */
    EMQX_TLS_WARN = 1,  /**< It is told, and does no harm to the call. */
    EMQX_TLS_REFUSE = 2 /**< The call ends with #EMQX_TLS_E_CHECK. */
};

/**
 * The name of a severity: "off", "warn", "refuse".
 *
 * @param severity  Any number.
 * @return A static text, never NULL; "unknown" for a number that is none.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_severity_name(uint32_t severity);

/**
 * What is refused, what is a warning, and what is not looked at: each member is #EMQX_TLS_OFF,
 * #EMQX_TLS_WARN or #EMQX_TLS_REFUSE. The defaults follow the platform's requirements.
 *
 * Refused whatever the policy says: damaged PEM, a key where a certificate belongs or the reverse,
 * an encrypted key, no leaf, a key that does not match the leaf, two-way without a client CA,
 * one-way with one, expired, not yet valid.
 */
typedef struct emqx_tls_policy {
    uint32_t size;          /**< Set by the init. */
    uint32_t min_days_left; /**< Days that must be left: 60; on the platform's BYOC plan 30. */
    /** The leaf's key is not RSA 1024 or 2048, ECDSA P-256 or P-384. REFUSE. */
    uint32_t algorithm;
    /** The leaf's key is of another type than that of the CA that signed it. REFUSE. */
    uint32_t ca_algorithm;
    uint32_t days_left; /**< Fewer than min_days_left. REFUSE. */
    /** The chain is not leaf first, each signed by the next, with nothing else. REFUSE. */
    uint32_t chain_order;
    uint32_t chain_incomplete; /**< An issuer is missing. REFUSE. */
    uint32_t root_included;    /**< The self-signed root is in the chain: needless. WARN. */
    uint32_t client_ca;        /**< A certificate in `cacert` is no CA. REFUSE. */
    uint32_t reserved;         /**< 0. */
    /** A name that clients will connect to. Refused if it is not in the leaf's subject alternative
     * names. NULL: not compared. */
    const char *host;
} emqx_tls_policy;
EMQX_TLS_INIT_(policy)

/** The part of a request that a finding is about. */
enum emqx_tls_part {
    EMQX_TLS_PART_REQUEST = 0, /**< The request as a whole. */
    EMQX_TLS_PART_CERT = 1,    /**< `cert`. */
    EMQX_TLS_PART_KEY = 2,     /**< `key`. */
    EMQX_TLS_PART_CACERT = 3   /**< `cacert`. */
};

/**
 * What may be found. The numbers are stable and never reused. The page "What the local check finds"
 * says what each means and how it is mended. A newer library may find what is not listed here: go
 * by the severity.
 */
enum emqx_tls_finding_id {
    /* the request */
    /** Neither one-way nor two-way. */
    EMQX_TLS_FINDING_TYPE_UNKNOWN = 1,
    /** `cert` or `key` is empty. */
    EMQX_TLS_FINDING_PART_EMPTY = 2,
    /** A part is over 1 MiB. */
    EMQX_TLS_FINDING_PART_TOO_LARGE = 3,
    /** A part is binary: DER, PKCS#12, a keystore, UTF-16, ... */
    EMQX_TLS_FINDING_NOT_UTF8 = 4,
    /** now_s is before this library was: nothing can be said of validity. */
    EMQX_TLS_FINDING_CLOCK_WRONG = 5,
    /** Built without OpenSSL: only the structure of the PEM was looked at. */
    EMQX_TLS_FINDING_NOT_CHECKED = 6,
    /** A part is text, but not PEM: JSON, a web page, a path, base64 of PEM, ... */
    EMQX_TLS_FINDING_NOT_PEM = 7,
    /* PEM */
    /** A block is not as it should be. */
    EMQX_TLS_FINDING_PEM_DAMAGED = 10,
    /** A block seems to lack its BEGIN line. */
    EMQX_TLS_FINDING_STRAY_TEXT = 11,
    /** A block of something else, whatever its BEGIN line says. */
    EMQX_TLS_FINDING_BLOCK_UNEXPECTED = 12,
    /** A private key where only certificates belong. */
    EMQX_TLS_FINDING_KEY_IN_CERT = 13,
    /** A certificate where only the key belongs. */
    EMQX_TLS_FINDING_CERT_IN_KEY = 14,
    /* the private key */
    /** No private key. */
    EMQX_TLS_FINDING_NO_KEY = 20,
    /** More than one private key. */
    EMQX_TLS_FINDING_SEVERAL_KEYS = 21,
    /** The key has a passphrase. */
    EMQX_TLS_FINDING_KEY_ENCRYPTED = 22,
    /** Not PKCS#8, PKCS#1 or SEC1. */
    EMQX_TLS_FINDING_KEY_FORMAT = 23,
    /** The key can't be read, or does not sign. */
    EMQX_TLS_FINDING_KEY_DAMAGED = 24,
    /** The key is not the leaf's. */
    EMQX_TLS_FINDING_KEY_MISMATCH = 25,
    /* the leaf, and each certificate for itself */
    /** No certificate, or those of CAs alone. */
    EMQX_TLS_FINDING_NO_LEAF = 30,
    /** A block is no X.509 certificate, or one that was made badly. */
    EMQX_TLS_FINDING_CERT_DAMAGED = 31,
    /** The leaf or an intermediate has ended. */
    EMQX_TLS_FINDING_EXPIRED = 32,
    /** The leaf or an intermediate has not begun. */
    EMQX_TLS_FINDING_NOT_YET_VALID = 33,
    /** The leaf ends soon. Policy: days_left. */
    EMQX_TLS_FINDING_DAYS_LEFT = 34,
    /** The leaf's kind of key is not taken. Policy: algorithm. */
    EMQX_TLS_FINDING_ALGORITHM = 35,
    /** Leaf and CA have keys of two kinds. Policy: ca_algorithm. */
    EMQX_TLS_FINDING_CA_ALGORITHM = 36,
    /** The leaf is not for policy.host. */
    EMQX_TLS_FINDING_HOST_MISMATCH = 37,
    /** The leaf is not for servers: its extended key usage has no serverAuth. */
    EMQX_TLS_FINDING_LEAF_PURPOSE = 38,
    /* the chain */
    /** The chain is in the wrong order. Policy: chain_order. */
    EMQX_TLS_FINDING_CHAIN_ORDER = 40,
    /** An issuer is missing, or does not fit. Policy: chain_incomplete. */
    EMQX_TLS_FINDING_CHAIN_INCOMPLETE = 41,
    /** The root is in the chain. Policy: root_included. */
    EMQX_TLS_FINDING_ROOT_INCLUDED = 42,
    /** A certificate of no chain of the leaf. Policy: chain_order. */
    EMQX_TLS_FINDING_CHAIN_EXTRA = 43,
    /** The same certificate again. Policy: chain_order. */
    EMQX_TLS_FINDING_CHAIN_DUPLICATE = 44,
    /** An issuer of the chain ends before the leaf. */
    EMQX_TLS_FINDING_CHAIN_ENDS = 45,
    /** A certificate is not valid now, and the chain does not need it. */
    EMQX_TLS_FINDING_CHAIN_NOT_NEEDED = 46,
    /* the client CA */
    /** Two-way without a client CA. */
    EMQX_TLS_FINDING_CA_MISSING = 50,
    /** One-way with a client CA. */
    EMQX_TLS_FINDING_CA_UNEXPECTED = 51,
    /** A certificate in `cacert` is no CA. Policy: client_ca. */
    EMQX_TLS_FINDING_CA_NOT_CA = 52,
    /** One of several is expired or not yet valid. */
    EMQX_TLS_FINDING_CA_NOT_VALID = 53,
    /** None is valid now. */
    EMQX_TLS_FINDING_CA_NONE_VALID = 54,
    /** The same certificate again in `cacert`. */
    EMQX_TLS_FINDING_CA_DUPLICATE = 55,
    /** A certificate in `cacert` ends before the leaf, or in fewer than min_days_left days. */
    EMQX_TLS_FINDING_CA_ENDS = 56,
    /** A certificate in `cacert` is one of the server's own chain. */
    EMQX_TLS_FINDING_CA_OWN_CHAIN = 57
};

/** One finding. */
typedef struct emqx_tls_finding {
    uint32_t size;     /**< Set by the init. */
    uint32_t id;       /**< EMQX_TLS_FINDING_*. */
    uint32_t severity; /**< #EMQX_TLS_WARN or #EMQX_TLS_REFUSE. */
    uint32_t part;     /**< EMQX_TLS_PART_*. */
    uint32_t index;    /**< Which PEM block of the part, from 0; 0 where it is about none. */
    uint32_t reserved; /**< 0. */
    char name[32];     /**< Stable, such as "key-mismatch". */
    char text[256];    /**< A sentence with the mend, for people; never key material. */
} emqx_tls_finding;
EMQX_TLS_INIT_(finding)

/**
 * Checks a request as the platform would. No network, no quota.
 *
 * It asks for no passphrase, and leaves OpenSSL's error queue as it was. Memory is malloc's; what
 * held the key is wiped, but for what OpenSSL keeps.
 *
 * @param request      What would be sent. Borrowed during the call.
 * @param policy       What is refused; NULL: the defaults. Borrowed during the call.
 * @param now_s        The time: seconds since 1970, UTC.
 * @param[out] report  The findings, whatever they are, at most 200: free them with
 *                     emqx_tls_report_free. They hold no part of the request. NULL where the check
 *                     could not be made. May be NULL.
 * @param[out] error   How it ended; may be NULL.
 * @retval EMQX_TLS_OK            Nothing is refused. There may be warnings.
 * @retval EMQX_TLS_E_CHECK       Something is refused; the message is the first of it. What is
 *                                refused beyond 200 findings counts too.
 * @retval EMQX_TLS_E_INVALID     A struct was not set up, a part is NULL but has a length, a
 *                                severity is none, or the host is empty.
 * @retval EMQX_TLS_E_NO_MEMORY   Out of memory.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_check(const emqx_tls_request *request,
                                                             const emqx_tls_policy *policy,
                                                             int64_t now_s,
                                                             emqx_tls_report **report,
                                                             emqx_tls_error *error);

/**
 * The number of findings in a report.
 *
 * @param report  Borrowed; may be NULL.
 * @return How many there are; 0 for NULL.
 * @par Threads
 * Any thread, several at once too.
 * @since 0.1
 */
EMQX_TLS_API size_t emqx_tls_report_count(const emqx_tls_report *report);

/**
 * Copies a finding out of a report.
 *
 * @param report        Borrowed.
 * @param index         From 0 to one less than emqx_tls_report_count.
 * @param[out] finding  Set up by its init; filled if OK.
 * @retval EMQX_TLS_OK         It was copied.
 * @retval EMQX_TLS_E_INVALID  There is no such index, or report or finding is NULL or not set up.
 * @par Threads
 * Any thread, several at once too.
 * @since 0.1
 */
EMQX_TLS_API emqx_tls_code emqx_tls_report_get(const emqx_tls_report *report, size_t index,
                                               emqx_tls_finding *finding);

/**
 * Frees a report.
 *
 * @param report  May be NULL.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_report_free(emqx_tls_report *report);

#ifdef __cplusplus
}
#endif
#endif
