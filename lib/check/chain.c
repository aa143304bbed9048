/* SPDX-License-Identifier: MIT
 *
 * The chain: from the leaf by way of who signed whom, whatever the order of the file. A certificate
 * can have several issuers (cross-signed CAs), so this walks a graph. Linear but for one sort by
 * subject: a chain may be long.
 */
#include "check/x509.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

/* So many certificates of one subject are tried as issuer of one; nobody has more keys or
 * cross-signatures of one CA. */
#define ISSUERS_TRIED 8

typedef struct walk {
    emqxi_cert **by_subject;
    size_t count;
    emqxi_cert **queue; /* those reached, nearest to the leaf first */
    size_t reached;
} walk;

static int compare_subjects(const void *a, const void *b)
{
    const emqxi_cert *x = *(emqxi_cert *const *)a, *y = *(emqxi_cert *const *)b;
    int order = X509_NAME_cmp(X509_get_subject_name(x->x), X509_get_subject_name(y->x));
    return order != 0 ? order : x < y ? -1 : x > y;
}

static size_t first_of_subject(const walk *w, const X509_NAME *name)
{
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (X509_NAME_cmp(X509_get_subject_name(w->by_subject[middle]->x), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A signature of an algorithm that OpenSSL does not know is believed by its names. One that is only
 * malformed is not. */
static bool signed_by(X509 *x, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (X509_check_issued(issuer, x) != X509_V_OK || !key)
        return false;
    int good = X509_verify(x, key);
    return good == 1 || (good < 0 && X509_get_signature_info(x, NULL, NULL, NULL, NULL) != 1);
}

static void reach(walk *w, emqxi_cert *cert)
{
    if (cert->reached)
        return;
    cert->reached = true;
    w->queue[w->reached++] = cert;
}

static void follow(walk *w, emqxi_cert *cert, const emqxi_cert *leaf)
{
    const X509_NAME *issuer = X509_get_issuer_name(cert->x);
    if (cert->self_signed)
        return;
    unsigned tried = 0;
    for (size_t i = first_of_subject(w, issuer); i < w->count && tried < ISSUERS_TRIED;
         i++, tried++) {
        emqxi_cert *candidate = w->by_subject[i];
        if (X509_NAME_cmp(X509_get_subject_name(candidate->x), issuer) != 0)
            break;
        if (candidate == cert || candidate == leaf || !signed_by(cert->x, candidate->x))
            continue;
        cert->has_issuer = true;
        candidate->in_order |= cert->index < candidate->index;
        candidate->signed_leaf |= cert == leaf;
        reach(w, candidate);
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
                    cert->index, emqxi_name_text(X509_get_issuer_name(cert->x), name));
    }
}

static void roots(emqxi_check *c, const walk *w)
{
    char name[EMQXI_NAME_TEXT];
    /* a root that signed the leaf itself is the chain */
    for (size_t i = 1; i < w->reached; i++)
        if (w->queue[i]->self_signed && !w->queue[i]->signed_leaf)
            emqxi_found_block(c, EMQX_TLS_FINDING_ROOT_INCLUDED, w->queue[i]->part,
                              w->queue[i]->index,
                              "is the root (%s): clients have it, it can be left out",
                              emqxi_name_text(X509_get_subject_name(w->queue[i]->x), name));
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

void emqxi_check_chain(emqxi_check *c, emqxi_certs *certs, emqxi_cert *leaf)
{
    walk w = {.count = certs->count};
    emqxi_cert **memory = emqxi_alloc(c->allocator, 2 * certs->count * sizeof(emqxi_cert *));
    if (!memory) {
        c->report->no_memory = true;
        return;
    }
    w.by_subject = memory;
    w.queue = memory + certs->count;
    for (size_t i = 0; i < certs->count; i++)
        w.by_subject[i] = &certs->list[i];
    qsort(w.by_subject, w.count, sizeof(emqxi_cert *), compare_subjects);
    reach(&w, leaf);
    for (size_t i = 0; i < w.reached; i++)
        follow(&w, w.queue[i], leaf);
    order(c, &w);
    incomplete(c, &w, left_over(c, certs));
    roots(c, &w);
    for (size_t i = 1; i < w.reached; i++)
        if (!w.queue[i]->self_signed)
            emqxi_check_validity(c, w.queue[i]);
    emqxi_free(c->allocator, memory);
}
