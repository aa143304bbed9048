/* SPDX-License-Identifier: MIT
 *
 * Cases about the chain.
 */
#include "check_cases.h"

const check_case check_cases_chain[] = {
    /* accepted */
    {"a self-signed leaf", "self", "leaf.key", NULL, "", ""},
    {"a self-signed leaf that says that it is a CA", "self-ca", "leaf.key", NULL, "", ""},
    {"a self-signed leaf, two-way", "self", "leaf.key", "root", "", ""},
    {"a leaf that the root itself has signed, with the root", "direct root", "leaf.key", NULL, "", ""},
    {"three intermediates", "deep low middle top", "leaf.key", NULL, "", "?root-included@cert.3"},
    {"a chain to a cross-signed root", "leaf inter root-cross", "leaf.key", NULL, "", ""},
    {"both certificates of a cross-signed intermediate", "leaf inter inter-cross", "leaf.key", NULL, "", ""},
    /* order */
    {"the intermediate first", "inter leaf", "leaf.key", NULL, "", "!chain-order@cert.1"},
    {"the whole chain the wrong way round", "root inter leaf", "leaf.key", NULL, "",
     "!chain-order@cert.2 ?root-included@cert.0"},
    {"two intermediates exchanged", "deep middle low", "leaf.key", NULL, "", "!chain-order@cert.0"},
    {"root before the intermediate", "leaf root inter", "leaf.key", NULL, "",
     "!chain-order@cert.0 ?root-included@cert.1"},
    {"a cross-signed root before what it signs", "leaf root-cross inter", "leaf.key", NULL, "", "!chain-order@cert.0"},
    {"out of order, and the policy warns", "inter leaf", "leaf.key", NULL, "", "?chain-order@cert.1",
     .policy = "chain_order=warn"},
    {"out of order, and the policy does not look", "inter leaf", "leaf.key", NULL, "", "", .policy = "chain_order=off"},
    /* incomplete */
    {"the leaf alone", "leaf", "leaf.key", NULL, "", "!chain-incomplete@cert.0"},
    {"the root without the intermediate", "leaf root", "leaf.key", NULL, "",
     "!chain-incomplete@cert.0 !chain-extra@cert.1"},
    {"a gap between two intermediates", "deep low top", "leaf.key", NULL, "",
     "!chain-incomplete@cert.1 !chain-extra@cert.2"},
    {"an intermediate of the right name with another key", "leaf inter-rekeyed", "leaf.key", NULL, "",
     "!chain-incomplete@cert.0 !chain-extra@cert.1"},
    {"the same, told by the signature alone", "leaf-no-keyid inter-rekeyed", "leaf.key", NULL, "",
     "!chain-incomplete@cert.0 !chain-extra@cert.1"},
    {"two intermediates of one name, one the right one", "leaf-no-keyid inter-rekeyed inter", "leaf.key", NULL, "",
     "!chain-extra@cert.1"},
    {"a leaf whose signature is forged", "leaf-forged inter", "leaf.key", NULL, "",
     "!chain-incomplete@cert.0 !chain-extra@cert.1"},
    {"the leaf alone, and the policy warns", "leaf", "leaf.key", NULL, "", "?chain-incomplete@cert.0",
     .policy = "chain_incomplete=warn"},
    {"the leaf alone, and the policy does not look", "leaf", "leaf.key", NULL, "", "",
     .policy = "chain_incomplete=off"},
    /* root included */
    {"the root behind the chain", "leaf inter root", "leaf.key", NULL, "", "?root-included@cert.2"},
    {"the root, and the policy refuses it", "leaf inter root", "leaf.key", NULL, "", "!root-included@cert.2",
     .policy = "root_included=refuse"},
    {"the root, and the policy does not look", "leaf inter root", "leaf.key", NULL, "", "",
     .policy = "root_included=off"},
    {"an expired root behind the chain", "leaf inter root-expired", "leaf.key", NULL, "", "?root-included@cert.2"},
    {"the other root of a cross-signed chain", "leaf inter root-cross other-root", "leaf.key", NULL, "",
     "?root-included@cert.3"},
    {"a cross-signed chain with both roots", "leaf inter root root-cross other-root", "leaf.key", NULL, "",
     "?root-included@cert.2 ?root-included@cert.4"},
    /* too much */
    {"a CA that has nothing to do with it", "leaf inter other-root", "leaf.key", NULL, "",
     "!chain-extra@cert.2 !chain-incomplete@cert.1"},
    {"another leaf of the same key", "leaf old inter", "leaf.key", NULL, "", "!chain-extra@cert.1"},
    {"another leaf of another key", "rsa2048 leaf inter", "leaf.key", NULL, "", "!chain-extra@cert.0"},
    {"a certificate behind a self-signed leaf", "self rsa2048", "leaf.key", NULL, "", "!chain-extra@cert.1"},
    {"the leaf twice", "leaf leaf inter", "leaf.key", NULL, "!chain-duplicate@cert.1", ""},
    {"the intermediate three times", "leaf inter inter inter", "leaf.key", NULL,
     "!chain-duplicate@cert.2 !chain-duplicate@cert.3", ""},
    {"the leaf twice, once under its old label", "leaf inter leaf-oldlabel", "leaf.key", NULL,
     "!chain-duplicate@cert.2", ""},
    {"twice, and the policy warns", "leaf inter inter", "leaf.key", NULL, "?chain-duplicate@cert.2", "",
     .policy = "chain_order=warn"},
    {"too much, and the policy does not look", "leaf inter inter old", "leaf.key", NULL, "", "",
     .policy = "chain_order=off"},
    /* names of others in messages */
    {"a subject with control characters", "leaf inter ugly", "leaf.key", NULL, "",
     "!chain-extra@cert.2 !chain-incomplete@cert.1"},
    {"a subject longer than its place", "leaf inter long", "leaf.key", NULL, "",
     "!chain-extra@cert.2 !chain-incomplete@cert.1"},
};
const size_t check_cases_chain_count = sizeof check_cases_chain / sizeof check_cases_chain[0];
