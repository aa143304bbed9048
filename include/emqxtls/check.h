/* SPDX-License-Identifier: MIT
 *
 * check.h - what the platform would refuse, found before a write is spent on it. No network.
 *
 * The rules are those of the platform's page "Configure TLS/SSL". create, update and ensure run the
 * same check first, unless EMQX_TLS_SKIP_CHECK is set. In a build without OpenSSL only the
 * structure of the PEM is looked at, and the finding "not-checked" says so: that is not "passed".
 *
 *     emqx_tls_report *report;
 *     emqx_tls_code code = emqx_tls_check(&request, NULL, time(NULL), &report, &error);
 *     for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
 *         emqx_tls_finding finding;
 *         emqx_tls_finding_init(&finding);
 *         emqx_tls_report_get(report, i, &finding);
 *         puts(finding.text);
 *     }
 *     emqx_tls_report_free(report);
 */
#ifndef EMQXTLS_CHECK_H
#define EMQXTLS_CHECK_H

#include <emqxtls/values.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct emqx_tls_report emqx_tls_report;

/* Severity of a finding, and what a policy makes of one. */
enum { EMQX_TLS_OFF = 0, EMQX_TLS_WARN = 1, EMQX_TLS_REFUSE = 2 };

/* What may be set: each is OFF, WARN or REFUSE. The defaults follow the platform's requirements.
 * Refused whatever the policy says: damaged PEM, a key where a certificate belongs or the reverse,
 * an encrypted key, no leaf, a key that does not match the leaf, two-way without a client CA,
 * one-way with one, expired, not yet valid. */
typedef struct emqx_tls_policy {
    uint32_t size;
    uint32_t min_days_left; /* 60 (the platform's BYOC plan: 30) */
    uint32_t algorithm;     /* leaf's key not RSA 1024 or 2048, ECDSA P-256 or P-384: REFUSE */
    uint32_t ca_algorithm;  /* leaf's key type unlike that of the CA that signed it: REFUSE */
    uint32_t days_left;     /* fewer than min_days_left: REFUSE */
    /* chain not leaf first, each signed by the next, with nothing else: REFUSE */
    uint32_t chain_order;
    uint32_t chain_incomplete; /* an issuer is missing: REFUSE */
    /* the self-signed root is in the chain; harmless, but needless: WARN */
    uint32_t root_included;
    uint32_t client_ca; /* a certificate in `cacert` is no CA: REFUSE */
    uint32_t reserved;
    /* a name that clients will connect to; NULL: not compared. Not in the SAN: REFUSE */
    const char *host;
} emqx_tls_policy;
EMQX_TLS_INIT_(policy)

enum {
    EMQX_TLS_PART_REQUEST = 0,
    EMQX_TLS_PART_CERT = 1,
    EMQX_TLS_PART_KEY = 2,
    EMQX_TLS_PART_CACERT = 3
};

/* What may be found: stable numbers, never reused. docs/check.md says what each means and how it is
 * mended. A newer library may find what is not listed here: go by the severity. */
