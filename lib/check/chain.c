/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The chain: from the leaf by way of who signed whom, whatever the order of the file. A certificate
 * can have several issuers (cross-signed CAs), so this walks a graph.
 */
#include "check/x509.h"

#include <stdio.h>

/* So many certificates of one subject are tried as issuer of one; nobody has more keys or
 * cross-signatures of one CA. */
#define ISSUERS_TRIED 8

typedef struct walk {
    emqxi_check *check;
    emqxi_certs *certs;
    emqxi_cert **queue; /* those reached, nearest to the leaf first */
    size_t reached;
} walk;

/* Why a certificate of the issuer's name is not the issuer; NULL: it is. A signature of an
 * algorithm that OpenSSL does not know is believed by its names. One that is only malformed is
 * not. */
static const char *misfit(X509 *x, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    int good = key ? X509_verify(x, key) : 0;
    if (good == 0 || (good < 0 && X509_get_signature_info(x, NULL, NULL, NULL, NULL) == 1))
        return "another key";
    switch (X509_check_issued(issuer, x)) {
    case X509_V_OK:
        return X509_check_ca(issuer) ? NULL : "is no CA by its basic constraints";
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
        return "another serial number than is asked for";
    case X509_V_ERR_AKID_SKID_MISMATCH:
        return "another key identifier than is asked for";
    default:
        return "a key usage that does not let it sign certificates";
    }
}

static void reach(walk *w, emqxi_cert *cert)
{
    if (cert->reached)
        return;
    cert->reached = true;
    w->queue[w->reached++] = cert;
}

/* Of two issuers the one that lasts longer; one that is valid now before one that is not. */
static emqxi_cert *better(const emqxi_check *c, emqxi_cert *a, emqxi_cert *b)
{
    bool a_now = emqxi_when(c, a, NULL) == EMQXI_NOW, b_now = emqxi_when(c, b, NULL) == EMQXI_NOW;
    return a_now != b_now ? (a_now ? a : b) : a->not_after >= b->not_after ? a : b;
}

static void follow(walk *w, emqxi_cert *cert, const emqxi_cert *leaf)
{
    const X509_NAME *issuer = X509_get_issuer_name(cert->x);
    emqxi_cert *best = NULL, *doubtful = NULL;
    const char *doubt = NULL;
    size_t tried = 0;
    if (cert->self_signed)
        return;
    for (size_t i = 0; i < w->certs->count && tried < ISSUERS_TRIED; i++) {
        emqxi_cert *candidate = &w->certs->list[i];
        if (candidate == cert || candidate == leaf ||
            X509_NAME_cmp(X509_get_subject_name(candidate->x), issuer) != 0)
            continue;
        tried++;
        const char *problem = misfit(cert->x, candidate->x);
        if (problem) {
            doubtful = candidate;
            doubt = problem;
            continue;
        }
        cert->goes_on |= !candidate->self_signed;
        candidate->in_order |= cert->index < candidate->index;
        candidate->signed_leaf |= cert == leaf;
        best = best ? better(w->check, best, candidate) : candidate;
        reach(w, candidate);
    }
    cert->has_issuer = best || doubtful;
    if (best) {
        best->best = true;
    } else if (doubtful) {
        doubtful->in_order = true; /* what is above it is no further finding */
        reach(w, doubtful);
        emqxi_found_cert(
            w->check, EMQX_TLS_FINDING_CHAIN_INCOMPLETE, doubtful,
            "has the name of block %zu's issuer, but %s: put the CA's certificate that "
            "signed block %zu in its place",
            cert->index, doubt, cert->index);
    }
}

static void order(emqxi_check *c, const walk *w)
{
    char text[120] = "";
    size_t len = 0;
    bool good = true;
    for (size_t i = 0; i < w->reached; i++)
        good =
            good && (i == 0 || (w->queue[i]->in_order && w->queue[i]->index > w->queue[0]->index));
    if (good)
        return;
    for (size_t i = 0; i < w->reached && len < sizeof text - 24; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu", i ? ", " : "",
                                w->queue[i]->index);
    emqxi_found(c, EMQX_TLS_FINDING_CHAIN_ORDER, EMQX_TLS_PART_CERT, w->queue[0]->index,
                "the chain is out of order: leaf first, then each one's issuer, so its blocks in "
                "the order %s%s",
                text, len < sizeof text - 24 ? "" : ", ...");
}

