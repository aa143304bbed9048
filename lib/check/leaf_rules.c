/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What must be right of the leaf itself and of its key.
 */
#include "check/x509.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define DAY 86400

/* -- validity */

void emqxi_check_validity(emqxi_check *c, const emqxi_cert *cert)
{
    char date[EMQXI_DATE_TEXT];
    enum emqxi_when when = emqxi_when(c, cert, date);
    if (when == EMQXI_ENDED)
        emqxi_found_cert(c, EMQX_TLS_FINDING_EXPIRED, cert, "is expired since %s: renew it", date);
    else if (when == EMQXI_TO_COME)
        emqxi_found_cert(c, EMQX_TLS_FINDING_NOT_YET_VALID, cert,
                         "is not valid before %s: wait until then, or see if the clock is right",
                         date);
}

static void days_left(emqxi_check *c, const emqxi_cert *leaf)
{
    char date[EMQXI_DATE_TEXT], mend[160] = "renew it first";
    unsigned most = c->policy.min_days_left;
    if (c->now_s < EMQXI_CLOCK_FLOOR || leaf->not_after < c->now_s)
        return;
    int64_t left = leaf->not_after - c->now_s, life = leaf->not_after - leaf->not_before;
    if (left >= (int64_t)most * DAY)
        return;
    if (life < (int64_t)most * DAY)
        snprintf(mend, sizeof mend,
                 "and renewing does not help, since it lives for %lld days in all; take a CA or a "
                 "profile of longer life%s",
                 (long long)(life / DAY),
                 life >= 30 * DAY ? ", or the BYOC plan, which wants 30" : "");
    emqxi_found(c, EMQX_TLS_FINDING_DAYS_LEFT, leaf->part, leaf->index,
                "the certificate ends on %s, in %lld days: the platform wants at least %u, %s",
                emqxi_date_text(leaf->not_after, c->now_s, date), (long long)(left / DAY), most,
                mend);
}

/* -- purpose */

static void purpose(emqxi_check *c, const emqxi_cert *leaf)
{
    uint32_t uses = X509_get_extended_key_usage(leaf->x); /* all, where there is no extension */
    if (!(uses & (XKU_SSL_SERVER | XKU_SGC | XKU_ANYEKU)))
        emqxi_found_cert(c, EMQX_TLS_FINDING_LEAF_PURPOSE, leaf,
                         "is not for servers by its extended key usage, so clients will refuse it: "
                         "get one with serverAuth (TLS server)");
}

/* -- algorithm */

/* What the certificate itself says, since OpenSSL turns a known curve with explicit parameters into
 * a named one. */
static bool describe(const emqxi_cert *cert, char *text, size_t size)
{
    ASN1_OBJECT *algorithm = NULL;
    X509_ALGOR *parameters = NULL;
    const void *curve = NULL;
    int curve_type = V_ASN1_UNDEF;
    const EVP_PKEY *key = X509_get0_pubkey(cert->x);
    X509_PUBKEY_get0_param(&algorithm, NULL, NULL, &parameters, X509_get_X509_PUBKEY(cert->x));
    int nid = OBJ_obj2nid(algorithm), bits = key ? EVP_PKEY_get_bits(key) : 0;
    if (nid == NID_rsaEncryption) {
        snprintf(text, size, "RSA %d", bits);
        return bits == 1024 || bits == 2048;
    }
    if (nid != NID_X9_62_id_ecPublicKey) {
        snprintf(text, size, "%s", nid == NID_undef ? "of an unknown kind" : OBJ_nid2ln(nid));
        return false;
    }
    X509_ALGOR_get0(NULL, &curve_type, &curve, parameters);
    int curve_nid = curve_type == V_ASN1_OBJECT ? OBJ_obj2nid(curve) : NID_undef;
    const char *name = EC_curve_nid2nist(curve_nid);
    if (curve_type != V_ASN1_OBJECT)
        snprintf(text, size, "EC with explicit parameters");
    else
        snprintf(text, size, "ECDSA %s",
                 name                     ? name
                 : curve_nid == NID_undef ? "on an unknown curve"
                                          : OBJ_nid2sn(curve_nid));
    return curve_nid == NID_X9_62_prime256v1 || curve_nid == NID_secp384r1;
}