enum {
    /* the request */
    EMQX_TLS_FINDING_TYPE_UNKNOWN = 1,
    EMQX_TLS_FINDING_PART_EMPTY = 2,
    EMQX_TLS_FINDING_PART_TOO_LARGE = 3, /* over 1 MiB */
    EMQX_TLS_FINDING_NOT_UTF8 = 4,
    /* now_s is before this library was: nothing can be said of validity */
    EMQX_TLS_FINDING_CLOCK_WRONG = 5,
    /* built without OpenSSL: only the structure of the PEM was looked at */
    EMQX_TLS_FINDING_NOT_CHECKED = 6,
    /* PEM */
    EMQX_TLS_FINDING_PEM_DAMAGED = 10,
    EMQX_TLS_FINDING_STRAY_TEXT = 11,
    EMQX_TLS_FINDING_BLOCK_UNEXPECTED = 12,
    EMQX_TLS_FINDING_KEY_IN_CERT = 13,
    EMQX_TLS_FINDING_CERT_IN_KEY = 14,
    /* the private key */
    EMQX_TLS_FINDING_NO_KEY = 20,
    EMQX_TLS_FINDING_SEVERAL_KEYS = 21,
    EMQX_TLS_FINDING_KEY_ENCRYPTED = 22,
    EMQX_TLS_FINDING_KEY_FORMAT = 23, /* not PKCS#8, PKCS#1 or SEC1 */
    EMQX_TLS_FINDING_KEY_DAMAGED = 24,
    EMQX_TLS_FINDING_KEY_MISMATCH = 25,
    /* the leaf, and each certificate for itself */
    EMQX_TLS_FINDING_NO_LEAF = 30,
    EMQX_TLS_FINDING_CERT_DAMAGED = 31,
    EMQX_TLS_FINDING_EXPIRED = 32,
    EMQX_TLS_FINDING_NOT_YET_VALID = 33,
    EMQX_TLS_FINDING_DAYS_LEFT = 34,    /* policy: days_left */
    EMQX_TLS_FINDING_ALGORITHM = 35,    /* policy: algorithm */
    EMQX_TLS_FINDING_CA_ALGORITHM = 36, /* policy: ca_algorithm */
    EMQX_TLS_FINDING_HOST_MISMATCH = 37,
    /* the chain */
    EMQX_TLS_FINDING_CHAIN_ORDER = 40,      /* policy: chain_order */
    EMQX_TLS_FINDING_CHAIN_INCOMPLETE = 41, /* policy: chain_incomplete */
    EMQX_TLS_FINDING_ROOT_INCLUDED = 42,    /* policy: root_included */
    EMQX_TLS_FINDING_CHAIN_EXTRA = 43,      /* policy: chain_order */
    EMQX_TLS_FINDING_CHAIN_DUPLICATE = 44,  /* policy: chain_order */
    /* the client CA */
    EMQX_TLS_FINDING_CA_MISSING = 50,
    EMQX_TLS_FINDING_CA_UNEXPECTED = 51,
    EMQX_TLS_FINDING_CA_NOT_CA = 52,    /* policy: client_ca */
    EMQX_TLS_FINDING_CA_NOT_VALID = 53, /* one of several is expired or not yet valid */
    EMQX_TLS_FINDING_CA_NONE_VALID = 54,
    EMQX_TLS_FINDING_CA_DUPLICATE = 55
};

typedef struct emqx_tls_finding {
    uint32_t size;
    uint32_t id;       /* EMQX_TLS_FINDING_* */
    uint32_t severity; /* EMQX_TLS_WARN or EMQX_TLS_REFUSE */
    uint32_t part;     /* EMQX_TLS_PART_* */
    /* which PEM block of the part, from 0; 0 where the finding is about none of them */
    uint32_t index;
    uint32_t reserved;
    char name[32];  /* stable, such as "key-mismatch" */
    char text[256]; /* a sentence with the mend, for people; never key material */
} emqx_tls_finding;
EMQX_TLS_INIT_(finding)

/* Checks a request. `policy` NULL: defaults. `now_s`: seconds since 1970, UTC. *report (NULL
 * allowed) is set when the check was made, whatever it found, and must be freed; else it is NULL.
 * It holds no part of the request, and at most 200 findings; what is refused beyond them still
 * makes the result CHECK. Memory is malloc's; what held the key is wiped, but for what OpenSSL
 * keeps. Any thread. Asks for no passphrase. OpenSSL's error queue stays as it was.
 * Returns OK if nothing is refused (there may be warnings), CHECK if something is (the message is
 * the first of them), INVALID (an argument: a struct that was not set up, a part that is NULL but
 * has a length, a severity that is none, an empty host), NO_MEMORY. */
EMQX_TLS_API emqx_tls_code emqx_tls_check(const emqx_tls_request *request,
                                          const emqx_tls_policy *policy, int64_t now_s,
                                          emqx_tls_report **report, emqx_tls_error *error);

/* Number of findings; 0 for NULL. */
EMQX_TLS_API size_t emqx_tls_report_count(const emqx_tls_report *report);

/* Copies a finding. Errors: INVALID (no such index; report or finding NULL, or not set up). */
EMQX_TLS_API emqx_tls_code emqx_tls_report_get(const emqx_tls_report *report, size_t index,
                                               emqx_tls_finding *finding);

/* NULL is fine. */
EMQX_TLS_API void emqx_tls_report_free(emqx_tls_report *report);

#ifdef __cplusplus
}
#endif
#endif