static void incomplete(emqxi_check *c, const walk *w, size_t last_ca_left_over)
{
    char name[EMQXI_NAME_TEXT];
    for (size_t i = 0; i < w->reached; i++) {
        const emqxi_cert *cert = w->queue[i];
        /* The chain's end needs no issuer: clients have the root. But the leaf's own one belongs to
         * the chain, and a CA that is left over behind the end suggests that one is missing
         * between. */
        if (cert->self_signed || cert->has_issuer || (i > 0 && cert->index >= last_ca_left_over))
            continue;
        emqxi_found(c, EMQX_TLS_FINDING_CHAIN_INCOMPLETE, cert->part, cert->index,
                    "the issuer of block %zu of cert (%s) is missing: put the CA's certificates "
                    "behind the leaf",
                    cert->index, emqxi_name_text(X509_get_issuer_name(cert->x), NULL, name));
    }
}

static void roots(emqxi_check *c, const walk *w)
{
    char name[EMQXI_NAME_TEXT];
    /* a root that signed the leaf itself is the chain */
    for (size_t i = 1; i < w->reached; i++)
        if (w->queue[i]->self_signed && !w->queue[i]->signed_leaf)
            emqxi_found_block(
                c, EMQX_TLS_FINDING_ROOT_INCLUDED, w->queue[i]->part, w->queue[i]->index,
                "is the root (%s): clients have it, it can be left out",
                emqxi_name_text(X509_get_subject_name(w->queue[i]->x), w->queue[i]->x, name));
}

/* Returns the block of the last CA that is left over; 0: none is. */
static size_t left_over(emqxi_check *c, const emqxi_certs *certs)
{
    size_t last_ca = 0;
    for (size_t i = 0; i < certs->count; i++) {
        const emqxi_cert *cert = &certs->list[i];
        if (cert->reached)
            continue;
        if (X509_check_ca(cert->x) != 0)
            last_ca = cert->index;
        emqxi_found_cert(c, EMQX_TLS_FINDING_CHAIN_EXTRA, cert,
                         "does not belong to the leaf's chain: take it out");
    }
    return last_ca;
}

/* An issuer that is not valid is no reason to refuse where the chain is as good without it: another
 * issuer is, or it is a cross-signature at the end, in whose place clients have a root. */
static void validity(emqxi_check *c, const emqxi_cert *issuer, const emqxi_cert *leaf)
{
    char date[EMQXI_DATE_TEXT];
    enum emqxi_when when = emqxi_when(c, issuer, date);
    if (issuer->self_signed && !issuer->signed_leaf)
        return;
    if (when == EMQXI_NOW && issuer->best && issuer->not_after < leaf->not_after)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CHAIN_ENDS, issuer,
                         "ends on %s, before the leaf: clients will refuse both from then on, get "
                         "the CA's newer certificate until then",
                         date);
    else if (when != EMQXI_NOW && issuer->best && (issuer->signed_leaf || issuer->goes_on))
        emqxi_check_validity(c, issuer);
    else if (when != EMQXI_NOW)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CHAIN_NOT_NEEDED, issuer,
                         "is %s %s, and the chain is complete without it: take block %zu out",
                         when == EMQXI_ENDED ? "expired since" : "not valid before", date,
                         issuer->index);
}

void emqxi_check_chain(emqxi_check *c, emqxi_certs *certs, emqxi_cert *leaf)
{
    walk w = {.check = c, .certs = certs};
    w.queue = emqxi_alloc(c->allocator, certs->count * sizeof(emqxi_cert *));
    if (!w.queue) {
        c->report->no_memory = true;
        return;
    }
    reach(&w, leaf);
    for (size_t i = 0; i < w.reached; i++)
        follow(&w, w.queue[i], leaf);
    order(c, &w);
    incomplete(c, &w, left_over(c, certs));
    roots(c, &w);
    for (size_t i = 1; i < w.reached; i++)
        validity(c, w.queue[i], leaf);
    emqxi_free(c->allocator, w.queue);
}
