/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * An endpoint that is taken is https or loopback, hides nothing, and names the same host for
 * libcurl once a resource's path is behind it. The first byte is the deployment ID's length, which
 * follows; the rest is the endpoint.
 */
#include <curl/curl.h>

#include <emqxtls/client.h>

#include "fuzz.h"

static void part_is(CURLU *url, CURLUPart part, const char *expected)
{
    char *text = NULL;
    HOLDS(curl_url_get(url, part, &text, 0) == CURLUE_OK && strcmp(text, expected) == 0);
    curl_free(text);
}

static void url_holds(const emqxi_endpoint *endpoint, const char *id)
{
    size_t size = emqxi_url_size(endpoint->base, id);
    char *text = malloc(size), *path = NULL;
    CURLU *url = curl_url();
    HOLDS(text && url);
    emqxi_url(endpoint->base, id, text);
    HOLDS(strlen(text) + 1 == size && !strpbrk(text, "?# \t\r\n"));
    HOLDS(curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) ==
          CURLUE_OK);
    part_is(url, CURLUPART_HOST, endpoint->host);
    part_is(url, CURLUPART_SCHEME, endpoint->loopback_http ? "http" : "https");
    HOLDS(curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK);
    char *segment = strstr(path, "/deployments/");
    HOLDS(segment && strcmp(strrchr(path, '/'), "/tls") == 0);
    curl_free(path);
    curl_url_cleanup(url);
    free(text);
}

static bool loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0 || strspn(host, "[]0:1") == strlen(host);
}

static void endpoint_holds(const char *text, uint32_t flags, const char *id)
{
    emqxi_endpoint first, second;
    emqxi_error error;
    emqxi_error_clear(&error);
    emqx_tls_code code = emqxi_endpoint_parse(&emqxi_malloc, text, flags, &first, &error);
    if (code) {
        HOLDS(code == EMQX_TLS_E_INVALID && strncmp(error.message, "endpoint ", 9) == 0);
        HOLDS(!first.base && !first.host);
        return;
    }
    HOLDS(!strpbrk(first.base, "?# \t\r\n"));
    HOLDS(strncmp(first.base, "https://", 8) == 0 || (flags && loopback(first.host)));
    HOLDS(first.base[strlen(first.base) - 1] != '/');
    HOLDS(emqxi_endpoint_parse(&emqxi_malloc, first.base, flags, &second, &error) == EMQX_TLS_OK);
    HOLDS(strcmp(first.base, second.base) == 0 && strcmp(first.host, second.host) == 0);
    if (!emqxi_deployment_id_problem(id))
        url_holds(&first, id);
    emqxi_endpoint_free(&emqxi_malloc, &first);
    emqxi_endpoint_free(&emqxi_malloc, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t id_len = EMQXI_MIN(data[0], size - 1);
    char *id = fuzz_text(data + 1, id_len), *text = fuzz_text(data + 1 + id_len, size - 1 - id_len);
    endpoint_holds(text, 0, id);
    endpoint_holds(text, EMQX_TLS_ALLOW_HTTP_LOOPBACK, id);
    free(text);
    free(id);
    return 0;
}
