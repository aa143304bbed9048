/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A plain curl_multi loop: handles that are used again, perform and poll.
 */
#include "many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

typedef struct slot {
    CURL *easy;
    char answer[4096];
    size_t answer_len;
} slot;

typedef struct loop {
    fleet fleet;
    CURLM *multi;
    struct curl_slist *headers;
    slot *slots;
    uint32_t next_name;
    size_t under_way;
} loop;

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    slot *s = user;
    size_t n = size * count;
    if (n > sizeof s->answer - s->answer_len)
        return 0;
    memcpy(s->answer + s->answer_len, data, n);
    s->answer_len += n;
    return n;
}

static void *open_loop(const fleet *f)
{
    loop *l = calloc(1, sizeof *l);
    l->fleet = *f;
    l->multi = curl_multi_init();
    l->headers = curl_slist_append(NULL, "Accept: application/json");
    l->slots = calloc(f->in_flight, sizeof *l->slots);
    for (size_t i = 0; i < f->in_flight; i++) {
        CURL *easy = l->slots[i].easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &l->slots[i]);
        curl_easy_setopt(easy, CURLOPT_USERNAME, BENCH_KEY);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, BENCH_SECRET);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, l->headers);
        curl_easy_setopt(easy, CURLOPT_CAINFO, f->target->ca_file);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &l->slots[i]);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 120000L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 60000L);
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L); /* one connection where HTTP/2 is offered */
    }
    return l;
}

static void begin(loop *l, slot *s)
{
    char url[256];
    snprintf(url, sizeof url, "%s/deployments/g%07u/tls", l->fleet.target->endpoint, l->next_name);
    l->next_name = (l->next_name + 1) % l->fleet.names;
    s->answer_len = 0;
    curl_easy_setopt(s->easy, CURLOPT_URL, url);
    curl_multi_add_handle(l->multi, s->easy);
}

static void end(const CURLMsg *m, slot *s)
{
    emqx_tls_status status;
    long code = 0;
    if (m->data.result != CURLE_OK)
        bench_fail("a request failed: %s", curl_easy_strerror(m->data.result));
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code);
    if (code != 200)
        bench_fail("status %ld", code);
    bench_decode(s->answer, s->answer_len, &status);
}

static void run(void *self, size_t calls, void (*each)(void))
{
    loop *l = self;
    while (l->under_way < l->fleet.in_flight)
        begin(l, &l->slots[l->under_way++]);
    while (calls > 0) {
        CURLMsg *m;
        int running, left;
        curl_multi_perform(l->multi, &running);
        while (calls > 0 && (m = curl_multi_info_read(l->multi, &left))) {
            slot *s;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
            end(m, s);
            curl_multi_remove_handle(l->multi, s->easy);
            begin(l, s);
            calls--;
            if (each)
                each();
        }
        if (calls > 0)
            curl_multi_poll(l->multi, NULL, 0, 1000, NULL);
    }
}

static void close_loop(void *self)
{
    loop *l = self;
    for (size_t i = 0; i < l->fleet.in_flight; i++) {
        curl_multi_remove_handle(l->multi, l->slots[i].easy);
        curl_easy_cleanup(l->slots[i].easy);
    }
    curl_multi_cleanup(l->multi);
    curl_slist_free_all(l->headers);
    free(l->slots);
    free(l);
}

const crowd crowd_plain = {.name = "plain", .open = open_loop, .run = run, .close = close_loop};
