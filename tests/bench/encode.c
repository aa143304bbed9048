/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The request body of 10 KiB: counted and written by the library, escaped by a plain loop with a
 * table, encoded by jansson. They take turns.
 */
#include "real_clock.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define ROUNDS 201
#define CALLS  200
#define LINES  150

static char pem[LINES * 66 + 64], body[2 * sizeof pem + 256];
static emqx_tls_request request;
static size_t kept; /* so that nothing is optimised away */

static double now_us(void)
{
    return (double)clock_ns(CLOCK_MONOTONIC) / 1e3;
}

static void library(void)
{
    size_t n = emqxi_encode_size(&request);
    emqxi_encode(&request, body);
    kept += n;
}

/* As it is written by hand: a table of what each byte becomes. */
static char *escape(char *to, const char *text, size_t len)
{
    static char letters[256];
    if (!letters['\n']) {
        memset(letters, 'u', 0x20);
        letters['\n'] = 'n';
        letters['\r'] = 'r';
        letters['\t'] = 't';
        letters['"'] = '"';
        letters['\\'] = '\\';
    }
    for (size_t i = 0; i < len; i++) {
        char letter = letters[(unsigned char)text[i]];
        if (!letter) {
            *to++ = text[i];
        } else if (letter != 'u') {
            *to++ = '\\';
            *to++ = letter;
        } else {
            to += sprintf(to, "\\u%04x", (unsigned)(unsigned char)text[i]);
        }
    }
    return to;
}

static void plain(void)
{
    char *to = body;
    to = stpcpy(to, "{\"tlsType\":\"one-way\",\"cert\":\"");
    to = escape(to, request.cert, request.cert_len);
    to = stpcpy(to, "\",\"key\":\"");
    to = escape(to, request.key, request.key_len);
    to = stpcpy(to, "\"}");
    kept += (size_t)(to - body);
}

static void by_jansson(void)
{
    json_t *o = json_pack("{s:s, s:s%, s:s%}", "tlsType", "one-way", "cert", request.cert,
                          request.cert_len, "key", request.key, request.key_len);
    char *text = json_dumps(o, JSON_COMPACT);
    kept += strlen(text);
    free(text);
    json_decref(o);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*encode)(void);
    } ways[] = {{"plain loop", plain}, {"library", library}, {"jansson", by_jansson}};
    enum { WAYS = sizeof ways / sizeof ways[0] };
    static double us[WAYS][ROUNDS];
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to = stpcpy(pem, "-----BEGIN CERTIFICATE-----\n");
    for (int line = 0; line < LINES; line++) {
        for (int i = 0; i < 64; i++)
            *to++ = digits[(line * 7 + i * 13) % 64];
        *to++ = '\n';
    }
    to = stpcpy(to, "-----END CERTIFICATE-----\n");
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = pem;
    request.cert_len = (size_t)(to - pem);
    request.key = pem; /* as long as a key of RSA 2048 */
    request.key_len = 1704 - (1704 % 65);

    for (int round = 0; round < ROUNDS; round++)
        for (int w = 0; w < WAYS; w++) {
            double begin = now_us();
            for (int i = 0; i < CALLS; i++)
                ways[w].encode();
            us[w][round] = (now_us() - begin) / CALLS;
        }
    for (int w = 0; w < WAYS; w++)
        qsort(us[w], ROUNDS, sizeof us[w][0], by_value);
    for (int w = 0; w < WAYS; w++)
        printf("%s\t%.2f\t%.2f\n", ways[w].name, us[w][ROUNDS / 2],
               us[w][ROUNDS / 2] / us[0][ROUNDS / 2]);
    return kept == 0;
}
