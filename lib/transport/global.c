/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "transport/curl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static emqxi_libcurl libcurl;

/* Since 7.84 curl_global_init is safe against other users of libcurl in other threads
 * (CURL_VERSION_THREADSAFE); where the platform gives it no lock, the once keeps at least our own
 * threads apart. It counts its callers. Our count is never given back: the last curl_global_cleanup
 * takes libcurl from under everybody, and is safe only when no other thread runs. */
static void set_up_libcurl(void)
{
    static const char *const openssl[] = {"OpenSSL/", "LibreSSL/", "BoringSSL", "quictls/",
                                          "AWS-LC"};
    libcurl.ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW); /* writes static text */
    for (size_t i = 0; i < sizeof openssl / sizeof openssl[0] && v->ssl_version; i++)
        if (strncmp(v->ssl_version, openssl[i], strlen(openssl[i])) == 0)
            libcurl.openssl = true;
    if (libcurl.openssl) {
        libcurl.bundle = v->cainfo;
        libcurl.ca_folder = v->capath;
        libcurl.insists = v->version_num >= 0x081100;
    }
    libcurl.sleeps_on_answers = libcurl.folds_into_freed = v->version_num < 0x080100;
    libcurl.loses_tunnels = v->version_num < 0x075800;
    libcurl.drops_reset_heads = v->version_num >= 0x075800 && v->version_num < 0x080300;
}

const emqxi_libcurl *emqxi_libcurl_get(void)
{
    pthread_once(&once, set_up_libcurl);
    return &libcurl;
}

static const char *env(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (!value || !*value)
        value = getenv(upper);
    return value && *value ? value : NULL;
}

const char *emqxi_proxy_env(const char **no_proxy)
{
    const char *proxy = env("https_proxy", "HTTPS_PROXY");
    *no_proxy = env("no_proxy", "NO_PROXY");
    return proxy ? proxy : env("all_proxy", "ALL_PROXY");
}
