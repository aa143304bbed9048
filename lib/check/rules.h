/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * rules.h - one check under way, and the rules that it runs. Each rule reports what it finds; none
 * stops another.
 */
#ifndef EMQXI_RULES_H
#define EMQXI_RULES_H

#include "check/check.h"
#include "check/pem.h"

#define EMQXI_PART_MAX (1024u * 1024u) /* bytes of cert, key or cacert */
/* kept in a report; what is refused counts beyond it */
#define EMQXI_FINDINGS_MAX 200u

/* 2026-01-01: this library did not exist before, so a clock that says less is wrong. */
#define EMQXI_CLOCK_FLOOR INT64_C(1767225600)

/* -- findings.c: the table */
typedef struct emqxi_finding_row {
    uint32_t id;
    const char *name;
    uint32_t severity;   /* where `policy` is 0 */
    size_t policy;       /* offset of its severity in emqx_tls_policy; 0: not to be set */
    const char *setting; /* the name of that member */
} emqxi_finding_row;
extern const emqxi_finding_row emqxi_findings[];
extern const size_t emqxi_findings_count;

/* -- report.c */
struct emqx_tls_report {
    emqx_tls_allocator allocator;
    emqx_tls_finding *findings;
    size_t count, capacity;
    bool refused, no_memory;
    bool unfit;      /* refused whatever the policy says */
    char first[256]; /* text of the first refusal */
};

typedef struct emqxi_check {
    const emqx_tls_allocator *allocator;
    emqx_tls_request request;
    emqx_tls_policy policy;
    int64_t now_s;
    emqxi_pem pem[4]; /* by EMQX_TLS_PART_*; that of REQUEST stays empty */
    bool sound[4];    /* nothing in this part was refused for its form */
    emqx_tls_report *report;
    emqxi_identity *identity; /* filled where all certificates can be read; NULL: not wanted */
} emqxi_check;

uint32_t emqxi_severity(const emqx_tls_policy *policy, const emqxi_finding_row *row);

/* Adds a finding, unless the policy has switched it off. emqxi_found_block begins its text with
 * "block 1 of cert ". */
void emqxi_found(emqxi_check *check, uint32_t id, uint32_t part, size_t index, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
void emqxi_found_block(emqxi_check *check, uint32_t id, uint32_t part, size_t index,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "cert", "key", "cacert": as the request's members are called. */
const char *emqxi_part_name(uint32_t part);

/* -- canonical.c: OK, NO_MEMORY */
emqx_tls_code emqxi_canonical_write(const emqxi_check *check, emqxi_canonical *out,
                                    emqxi_error *error);

/* -- recognise.c: what it is that should be PEM, or in PEM, and is not; the step that mends it */
typedef struct emqxi_nature {
    const char *what; /* "cert is ..." */
    bool der, binary;
    char mend[176];
} emqxi_nature;

/* A whole part. False: nothing that is known. */
bool emqxi_recognise(const char *text, size_t len, emqxi_nature *nature);

/* A DER value of this shape, in a block of PEM or (`der`) as a file of its own. */
void emqxi_recognise_shape(enum emqxi_der_shape shape, bool der, emqxi_nature *nature);

/* -- structure.c: what can be told without X.509 */
void emqxi_check_structure(emqxi_check *check);

/* -- x509.c, or check_without_openssl.c */
void emqxi_check_x509(emqxi_check *check);

#endif
