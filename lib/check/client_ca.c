/* SPDX-License-Identifier: MIT
 *
 * The client CA: certificates that sign those of clients.
 */
#include "check/x509.h"

#include <openssl/x509v3.h>

static bool not_valid(emqxi_check *c, const emqxi_cert *cert)
{
    char name[EMQXI_NAME_TEXT], date[16];
    bool clock_right = c->now_s >= EMQXI_CLOCK_FLOOR;
    bool ended = cert->not_after < EMQXI_MAX(c->now_s, EMQXI_CLOCK_FLOOR);
    if (!ended && (!clock_right || cert->not_before <= c->now_s))
        return false;
    emqxi_name_text(X509_get_subject_name(cert->x), name);
    emqxi_date_text(ended ? cert->not_after : cert->not_before, date);
    emqxi_found(c, EMQX_TLS_FINDING_CA_NOT_VALID, EMQX_TLS_PART_CACERT, cert->index,
                ended ? "block %zu of cacert (%s) is expired since %s: take it out"
                      : "block %zu of cacert (%s) is not valid before %s: clients of this CA will "
                        "be refused until then",
                cert->index, name, date);
    return true;
}

void emqxi_check_client_ca(emqxi_check *c, const emqxi_certs *certs)
{
    char name[EMQXI_NAME_TEXT];
    size_t bad = 0;
    for (size_t i = 0; i < certs->count; i++) {
        const emqxi_cert *cert = &certs->list[i];
        bad += not_valid(c, cert);
        if (X509_check_ca(cert->x) != 0)
            continue;
        emqxi_name_text(X509_get_subject_name(cert->x), name);
        emqxi_found(c, EMQX_TLS_FINDING_CA_NOT_CA, EMQX_TLS_PART_CACERT, cert->index,
                    "block %zu of cacert (%s) is no CA: give the certificate that signed the "
                    "clients', not one of theirs",
                    cert->index, name);
    }
    if (bad == certs->count)
        emqxi_found(c, EMQX_TLS_FINDING_CA_NONE_VALID, EMQX_TLS_PART_CACERT, 0,
                    "no certificate in cacert is valid now: no client could log in; give a client "
                    "CA that is");
}
