/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Every finding there is. docs/check.md lists the same ones for users; a test compares the two.
 */
#include "check/rules.h"

/* clang-format off */
#define ALWAYS(id, name, severity) {EMQX_TLS_FINDING_##id, name, EMQX_TLS_##severity, 0, NULL}
#define POLICY(id, name, member) \
    {EMQX_TLS_FINDING_##id, name, 0, offsetof(emqx_tls_policy, member), #member}
/* clang-format on */

const emqxi_finding_row emqxi_findings[] = {
    ALWAYS(TYPE_UNKNOWN, "type-unknown", REFUSE),
    ALWAYS(PART_EMPTY, "part-empty", REFUSE),
    ALWAYS(PART_TOO_LARGE, "part-too-large", REFUSE),
    ALWAYS(NOT_UTF8, "not-utf8", REFUSE),
    ALWAYS(CLOCK_WRONG, "clock-wrong", REFUSE),
    ALWAYS(NOT_CHECKED, "not-checked", WARN),
    ALWAYS(NOT_PEM, "not-pem", REFUSE),
    ALWAYS(PEM_DAMAGED, "pem-damaged", REFUSE),
    ALWAYS(STRAY_TEXT, "stray-text", WARN),
    ALWAYS(BLOCK_UNEXPECTED, "block-unexpected", REFUSE),
    ALWAYS(KEY_IN_CERT, "key-in-cert", REFUSE),
    ALWAYS(CERT_IN_KEY, "cert-in-key", REFUSE),
    ALWAYS(NO_KEY, "no-key", REFUSE),
    ALWAYS(SEVERAL_KEYS, "several-keys", REFUSE),
    ALWAYS(KEY_ENCRYPTED, "key-encrypted", REFUSE),
    ALWAYS(KEY_FORMAT, "key-format", REFUSE),
    ALWAYS(KEY_DAMAGED, "key-damaged", REFUSE),
    ALWAYS(KEY_MISMATCH, "key-mismatch", REFUSE),
    ALWAYS(NO_LEAF, "no-leaf", REFUSE),
    ALWAYS(CERT_DAMAGED, "cert-damaged", REFUSE),
    ALWAYS(EXPIRED, "expired", REFUSE),
    ALWAYS(NOT_YET_VALID, "not-yet-valid", REFUSE),
    POLICY(DAYS_LEFT, "days-left", days_left),
    POLICY(ALGORITHM, "algorithm", algorithm),
    POLICY(CA_ALGORITHM, "ca-algorithm", ca_algorithm),
    ALWAYS(HOST_MISMATCH, "host-mismatch", REFUSE),
    ALWAYS(LEAF_PURPOSE, "leaf-purpose", WARN),
    POLICY(CHAIN_ORDER, "chain-order", chain_order),
    POLICY(CHAIN_INCOMPLETE, "chain-incomplete", chain_incomplete),
    POLICY(ROOT_INCLUDED, "root-included", root_included),
    POLICY(CHAIN_EXTRA, "chain-extra", chain_order),
    POLICY(CHAIN_DUPLICATE, "chain-duplicate", chain_order),
    ALWAYS(CHAIN_ENDS, "chain-ends", WARN),
    ALWAYS(CHAIN_NOT_NEEDED, "chain-not-needed", WARN),
    ALWAYS(CA_MISSING, "ca-missing", REFUSE),
    ALWAYS(CA_UNEXPECTED, "ca-unexpected", REFUSE),
    POLICY(CA_NOT_CA, "ca-not-ca", client_ca),
    ALWAYS(CA_NOT_VALID, "ca-not-valid", WARN),
    ALWAYS(CA_NONE_VALID, "ca-none-valid", REFUSE),
    ALWAYS(CA_DUPLICATE, "ca-duplicate", WARN),
    ALWAYS(CA_ENDS, "ca-ends", WARN),
    ALWAYS(CA_OWN_CHAIN, "ca-own-chain", WARN),
};
const size_t emqxi_findings_count = sizeof emqxi_findings / sizeof emqxi_findings[0];
