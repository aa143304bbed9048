/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The client CA: certificates that sign those of clients.
 */
#include "check/x509.h"

static bool is_valid(emqxi_check *c, const emqxi_cert *cert, const emqxi_cert *leaf)
{
    char date[EMQXI_DATE_TEXT];
    enum emqxi_when when = emqxi_when(c, cert, date);
    int64_t soon = emqxi_add(c->now_s, (int64_t)c->policy.min_days_left * 86400);
    if (when == EMQXI_ENDED)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_VALID, cert, "is expired since %s: take it out",
                         date);
    else if (when == EMQXI_TO_COME)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_VALID, cert,
                         "is not valid before %s: clients of this CA will be refused until then",
                         date);
    else if ((leaf && cert->not_after < leaf->not_after) || cert->not_after < soon)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CA_ENDS, cert,
                         "ends on %s: clients of this CA will be refused from then on, give the "
                         "CA's newer certificate too",
                         date);
    return when == EMQXI_NOW;
}

/* The leaf itself, or what has signed it: who has a certificate of the same CA could log in. */
static bool is_of_chain(const emqxi_cert *ca, const emqxi_certs *certs, const emqxi_cert *leaf)
{
    for (size_t i = 0; i < certs->count; i++) {
        const emqxi_cert *cert = &certs->list[i];
        if (cert->reached && (cert == leaf || !cert->self_signed) && X509_cmp(ca->x, cert->x) == 0)
            return true;
    }
    return false;
}

void emqxi_check_client_ca(emqxi_check *c, const emqxi_certs *cas, const emqxi_certs *certs,
                           const emqxi_cert *leaf)
{
    size_t valid = 0;
    for (size_t i = 0; i < cas->count; i++) {
        const emqxi_cert *ca = &cas->list[i];
        valid += is_valid(c, ca, leaf);
        if (X509_check_ca(ca->x) == 0)
            emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_CA, ca,
                             "is no CA: give the certificate that signed the clients', not one of "
                             "theirs");
        else if (is_of_chain(ca, certs, leaf))
            emqxi_found_cert(c, EMQX_TLS_FINDING_CA_OWN_CHAIN, ca,
                             "is of the server's own chain: whoever has a certificate of that CA "
                             "could log in; give the CA of the clients, or use one-way");
    }
    if (valid == 0)
        emqxi_found(c, EMQX_TLS_FINDING_CA_NONE_VALID, EMQX_TLS_PART_CACERT, 0,
                    "no certificate in cacert is valid now: no client could log in; give a client "
                    "CA that is");
}
