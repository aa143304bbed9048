/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The check with OpenSSL: reads what the PEM holds, finds the leaf, and runs the rules.
 */
#include "check/x509.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#define EXTENSIONS_MAX 100 /* are compared with each other */

static bool out_of_memory(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/* An extension of which there are two; NULL: none. */
static const ASN1_OBJECT *twice(const X509 *x)
{
    for (int i = 0; i < X509_get_ext_count(x) && i < EXTENSIONS_MAX; i++) {
        const ASN1_OBJECT *kind = X509_EXTENSION_get_object(X509_get_ext(x, i));
        if (X509_get_ext_by_OBJ(x, kind, i) > i)
            return kind;
    }
    return NULL;
}

/* What is wrong with how it was made, which no copy mends; false: nothing. */
static bool is_misshapen(const emqxi_cert *cert, char why[120])
{
    char name[64] = "";
    const ASN1_OBJECT *kind = twice(cert->x);
    X509_ALGOR *algorithm = NULL;
    ASN1_OBJECT *id = NULL;
    const ASN1_TYPE *parameter;
    X509_PUBKEY_get0_param(&id, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(cert->x));
    parameter = algorithm->parameter;
    if (kind) {
        OBJ_obj2txt(name, sizeof name, kind, 0);
        snprintf(why, 120, "has the extension \"%s\" twice", name);
    } else if (X509_get_extension_flags(cert->x) & EXFLAG_INVALID) {
        strcpy(why, "has an extension that can't be read");
    } else if (cert->not_after < cert->not_before) {
        strcpy(why, "ends before it begins");
    } else if (OBJ_obj2nid(id) == NID_X9_62_id_ecPublicKey &&
               (!parameter || parameter->type == V_ASN1_NULL)) {
        strcpy(why, "has a key without its curve");
    } else {
        return false;
    }
    return true;
}

static bool take_cert(emqxi_check *c, emqxi_cert *cert, const emqxi_pem_block *block)
{
    char why[120];
    cert->x = emqxi_cert_read(block);
    bool read = cert->x && emqxi_time_read(X509_get0_notBefore(cert->x), &cert->not_before) &&
                emqxi_time_read(X509_get0_notAfter(cert->x), &cert->not_after);
    bool misshapen = read && is_misshapen(cert, why);
    if (read && !misshapen) {
        cert->self_signed = X509_self_signed(cert->x, 1) == 1;
        return true;
    }
    if (out_of_memory())
        c->report->no_memory = true;
    else if (misshapen)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CERT_DAMAGED, cert,
                         "was made badly: it %s; have it made anew", why);
    else
        emqxi_found_block(c, EMQX_TLS_FINDING_CERT_DAMAGED, cert->part, cert->index,
                          "is no X.509 certificate, or a damaged one: copy the file again");
    X509_free(cert->x);
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
        emqxi_cert *cert = &certs->list[certs->count];
        *cert = (emqxi_cert){.part = part, .index = i};
        if (!emqxi_pem_is_cert(&pem->blocks[i]) || pem->blocks[i].repeated)
            continue;
        if (take_cert(c, cert, &pem->blocks[i]))
            certs->count++;
        else
            c->sound[part] = false;
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
    while (pem->blocks[key->index].kind != EMQXI_PEM_KEY)
        key->index++;
    bool memory = emqxi_key_read(c->allocator, &pem->blocks[key->index], key);
    if (key->pkey && memory)
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

static emqxi_cert *check_cert(emqxi_check *c, emqxi_certs *certs, const emqxi_key *key)
{
    emqxi_cert *leaf = find_leaf(c, certs, key);
    if (!leaf)
        return NULL;
    emqxi_check_leaf(c, leaf);
    if (key->pkey)
        emqxi_check_key(c, key, leaf);
    if (c->sound[EMQX_TLS_PART_CERT])
        emqxi_check_chain(c, certs, leaf);
    return leaf;
}

void emqxi_check_x509(emqxi_check *c)
{
    emqxi_certs certs, cas;
    emqxi_key key = {0};
    const emqxi_cert *leaf = NULL;
    ERR_set_mark();
    load_certs(c, EMQX_TLS_PART_CERT, &certs);
    load_certs(c, EMQX_TLS_PART_CACERT, &cas);
    load_key(c, &key);
    if (c->now_s < EMQXI_CLOCK_FLOOR)
        emqxi_found(c, EMQX_TLS_FINDING_CLOCK_WRONG, EMQX_TLS_PART_REQUEST, 0,
                    "the clock says a time before 2026, so validity can't be checked: set it, by "
                    "NTP for one");
    if (certs.count > 0 && !c->report->no_memory)
        leaf = check_cert(c, &certs, &key);
    if (cas.count > 0)
        emqxi_check_client_ca(c, &cas, &certs, leaf);
    if (c->identity && certs.count > 0 && c->sound[EMQX_TLS_PART_CERT] &&
        c->sound[EMQX_TLS_PART_CACERT])
        emqxi_identity_take(certs.list[0].x, &c->pem[EMQX_TLS_PART_CERT],
                            &c->pem[EMQX_TLS_PART_CACERT], c->identity);
    EVP_PKEY_free(key.pkey);
    emqxi_free(c->allocator, key.signature);
    unload(c, &cas);
    unload(c, &certs);
    ERR_pop_to_mark();
}
