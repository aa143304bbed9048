/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Redis addresses. Own code: libcurl's URL parser leaves copies of the password in memory that it
 * gives back, and hiredis has none. Each step returns what is wrong, or NULL.
 */
#include "redis/url.h"

#include <stdlib.h>
#include <string.h>

#define DATABASE_MAX 65535

/* In place; false: a % without two digits behind it, or a NUL. */
static bool percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '%') {
            int byte = emqxi_hex_byte(from + 1);
            if (byte <= 0)
                return false;
            c = (char)byte;
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

/* Cuts [[USER]:PASSWORD@] off the front of *rest. */
static const char *take_login(char **rest, emqxi_redis_url *url)
{
    char *user = *rest, *password = user;
    if (!memchr(user, '@', strcspn(user, "/?")))
        return NULL;
    strsep(rest, "@");
    strsep(&password, ":");
    if (!password || !*password || !percent_decode(user) || !percent_decode(password))
        return "has a login that can't be read: give [USER]:PASSWORD@, percent-encoded";
    url->user = *user ? user : NULL;
    url->password = password;
    return NULL;
}

/* One NAME=VALUE; false: it means nothing in such a URL. */
static bool take_parameter(const char *name, const char *value, emqxi_redis_url *url)
{
    const struct {
        const char *name, **to;
    } files[] = {{"ca", &url->ca}, {"cert", &url->cert}, {"key", &url->key}};
    if (url->path && strcmp(name, "db") == 0)
        return number(value, DATABASE_MAX, &url->database);
    for (size_t i = 0; url->tls && i < sizeof files / sizeof files[0]; i++)
        if (strcmp(name, files[i].name) == 0)
            return (*files[i].to = value) != NULL;
    return false;
}

/* Cuts ?NAME=VALUE[&NAME=VALUE...] off the end. */
static const char *take_query(char *rest, emqxi_redis_url *url)
{
    strsep(&rest, "?");
    for (char *name; (name = strsep(&rest, "&"));) {
        char *value = name;
        strsep(&value, "=");
        if (!value || !*value || !percent_decode(value))
            return "has something behind ? that is not NAME=VALUE";
        if (!take_parameter(name, value, url))
            return "has something other than ?db=NUMBER (unix://), ?ca=, ?cert= or ?key=FILE "
                   "(rediss://) behind it";
    }
    if (!url->cert != !url->key)
        return "has one of ?cert= and ?key=: give both or none";
    return NULL;
}

static const char *take_host(char *rest, emqxi_redis_url *url)
{
    char *database = rest;
    strsep(&database, "/");
    if (database && *database && !number(database, DATABASE_MAX, &url->database))
        return "has a database that is no number: give redis://HOST:PORT/0";
    bool bracket = *rest == '[';
    char *end = rest + strcspn(rest, bracket ? "]" : ":"), *port = end + (bracket && *end);
    if (bracket && (!*end || (*port && *port != ':')))
        return "has a host that can't be read: give redis://[ADDRESS]:PORT";
    if (*port && (!number(port + 1, 65535, &url->port) || url->port == 0))
        return "has a port that is not valid: give 1 to 65535";
    *end = '\0';
    rest += bracket;
    if (!*rest)
        return "has no host: give redis://HOST:PORT/0";
    url->host = rest;
    return NULL;
}

static const char *take_apart(char *text, emqxi_redis_url *url)
{
    static const char *const schemes[] = {"redis://", "rediss://", "unix://"};
    size_t i = 0;
    while (i < 3 && strncmp(text, schemes[i], strlen(schemes[i])) != 0)
        i++;
    if (i == 3)
        return "is no Redis address: give redis://HOST:PORT/0, rediss://... or unix:///PATH";
    char *rest = text + strlen(schemes[i]);
    const char *problem = take_login(&rest, url);
    url->tls = i == 1;
    url->path = i == 2 ? rest : NULL;
    if (problem || (problem = take_query(rest, url)))
        return problem;
    if (!url->path)
        return take_host(rest, url);
    return *rest == '/' && percent_decode(rest) ? NULL : "has no absolute path: give unix:///PATH";
}

emqx_tls_code emqxi_redis_url_parse(const emqx_tls_allocator *a, const char *text,
                                    emqxi_redis_url *url, emqx_tls_error *error)
{
    memset(url, 0, sizeof *url);
    url->port = 6379;
    if (!text)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "url is NULL: give redis://HOST:PORT/0");
    url->memory_len = strlen(text) + 1;
    url->memory = emqxi_strdup(a, text);
    if (!url->memory)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for the address of Redis");
    const char *problem = take_apart(url->memory, url);
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
