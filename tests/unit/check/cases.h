/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One case of the check: a request out of pieces of pki.h, and all that must be found.
 *
 * Findings are written "!name@part.block" where they refuse and "?name@part.block" where they warn.
 */
#ifndef CASES_H
#define CASES_H

#include "support/pki_request.h"

/* A case names what is special of it; the rest is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

typedef void (*check_edit)(pki_text *text);

/* Puts `with` in the place of each `what`. "^": before the text, "$": behind its last line and on
 * it, "*": in its place. */
typedef struct check_replacement {
    const char *what, *with;
} check_replacement;
#define CHECK_REPLACEMENTS 3

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

typedef struct check_case {
    const char *name;
    const char *cert, *key, *cacert; /* pieces */
    const char *structure;           /* what is found in every build */
    const char *x509;                /* what only a build with OpenSSL finds */
    uint32_t type;                   /* 0: two-way if there is a cacert, else one-way */
    check_edit edit_cert, edit_key;
    check_replacement cert_text[CHECK_REPLACEMENTS], key_text[CHECK_REPLACEMENTS]; /* after that */
    const char *policy; /* "days_left=warn chain_order=off" */
    const char *host;
    uint32_t min_days; /* 0: the default */
    int64_t now;       /* 0: PKI_NOW */
    const char *says;  /* what the texts of the findings have in them, between '|' */
} check_case;

extern const check_case check_cases_form[], check_cases_request[], check_cases_leaf[],
    check_cases_chain[], check_cases_files[], check_cases_lines[];
extern const size_t check_cases_form_count, check_cases_request_count, check_cases_leaf_count,
    check_cases_chain_count, check_cases_files_count, check_cases_lines_count;

#endif
