/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a good engineer writes with libcurl and jansson: one handle that is used again, what does
 * not change set once. `careful` knows more: no CAPATH, so that libcurl caches the parsed CA
 * certificates, and a body escaped by hand.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

typedef struct client {
    const target *target;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    char answer[16384];
    size_t answer_len;
    emqx_tls_status status;
} client;

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    client *c = user;
    size_t n = size * count;
    if (n > sizeof c->answer - c->answer_len)
        return 0;
    memcpy(c->answer + c->answer_len, data, n);
    c->answer_len += n;
    return n;
}

static void *open_client(const target *t)
{
    client *c = calloc(1, sizeof *c);
    c->target = t;
    c->easy = curl_easy_init();
    c->headers = curl_slist_append(NULL, "Accept: application/json");
    curl_easy_setopt(c->easy, CURLOPT_USERNAME, BENCH_KEY);
    curl_easy_setopt(c->easy, CURLOPT_PASSWORD, BENCH_SECRET);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_CAINFO, t->ca_file);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    return c;
}

static void perform(client *c, const char *deployment)
{
    char url[256];
    long status;
    snprintf(url, sizeof url, "%s/deployments/%s/tls", c->target->endpoint, deployment);
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    c->answer_len = 0;
    CURLcode code = curl_easy_perform(c->easy);
    if (code != CURLE_OK)
        bench_fail("%s: %s", url, curl_easy_strerror(code));
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        bench_fail("%s: status %ld", url, status);
    bench_decode(c->answer, c->answer_len, &c->status);
}

static void get(void *self, const char *deployment)
{
    perform(self, deployment);
}

static void close_client(void *self)
{
    client *c = self;
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->headers);
    free(c->body);
    free(c);
}

static void *open_careful(const target *t)
{
    client *c = open_client(t);
    curl_easy_setopt(c->easy, CURLOPT_CAPATH, NULL);
    return c;
}

static char *put_text(char *to, const char *name, const char *text, size_t len)
{
    to += sprintf(to, ",\"%s\":\"", name);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            *to++ = '\\';
            *to++ = 'n';
        } else {
            if (text[i] == '"' || text[i] == '\\')
                *to++ = '\\';
            *to++ = text[i];
        }
    }
    *to++ = '"';
    return to;
}

/* On a fresh connection, as a write that must not be sent twice. */
static void put(void *self, const char *deployment)
{
    client *c = self;
    const emqx_tls_request *r = c->target->body;
    if (!c->body) {
        c->body = malloc(2 * (r->cert_len + r->key_len) + 256);
        c->headers = curl_slist_append(c->headers, "Content-Type: application/json");
        c->headers = curl_slist_append(c->headers, "Expect:");
        curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
    }
    char *end = c->body + sprintf(c->body, "{\"tlsType\":\"one-way\"");
    end = put_text(end, "cert", r->cert, r->cert_len);
    end = put_text(end, "key", r->key, r->key_len);
    *end++ = '}';
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(end - c->body));
    perform(c, deployment);
}

const subject plain = {
    .name = "plain", .open = open_client, .get = get, .put = put, .close = close_client};
const subject careful = {
    .name = "careful", .open = open_careful, .get = get, .put = put, .close = close_client};
