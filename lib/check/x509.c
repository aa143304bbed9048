/* SPDX-License-Identifier: MIT
 *
 * The check with OpenSSL: reads what the PEM holds, finds the leaf, and runs the rules.
 */
#include "check/x509.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

static bool out_of_memory(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

static bool take_cert(emqxi_cert *cert, const emqxi_pem_block *block)
{
    X509 *x = cert->x = emqxi_cert_read(block);
    if (x && emqxi_time_read(X509_get0_notBefore(x), &cert->not_before) &&
        emqxi_time_read(X509_get0_notAfter(x), &cert->not_after) &&
        !(X509_get_extension_flags(x) & EXFLAG_INVALID)) {
        cert->self_signed = X509_self_signed(x, 1) == 1;
        return true;
    }
    X509_free(x);
    return false;
}

static void load_certs(emqxi_check *c, uint32_t part, emqxi_certs *certs)
{
    const emqxi_pem *pem = &c->pem[part];
    *certs = (emqxi_certs){0};
    if (pem->count == 0)
        return;
    certs->list = emqxi_alloc(c->allocator, pem->count * sizeof *certs->list);
    c->report->no_memory |= !certs->list;
    for (size_t i = 0; certs->list && i < pem->count; i++) {
        const emqxi_pem_block *b = &pem->blocks[i];
        if (b->kind != EMQXI_PEM_CERT || b->fault || b->twin)
            continue;
        certs->list[certs->count] = (emqxi_cert){.part = part, .index = i};
        if (take_cert(&certs->list[certs->count], b)) {
            certs->count++;
            continue;
        }
        c->sound[part] = false;
        if (out_of_memory())
            c->report->no_memory = true;
        else
            emqxi_found_block(c, EMQX_TLS_FINDING_CERT_DAMAGED, part, i,
                              "is no X.509 certificate, or a damaged one: copy the file again");
    }
}

static void unload(const emqxi_check *c, emqxi_certs *certs)
{
    for (size_t i = 0; i < certs->count; i++)
        X509_free(certs->list[i].x);
    emqxi_free(c->allocator, certs->list);
}

static void load_key(emqxi_check *c, emqxi_key *key)
{
    const uint32_t part = EMQX_TLS_PART_KEY;
    const emqxi_pem *pem = &c->pem[part];
    if (!c->sound[part])
        return;
    while (!emqxi_pem_is_key(&pem->blocks[key->index]))
        key->index++;
    bool memory = emqxi_key_read(c->allocator, &pem->blocks[key->index], key);
    if (key->pkey)
        return;
    c->sound[part] = false;
    if (!memory || out_of_memory())
        c->report->no_memory = true;
    else
        emqxi_found(c, EMQX_TLS_FINDING_KEY_DAMAGED, part, key->index,
                    "the private key can't be read: it is damaged, or not what its BEGIN line "
                    "says; copy the file again");
}

/* The certificate that the key belongs to, be the key damaged or not. */
static emqxi_cert *owner(const emqxi_certs *certs, const emqxi_key *key)
{
    emqxi_cert *likely = NULL;
    for (size_t i = 0; key->pkey && i < certs->count; i++) {
        emqxi_cert *cert = &certs->list[i];
        cert->fit = emqxi_key_fit(key, cert);
        if (cert->fit == EMQXI_FIT_WHOLE)
            return cert;
        if (cert->fit == EMQXI_FIT_DAMAGED && !likely)
            likely = cert;
    }
    return likely;
}

static emqxi_cert *first_end_entity(const emqxi_certs *certs)
{
    for (size_t i = 0; i < certs->count; i++)
        if (X509_check_ca(certs->list[i].x) == 0)
            return &certs->list[i];
    return NULL;
}

/* The leaf is what the key belongs to, unless that is a CA above it. Where it belongs to none, the
 * first certificate that is no CA's. */
static emqxi_cert *find_leaf(emqxi_check *c, const emqxi_certs *certs, const emqxi_key *key)
{
    emqxi_cert *leaf = first_end_entity(certs), *own = owner(certs, key);
    if (own && (!leaf || X509_check_ca(own->x) == 0))
        return own;
    if (!c->sound[EMQX_TLS_PART_CERT]) /* what can't be read may be the leaf */
        return key->pkey ? NULL : leaf;
    if (!leaf && !own && (certs->count > 1 || !certs->list[0].self_signed)) {
        emqxi_found(c, EMQX_TLS_FINDING_NO_LEAF, EMQX_TLS_PART_CERT, 0,
                    "cert has only certificates of CAs: put the leaf before them (fullchain.pem, "
                    "where the file is chain.pem)");
        return NULL;
    }
    leaf = leaf ? leaf : &certs->list[0];
    if (key->pkey)
        emqxi_found(c, EMQX_TLS_FINDING_KEY_MISMATCH, EMQX_TLS_PART_KEY, key->index,
                    "the private key belongs to %s: give the key that the leaf was made with",
                    own ? "a CA of the chain and not to the leaf" : "no certificate of cert");
    return leaf;
}

static void check_cert(emqxi_check *c, emqxi_certs *certs, const emqxi_key *key)
{
    emqxi_cert *leaf = find_leaf(c, certs, key);
    if (!leaf)
        return;
    emqxi_check_leaf(c, leaf);
    if (key->pkey)
        emqxi_check_key(c, key, leaf);
    if (c->sound[EMQX_TLS_PART_CERT])
        emqxi_check_chain(c, certs, leaf);
}

void emqxi_check_x509(emqxi_check *c)
{
    emqxi_certs certs, cas;
    emqxi_key key = {0};
    ERR_set_mark();
    load_certs(c, EMQX_TLS_PART_CERT, &certs);
    load_certs(c, EMQX_TLS_PART_CACERT, &cas);
    load_key(c, &key);
    if (c->now_s < EMQXI_CLOCK_FLOOR)
        emqxi_found(c, EMQX_TLS_FINDING_CLOCK_WRONG, EMQX_TLS_PART_REQUEST, 0,
                    "the clock says a time before 2026, so validity can't be checked: set it, by "
                    "NTP for one");
    if (certs.count > 0 && !c->report->no_memory)
        check_cert(c, &certs, &key);
    if (cas.count > 0)
        emqxi_check_client_ca(c, &cas);
    if (c->identity && certs.count > 0 && c->sound[EMQX_TLS_PART_CERT] &&
        c->sound[EMQX_TLS_PART_CACERT])
        emqxi_identity_take(certs.list[0].x, &c->pem[EMQX_TLS_PART_CERT],
                            &c->pem[EMQX_TLS_PART_CACERT], c->identity);
    EVP_PKEY_free(key.pkey);
    unload(c, &cas);
    unload(c, &certs);
    ERR_pop_to_mark();
}
