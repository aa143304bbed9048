/* SPDX-License-Identifier: MIT */
#include "transport/curl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

/* Since 7.84 curl_global_init is safe against other users of libcurl in other threads
 * (CURL_VERSION_THREADSAFE); where the platform gives it no lock, the once keeps at least our own
 * threads apart. It counts its callers. Our count is never given back: the last curl_global_cleanup
 * takes libcurl from under everybody, and is safe only when no other thread runs. */
static void set_up(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool emqxi_curl_global(void)
{
    pthread_once(&once, set_up);
    return ready;
}

/* The CA cache of libcurl (7.87) works with OpenSSL and its relatives, and only without a CAPATH,
 * which Debian builds in: lib/vtls/openssl.c, Curl_ssl_setup_x509_store. */
bool emqxi_curl_ca_path_off(void)
{
    static const char *const kin[] = {"OpenSSL/", "LibreSSL/", "BoringSSL", "quictls/", "AWS-LC"};
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    bool openssl = false;
    for (size_t i = 0; i < sizeof kin / sizeof kin[0] && v->ssl_version; i++)
        openssl |= strncmp(v->ssl_version, kin[i], strlen(kin[i])) == 0;
    return openssl && v->cainfo && access(v->cainfo, R_OK) == 0;
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
