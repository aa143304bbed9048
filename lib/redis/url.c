/* SPDX-License-Identifier: MIT
 *
 * Redis addresses. Own code: libcurl's URL parser leaves copies of the password in memory that it
 * gives back, and hiredis has none.
 */
#include "redis/url.h"

#include <stdlib.h>
#include <string.h>

/* In place; false: a % without two digits behind it, or a NUL. */
static bool percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '%') {
            int high = emqxi_hex_digit(from[1]), low = high < 0 ? -1 : emqxi_hex_digit(from[2]);
            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            from += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}

static bool number(const char *text, long most, int *out)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n < 0 || n > most)
        return false;
    *out = (int)n;
    return true;
}

/* Takes [[USER]:PASSWORD@] off the front; returns what is behind it, NULL if it can't be read. */
static char *take_login(char *text, emqxi_redis_url *url)
{
    char *at = strchr(text, '@');
    char *end = text + strcspn(text, "/?");
    if (!at || at > end)
        return text;
    *at = '\0';
    char *colon = strchr(text, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    if (!percent_decode(text) || !percent_decode(colon + 1))
        return NULL;
    url->user = *text ? text : NULL;
    url->password = colon[1] ? colon + 1 : NULL;
    return url->password ? at + 1 : NULL;
}

static const char *take_socket(char *rest, emqxi_redis_url *url)
{
    char *query = strchr(rest, '?');
    if (query) {
        *query++ = '\0';
        if (strncmp(query, "db=", 3) != 0 || !number(query + 3, 65535, &url->database))
            return "has something other than ?db=NUMBER behind the path";
    }
    if (*rest != '/' || !percent_decode(rest))
        return "has no absolute path: give unix:///PATH";
    url->path = rest;
    return NULL;
}

static const char *take_host(char *rest, emqxi_redis_url *url)
{
    char *slash = strchr(rest, '/');
    if (slash) {
        *slash = '\0';
        if (slash[1] && !number(slash + 1, 65535, &url->database))
            return "has a database that is no number: give redis://HOST:PORT/0";
    }
    char *port = strrchr(rest, ':'), *bracket = strchr(rest, ']');
    if (*rest == '[') {
        if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
            return "has a host that can't be read: give redis://[ADDRESS]:PORT";
        port = bracket[1] == ':' ? bracket + 1 : NULL;
        *bracket = '\0';
        rest++;
    }
    if (port) {
        *port = '\0';
        if (!number(port + 1, 65535, &url->port) || url->port == 0)
            return "has a port that is none: give 1 to 65535";
    }
    if (!*rest)
        return "has no host: give redis://HOST:PORT/0";
    url->host = rest;
    return NULL;
}

emqx_tls_code emqxi_redis_url_parse(const emqx_tls_allocator *a, const char *text,
                                    emqxi_redis_url *url, emqx_tls_error *error)
{
    static const struct {
        const char *scheme;
        bool tls, socket;
    } schemes[] = {
        {"redis://", false, false}, {"rediss://", true, false}, {"unix://", false, true}};
    const char *problem =
        "is no Redis address: give redis://HOST:PORT/0, rediss://... or unix:///PATH";
    memset(url, 0, sizeof *url);
    url->port = 6379;
    if (!text)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "url is NULL: give redis://HOST:PORT/0");
    url->memory_len = strlen(text) + 1;
    url->memory = emqxi_strdup(a, text);
    if (!url->memory)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for the address of Redis");
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, n) != 0)
            continue;
        url->tls = schemes[i].tls;
        char *rest = take_login(url->memory + n, url);
        problem = !rest ? "has a login that can't be read: give [USER]:PASSWORD@, percent-encoded"
                  : schemes[i].socket ? take_socket(rest, url)
                                      : take_host(rest, url);
    }
    if (!problem)
        return EMQX_TLS_OK;
    emqxi_redis_url_free(a, url);
    return emqxi_refuse(error, EMQX_TLS_E_INVALID, "url %s", problem);
}

void emqxi_redis_url_free(const emqx_tls_allocator *a, emqxi_redis_url *url)
{
    emqxi_wipe_free(a, url->memory, url->memory_len);
    memset(url, 0, sizeof *url);
}
