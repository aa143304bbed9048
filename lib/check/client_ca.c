/* SPDX-License-Identifier: MIT
 *
 * The client CA: certificates that sign those of clients.
 */
#include "check/x509.h"

#include <openssl/x509v3.h>

static bool is_valid(emqxi_check *c, const emqxi_cert *cert)
{
    char date[16];
    if (cert->not_after < EMQXI_MAX(c->now_s, EMQXI_CLOCK_FLOOR))
        emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_VALID, cert, "is expired since %s: take it out",
                         emqxi_date_text(cert->not_after, date));
    else if (c->now_s >= EMQXI_CLOCK_FLOOR && cert->not_before > c->now_s)
        emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_VALID, cert,
                         "is not valid before %s: clients of this CA will be refused until then",
                         emqxi_date_text(cert->not_before, date));
    else
        return true;
    return false;
}

void emqxi_check_client_ca(emqxi_check *c, const emqxi_certs *certs)
{
    size_t valid = 0;
    for (size_t i = 0; i < certs->count; i++) {
        valid += is_valid(c, &certs->list[i]);
        if (X509_check_ca(certs->list[i].x) == 0)
            emqxi_found_cert(c, EMQX_TLS_FINDING_CA_NOT_CA, &certs->list[i],
                             "is no CA: give the certificate that signed the clients', not one of "
                             "theirs");
    }
    if (valid == 0)
        emqxi_found(c, EMQX_TLS_FINDING_CA_NONE_VALID, EMQX_TLS_PART_CACERT, 0,
                    "no certificate in cacert is valid now: no client could log in; give a client "
                    "CA that is");
}
