/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Where requests go. Own code, since a build may have no libcurl. An endpoint that is taken is
 * written anew in a form that no transport can read otherwise: tests/fuzz/endpoint.c asks libcurl.
 */
#include "wire/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <emqxtls/client.h>

#define HOST_MAX 255

/* The endpoint's parts. */
typedef struct parts {
    bool tls;
    char host[HOST_MAX + 1]; /* an address in its usual form, IPv6 in brackets */
    char port[8];            /* with its colon; "": none */
    const char *path;
    size_t path_len; /* without the slashes at its end */
} parts;

static emqx_tls_code refuse(emqxi_error *error, const char *what)
{
    return emqxi_fail(error, EMQX_TLS_E_INVALID, "endpoint %s", what);
}

/* What can be told without taking it apart. */
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

static bool is_loopback(const char *host)
{
    struct in_addr in4;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &in4) == 1 && ntohl(in4.s_addr) >> 24 == 127);
}

/* 127.1 and 0x7f000001 are 127.0.0.1 for many an HTTP stack, so they become that here. */
static bool take_host(const char *text, size_t len, char host[HOST_MAX + 1])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    struct in_addr in4;
    struct in6_addr in6;
    if (len == 0 || len > HOST_MAX)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &in6) != 1)
            return false;
        inet_ntop(AF_INET6, &in6, host + 1, HOST_MAX - 1);
        strcat(host, "]");
        return true;
    }
    if (strspn(host, allowed) != len)
        return false;
    if (inet_aton(host, &in4))
        inet_ntop(AF_INET, &in4, host, HOST_MAX);
    return true;
}

/* `text` is the colon, `end` the end of the digits; a colon alone is no port. */
static bool take_port(const char *text, const char *end, char to[8])
{
    unsigned port = 0;
    for (const char *p = text + 1; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned)(*p - '0');
        if (port > 65535)
            return false;
    }
    if (end - text > 1)
        snprintf(to, 8, ":%u", port);
    return end - text == 1 || port > 0;
}

/* NULL, or what is wrong. */
static const char *take_apart(const char *endpoint, parts *p)
{
    static const char no_url[] =
        "is no URL: give https://HOST/public_api/v1 with the platform's host name";
    *p = (parts){.tls = strncasecmp(endpoint, "https:", 6) == 0};
    const char *host = endpoint + (p->tls ? 8 : 7);
    const char *port = host + strcspn(host, *host == '[' ? "]/" : ":/");
    port += *port == ']';
    p->path = port + strcspn(port, "/");
    if (!take_host(host, (size_t)(port - host), p->host) || (port < p->path && *port != ':'))
        return no_url;
    if (port < p->path && !take_port(port, p->path, p->port))
        return "has a port that is none: give 1 to 65535";
    p->path_len = strlen(p->path);
    while (p->path_len > 0 && p->path[p->path_len - 1] == '/')
        p->path_len--;
    return NULL;
}

static const char *http_problem(const char *host, uint32_t flags)
{
    if (!is_loopback(host))
        return "is http, which would show the key to the network: use https://";
    if (!(flags & EMQX_TLS_ALLOW_HTTP_LOOPBACK))
        return "is http: use https://, or set EMQX_TLS_ALLOW_HTTP_LOOPBACK to test on this "
               "machine";
    return NULL;
}

emqx_tls_code emqxi_endpoint_parse(const emqx_tls_allocator *a, const char *endpoint,
                                   uint32_t flags, emqxi_endpoint *out, emqxi_error *error)
{
    parts p;
    const char *what = problem(endpoint);
    memset(out, 0, sizeof *out);
    if (!what)
        what = take_apart(endpoint, &p);
    if (!what && !p.tls)
        what = http_problem(p.host, flags);
    if (what)
        return refuse(error, what);
    size_t size = sizeof "https://" + strlen(p.host) + strlen(p.port) + p.path_len;
    out->loopback_http = !p.tls;
    out->base = emqxi_alloc(a, size);
    out->host = emqxi_strdup(a, p.host);
    if (!out->base || !out->host) {
        emqxi_endpoint_free(a, out);
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "no memory for the endpoint");
    }
    snprintf(out->base, size, "%s://%s%s%.*s", p.tls ? "https" : "http", p.host, p.port,
             (int)p.path_len, p.path);
    return EMQX_TLS_OK;
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
