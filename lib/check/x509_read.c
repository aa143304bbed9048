/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * DER as OpenSSL's objects, and what messages say of them.
 */
#include "check/x509.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400

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
    /* not by way of time_t, which ends in 2038 on some machines */
    *seconds = (int64_t)days * 86400 + rest;
    return good;
}

const char *emqxi_date_text(int64_t seconds, int64_t now_s, char text[EMQXI_DATE_TEXT])
{
    struct tm tm = {0};
    bool near = seconds / 2 > now_s / 2 - DAY_S && seconds / 2 < now_s / 2 + DAY_S;
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
    ASN1_TIME *t = ASN1_TIME_adj(NULL, 0, (int)days, (long)(seconds - days * DAY_S));
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1 ||
        strftime(text, EMQXI_DATE_TEXT, near ? "%Y-%m-%d %H:%M UTC" : "%Y-%m-%d", &tm) == 0)
        strcpy(text, "?");
    ASN1_TIME_free(t);
    return text;
}

enum emqxi_when emqxi_when(const emqxi_check *c, const emqxi_cert *cert, char *date)
{
    enum emqxi_when when = EMQXI_NOW;
    if (cert->not_after < EMQXI_MAX(c->now_s, EMQXI_CLOCK_FLOOR))
        when = EMQXI_ENDED;
    else if (c->now_s >= EMQXI_CLOCK_FLOOR && cert->not_before > c->now_s)
        when = EMQXI_TO_COME;
    if (date)
        emqxi_date_text(when == EMQXI_TO_COME ? cert->not_before : cert->not_after, c->now_s, date);
    return when;
}

bool emqxi_name_entry(const X509_NAME *name, int nid, int *at, char *to, size_t size)
{
    *at = X509_NAME_get_index_by_NID(name, nid, *at);
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, *at));
    unsigned char *utf8 = NULL;
    int len = text ? ASN1_STRING_to_UTF8(&utf8, text) : -1;
    if (len > 0)
        emqxi_text_copy(to, size, (const char *)utf8, (size_t)len);
    OPENSSL_free(utf8);
    return len > 0;
}

bool emqxi_alternative_name(const GENERAL_NAMES *names, int at, char *to, size_t size)
{
    int type;
    const ASN1_STRING *name = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, at), &type);
    const char *p = (const char *)ASN1_STRING_get0_data(name);
    size_t len = (size_t)ASN1_STRING_length(name);
    if (type == GEN_IPADD)
        return (len == 4 || len == 16) &&
               inet_ntop(len == 4 ? AF_INET : AF_INET6, p, to, (socklen_t)size);
    bool text = type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI;
    if (text)
        emqxi_text_copy(to, size, p, len);
    return text;
}

static bool first_alternative_name(const X509 *x, char *to, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = emqxi_alternative_name(names, i, to, size);
    GENERAL_NAMES_free(names);
    return found;
}

const char *emqxi_name_text(const X509_NAME *name, const X509 *x, char text[EMQXI_NAME_TEXT])
{
    static const int kinds[] = {NID_commonName, NID_organizationalUnitName, NID_organizationName};
    bool found = false;
    for (size_t i = 0; !found && i < sizeof kinds / sizeof kinds[0]; i++)
        found = emqxi_name_entry(name, kinds[i], &(int){-1}, text, EMQXI_NAME_TEXT);
    if (!found && !(x && first_alternative_name(x, text, EMQXI_NAME_TEXT)))
        strcpy(text, "without a name");
    emqxi_text_clean(text);
    return text;
}

void emqxi_found_cert(emqxi_check *c, uint32_t id, const emqxi_cert *cert, const char *format, ...)
{
    char name[EMQXI_NAME_TEXT], text[512];
    EMQXI_FORMAT(text, format);
    emqxi_found_block(c, id, cert->part, cert->index, "(%s) %s",
                      emqxi_name_text(X509_get_subject_name(cert->x), cert->x, name), text);
}
