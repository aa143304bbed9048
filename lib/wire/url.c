/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Where requests go. libcurl's own parser reads the endpoint, so that what is checked here is what
 * the transport sees later.
 */
#include "wire/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include <emqxtls/client.h>

static emqx_tls_code refuse(emqxi_error *error, const char *what)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID, "endpoint %s", what);
}

static emqx_tls_code no_memory(emqxi_error *error)
{
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for the endpoint");
}

/* What can be told without taking it apart, and what libcurl would read more loosely than a user
 * means it. */
static const char *problem(const char *endpoint)
{
    if (!endpoint || !*endpoint)
        return "is missing: give the platform's address, such as https://HOST/public_api/v1";
    for (const unsigned char *p = (const unsigned char *)endpoint; *p; p++)
        if (*p <= 0x20 || *p >= 0x7F)
            return "has a space, a control character or a byte that is not ASCII: remove it, or "
                   "percent-encode it";
    bool tls = strncasecmp(endpoint, "https://", 8) == 0;
    if (!tls && strncasecmp(endpoint, "http://", 7) != 0)
        return "does not begin with https://: give the whole address, such as "
               "https://HOST/public_api/v1";
    const char *host = endpoint + (tls ? 8 : 7);
    size_t n = strcspn(host, "/?#");
    if (n == 0)
        return "has no host: give the platform's address, such as https://HOST/public_api/v1";
    if (memchr(host, '@', n))
        return "has user information: remove all up to the '@', and give api_key and api_secret "
               "instead";
    if (memchr(host, '%', n))
        return "has a '%' in its host, behind which anything may hide: give the plain host name";
    if (strchr(host, '#'))
        return "has a fragment: remove the '#' and what follows";
    if (strchr(host, '?'))
        return "has a query: remove the '?' and what follows";
    return NULL;
}

/* `host` as libcurl writes it: IPv4 in its four-part form, IPv6 in brackets. */
static bool is_loopback(const char *host)
{
    char v6[INET6_ADDRSTRLEN + 1];
    struct in_addr in4;
    struct in6_addr in6;
    size_t len = strlen(host);
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &in4) == 1)
        return ntohl(in4.s_addr) >> 24 == 127;
    if (len < 3 || host[0] != '[' || len - 2 >= sizeof v6)
        return false;
    memcpy(v6, host + 1, len - 2);
    v6[len - 2] = '\0';
    return inet_pton(AF_INET6, v6, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

static emqx_tls_code take_url(const emqx_tls_allocator *a, CURLU *url, uint32_t flags,
                              emqxi_endpoint *out, emqxi_error *error)
{
    char *host = NULL, *whole = NULL;
    const char *what = NULL;
    bool got = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
               curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK;
    if (got && strncmp(whole, "https:", 6) != 0) {
        out->loopback_http = is_loopback(host);
        if (!out->loopback_http)
            what = "is http, which would show the key to the network: use https://";
        else if (!(flags & EMQX_TLS_ALLOW_HTTP_LOOPBACK))
            what = "is http: use https://, or set EMQX_TLS_ALLOW_HTTP_LOOPBACK to test on this "
                   "machine";
    }
    if (got && !what) {
        for (size_t n = strlen(whole); n > 0 && whole[n - 1] == '/'; n--)
            whole[n - 1] = '\0';
        out->base = emqxi_strdup(a, whole);
        out->host = emqxi_strdup(a, host);
    }
    curl_free(whole);
    curl_free(host);
    if (what)
        return refuse(error, what);
    if (out->base && out->host)
        return EMQX_TLS_OK;
    emqxi_endpoint_free(a, out);
    return no_memory(error);
}

emqx_tls_code emqxi_endpoint_parse(const emqx_tls_allocator *a, const char *endpoint,
                                   uint32_t flags, emqxi_endpoint *out, emqxi_error *error)
{
    const char *what = problem(endpoint);
    memset(out, 0, sizeof *out);
    if (what)
        return refuse(error, what);
    CURLU *url = curl_url();
    if (!url)
        return no_memory(error);
    CURLUcode rc =
        curl_url_set(url, CURLUPART_URL, endpoint, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
    emqx_tls_code code =
        rc == CURLUE_OK              ? take_url(a, url, flags, out, error)
        : rc == CURLUE_OUT_OF_MEMORY ? no_memory(error)
        : rc == CURLUE_BAD_PORT_NUMBER
            ? refuse(error, "has a port that is none: give 1 to 65535")
            : refuse(error,
                     "is no URL: give https://HOST/public_api/v1 with the platform's host name");
    curl_url_cleanup(url);
    return code;
}

void emqxi_endpoint_free(const emqx_tls_allocator *a, emqxi_endpoint *endpoint)
{
    emqxi_free(a, endpoint->base);
    emqxi_free(a, endpoint->host);
    memset(endpoint, 0, sizeof *endpoint);
}

const char *emqxi_deployment_id_problem(const char *id)
{
    if (!id || !*id)
        return "is missing: give the deployment's ID, such as ge6a1a75";
    if (strnlen(id, EMQXI_ID_MAX + 1) > EMQXI_ID_MAX)
        return "is longer than 128 bytes: give the deployment's ID, such as ge6a1a75";
    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return "is a dot segment of a path: give the deployment's ID, such as ge6a1a75";
    if (emqxi_has_control(id))
        return "has a control character (a line end, perhaps): remove it";
    return NULL;
}

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Encodes by itself: curl_easy_escape would allocate once more for each call, and not from our
 * allocator. */
static const char before_id[] = "/deployments/", after_id[] = "/tls";

size_t emqxi_url_size(const char *base, const char *deployment_id)
{
    size_t size = strlen(base) + sizeof before_id - 1 + sizeof after_id;
    for (const char *p = deployment_id; *p; p++)
        size += unreserved(*p) ? 1 : 3;
    return size;
}

void emqxi_url(const char *base, const char *deployment_id, char *to)
{
    static const char hex[] = "0123456789ABCDEF";
    to = mempcpy(mempcpy(to, base, strlen(base)), before_id, sizeof before_id - 1);
    for (const char *p = deployment_id; *p; p++) {
        unsigned char u = (unsigned char)*p;
        if (unreserved(*p)) {
            *to++ = *p;
            continue;
        }
        *to++ = '%';
        *to++ = hex[u >> 4];
        *to++ = hex[u & 15];
    }
    memcpy(to, after_id, sizeof after_id);
}