static void algorithm(emqxi_check *c, const emqxi_cert *leaf)
{
    char text[80];
    if (!describe(leaf, text, sizeof text))
        emqxi_found(c, EMQX_TLS_FINDING_ALGORITHM, leaf->part, leaf->index,
                    "the certificate's key is %s: the platform lists RSA 1024 and 2048, ECDSA "
                    "P-256 and P-384; make one of these",
                    text);
    else if (!X509_get0_pubkey(leaf->x))
        emqxi_found(c, EMQX_TLS_FINDING_CERT_DAMAGED, leaf->part, leaf->index,
                    "the public key in block %zu of cert can't be read: copy the file again",
                    leaf->index);
}

static const char *family(int type)
{
    switch (type) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS: /* also what an RSA key has signed with PSS */
        return "RSA";
    case EVP_PKEY_EC:
        return "EC";
    default:
        return OBJ_nid2ln(type);
    }
}

/* Told from the signature, so that it needs no issuer. */
static void ca_algorithm(emqxi_check *c, const emqxi_cert *leaf)
{
    int of_ca = NID_undef;
    const EVP_PKEY *key = X509_get0_pubkey(leaf->x);
    if (!key || X509_get_signature_info(leaf->x, NULL, &of_ca, NULL, NULL) != 1 ||
        of_ca == NID_undef)
        return;
    const char *own = family(EVP_PKEY_get_base_id(key)), *ca = family(of_ca);
    if (strcmp(own, ca) != 0)
        emqxi_found(c, EMQX_TLS_FINDING_CA_ALGORITHM, leaf->part, leaf->index,
                    "the certificate's key is %s, but its CA signed with %s: the platform wants "
                    "the same kind, ask the CA for a certificate of an %s key",
                    own, ca, ca);
}

/* -- host */

static void host(emqxi_check *c, const emqxi_cert *leaf)
{
    const char *name = c->policy.host, *wrong = NULL;
    char plain[256];
    if (!name)
        return;
    size_t len = strlen(name);
    bool brackets = name[0] == '[' && name[len - 1] == ']';
    if (len > 1 && !brackets && name[len - 1] == '.')
        len--; /* an absolute name */
    emqxi_text_copy(plain, sizeof plain, name + brackets, len - 2 * brackets);
    const char *colon = strchr(plain, ':');
    for (const char *p = plain; *p; p++)
        if (*p & 0x80)
            wrong = "has letters that are not ASCII: write it with xn--, as 'idn2 NAME' prints it";
    if (strchr(plain, '/'))
        wrong = "is a URL: give the host's name alone";
    else if (!brackets && colon && !strchr(colon + 1, ':'))
        wrong = "has a port: give the name alone";
    int ip = X509_check_ip_asc(leaf->x, plain, 0); /* -2: it is no address */
    int good = ip != -2 ? ip
                        : X509_check_host(leaf->x, plain, 0,
                                          X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                              X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                                          NULL);
    emqxi_text_clean(plain);
    if (wrong)
        emqxi_found(c, EMQX_TLS_FINDING_HOST_MISMATCH, leaf->part, leaf->index,
                    "the host %.100s %s", plain, wrong);
    else if (good != 1)
        emqxi_found(c, EMQX_TLS_FINDING_HOST_MISMATCH, leaf->part, leaf->index,
                    "the certificate is not for the host %.100s: its subject alternative names "
                    "must have it",
                    plain);
}

void emqxi_check_leaf(emqxi_check *c, const emqxi_cert *leaf)
{
    emqxi_check_validity(c, leaf);
    days_left(c, leaf);
    purpose(c, leaf);
    algorithm(c, leaf);
    ca_algorithm(c, leaf);
    host(c, leaf);
}

/* -- key */

void emqxi_check_key(emqxi_check *c, const emqxi_key *key, const emqxi_cert *leaf)
{
    char text[80];
    int explicit_curve = 0;
    if (leaf->fit == EMQXI_FIT_NONE)
        return; /* said already */
    if (leaf->fit == EMQXI_FIT_DAMAGED)
        emqxi_found(c, EMQX_TLS_FINDING_KEY_DAMAGED, EMQX_TLS_PART_KEY, key->index,
                    "the private key is damaged: what it signs does not verify with the "
                    "certificate; copy the file again");
    if (EVP_PKEY_get_int_param(key->pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &explicit_curve) == 1 &&
        explicit_curve && describe(leaf, text, sizeof text))
        emqxi_found(c, EMQX_TLS_FINDING_ALGORITHM, EMQX_TLS_PART_KEY, key->index,
                    "the private key has its curve as explicit parameters: name it with 'openssl "
                    "ec -param_enc named_curve'");
}
