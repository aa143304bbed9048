/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Why a certificate does not verify. What libcurl passes on are OpenSSL's numbers; of other TLS
 * libraries only that it does not.
 */
#include "transport/curl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLOCK_LEAST 1764547200 /* 2025-12-01: no clock can be right before */
#define SAN         "X509v3 Subject Alternative Name:"

/* Of X509_V_ERR_*, which never change. UNSPECIFIED: the chain is good and the name is not. */
enum { UNSPECIFIED = 1, NOT_YET_VALID = 9, EXPIRED = 10 };

/* Was it the proxy's own certificate? No answer to CONNECT had come then. */
static bool of_proxy(const emqxi_transfer *t)
{
    long answered = 0;
    const char *proxy = t->curl->proxy;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &answered);
    return proxy && strncmp(proxy, "https:", 6) == 0 && answered == 0;
}

static long verify_result(const emqxi_transfer *t)
{
    long result = -1;
    if (t->curl->libcurl->openssl)
        curl_easy_getinfo(t->easy,
                          of_proxy(t) ? CURLINFO_PROXY_SSL_VERIFYRESULT : CURLINFO_SSL_VERIFYRESULT,
                          &result);
    return result;
}

static bool is_unknown_ca(long result)
{
    return result == 2 || (result >= 18 && result <= 21); /* issuer not found, signed by itself */
}

bool emqxi_verify_lacks_ca(const emqxi_transfer *t, CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION && !of_proxy(t) &&
           is_unknown_ca(verify_result(t));
}

static bool is_name(long result)
{
    return result == 0 || result == UNSPECIFIED;
}

/* libcurl collects the names at the cost of a tenth of a handshake, so only when asked to. */
bool emqxi_verify_ask_names(emqxi_transfer *t, CURLcode result)
{
    if (result != CURLE_PEER_FAILED_VERIFICATION || t->departed || t->asks_names ||
        !is_name(verify_result(t)) || !emqxi_transfer_shorten(t))
        return false;
    t->asks_names = curl_easy_setopt(t->easy, CURLOPT_CERTINFO, 1L) == CURLE_OK;
    return t->asks_names;
}

/* The leaf's names, or NULL: "DNS:a.example, DNS:b.example". */
static const char *names_of(const emqxi_transfer *t)
{
    struct curl_certinfo *info = NULL;
    if (!t->asks_names || curl_easy_getinfo(t->easy, CURLINFO_CERTINFO, &info) != CURLE_OK ||
        !info || info->num_of_certs < 1)
        return NULL;
    for (const struct curl_slist *s = info->certinfo[0]; s; s = s->next)
        if (strncmp(s->data, SAN, strlen(SAN)) == 0)
            return s->data + strlen(SAN);
    return NULL;
}

/* What the clock says today, where it can't be right; else "". */
static const char *wrong_day(char day[16])
{
    time_t now = time(NULL);
    struct tm utc;
    day[0] = '\0';
    if (now < CLOCK_LEAST && gmtime_r(&now, &utc))
        strftime(day, 16, "%Y-%m-%d", &utc);
    return day;
}

const char *emqxi_verify_why(const emqxi_transfer *t)
{
    char day[16];
    const char *cause = "if a CA of your own has signed it, name that in ca_file";
    const char *what = "", *mend = "", *names = names_of(t);
    long result = verify_result(t);
    bool dated = result == NOT_YET_VALID || result == EXPIRED;
    if (is_name(result)) {
        cause = names ? "it is for other names: " : "it is for other names";
        what = names ? names : "";
    } else if (dated && *wrong_day(day)) {
        cause = "not on ";
        what = day;
        mend = ", as this machine's clock has it: set the clock";
    } else if (dated) {
        cause = result == EXPIRED ? "it has expired"
                                  : "it is not valid yet, if this machine's clock is right";
    } else if (is_unknown_ca(result)) {
        cause = "a CA that is not known here has signed it; if it is one of your own, name it in "
                "ca_file";
    }
    snprintf(t->curl->why, sizeof t->curl->why, "the %s's certificate does not verify: %s%s%s",
             of_proxy(t) ? "proxy" : "server", cause, what, mend);
    return t->curl->why;
}
