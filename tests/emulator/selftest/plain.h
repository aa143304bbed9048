/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Requests to the emulator with plain libcurl: the self-tests use nothing of libemqxtls.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "emulator.h"

typedef struct reply {
    int status; /* 0: none */
    char body[4096];
    char retry_after[64], date[64]; /* "": no such header */
} reply;

static inline size_t plain_add(char *data, size_t size, size_t n, void *user)
{
    reply *r = user;
    size_t used = strlen(r->body), room = sizeof r->body - 1 - used,
           len = size * n < room ? size * n : room;
    memcpy(r->body + used, data, len);
    r->body[used + len] = '\0';
    return size * n;
}

static inline void plain_header(CURL *curl, const char *name, char to[64])
{
    struct curl_header *h;
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
        snprintf(to, 64, "%s", h->value);
}

/* `path` follows the endpoint. `login` "key:secret", NULL: the emulator's. */
static inline reply plain_request(const emulator_run *e, const char *method, const char *path,
                                  const char *login, const char *body)
{
    reply r = {0};
    char url[512];
    long status = 0;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s%s", e->endpoint, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_USERPWD, login ? login : EMULATOR_KEY ":" EMULATOR_SECRET);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, plain_add);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r);
    if (e->ca_file[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, e->ca_file);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    r.status = (int)status;
    plain_header(curl, "Retry-After", r.retry_after);
    plain_header(curl, "Date", r.date);
    curl_easy_cleanup(curl);
    return r;
}

static inline reply plain(const emulator_run *e, const char *method, const char *id,
                          const char *body)
{
    char path[256];
    snprintf(path, sizeof path, "/deployments/%s/tls", id);
    return plain_request(e, method, path, NULL, body);
}

/* A text member of the reply, to be compared; "" where there is none. */
static inline const char *plain_member(const reply *r, const char *name)
{
    static char text[256];
    json_t *body = json_loads(r->body, 0, NULL);
    const char *value = json_string_value(json_object_get(body, name));
    snprintf(text, sizeof text, "%s", value ? value : "");
    json_decref(body);
    return text;
}

#endif
