/* SPDX-License-Identifier: MIT
 *
 * DER as OpenSSL's objects, and what messages say of them.
 */
#include "check/x509.h"

#include <string.h>

X509 *emqxi_cert_read(const emqxi_pem_block *block)
{
    const unsigned char *p = block->der;
    X509 *x = d2i_X509(NULL, &p, (long)block->der_len);
    if (x && p != block->der + block->der_len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

bool emqxi_time_read(const ASN1_TIME *time, int64_t *seconds)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, rest = 0;
    bool good = epoch && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 +
               rest; /* not by way of time_t, which ends in 2038 on some machines */
    return good;
}

void emqxi_date_text(int64_t seconds, char text[16])
{
    struct tm tm = {0};
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    ASN1_TIME *t = ASN1_TIME_adj(NULL, 0, (int)days, 0);
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1 || strftime(text, 16, "%Y-%m-%d", &tm) == 0)
        strcpy(text, "?");
    ASN1_TIME_free(t);
}

void emqxi_name_text(const X509_NAME *name, char text[EMQXI_NAME_TEXT])
{
    static const int telling[] = {NID_commonName, NID_organizationalUnitName, NID_organizationName};
    int at = -1;
    unsigned char *utf8 = NULL;
    for (size_t i = 0; at < 0 && i < sizeof telling / sizeof telling[0]; i++)
        at = X509_NAME_get_index_by_NID(name, telling[i], -1);
    int len = at < 0 ? -1
                     : ASN1_STRING_to_UTF8(&utf8,
                                           X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    strcpy(text, "?");
    if (len > 0) {
        emqxi_text_copy(text, EMQXI_NAME_TEXT, (const char *)utf8, (size_t)len);
        emqxi_text_clean(text);
    }
    OPENSSL_free(utf8);
}
