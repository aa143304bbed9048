/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Which CAs are trusted: those of ca_file, or the system's as libcurl names them.
 *
 * Of a folder whose files are named by hashes OpenSSL reads the one that it needs, while all of a
 * bundle's 140 certificates are parsed: 15 ms of a process's first call. libcurl keeps a bundle
 * parsed for the next connection, but only where it has no folder (lib/vtls/openssl.c,
 * Curl_ssl_setup_x509_store). So it gets one of the two, and no more.
 */
#include "transport/curl.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "5ad8a5d6.0", as `openssl rehash` has it. */
static bool is_hash(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".0") == 0;
}

/* A certificate of the folder, or "": it is not hashed, or can't be read. */
static void find_hashed(const char *folder, char name[EMQXI_HASH_ROOM])
{
    DIR *dir = folder ? opendir(folder) : NULL;
    struct dirent *e;
    while (dir && !*name && (e = readdir(dir)))
        if (is_hash(e->d_name) && faccessat(dirfd(dir), e->d_name, R_OK, 0) == 0)
            memcpy(name, e->d_name, EMQXI_HASH_ROOM);
    if (dir)
        closedir(dir);
}

void emqxi_trust_choose(emqxi_curl *c)
{
    c->has_bundle = c->libcurl->bundle && access(c->libcurl->bundle, R_OK) == 0;
    if (!c->ca_file)
        find_hashed(c->libcurl->ca_folder, c->hashed);
}

bool emqxi_trust_set(emqxi_transfer *t)
{
    const emqxi_curl *c = t->curl;
    const emqxi_libcurl *l = c->libcurl;
    const char *file = c->ca_file, *folder = l->insists && l->ca_folder ? "/dev/null" : NULL;
    char path[256];
    t->by_folder = *c->hashed;
    if (t->by_folder) {
        snprintf(path, sizeof path, "%s/%s", l->ca_folder, c->hashed);
        file = l->insists ? path : NULL;
        folder = l->ca_folder;
    } else if (!file && c->has_bundle) {
        file = l->bundle;
    } else if (!file) {
        return true;
    }
    CURLcode code =
        curl_easy_setopt(t->easy, CURLOPT_CAPATH, folder); /* not all back ends have it */
    return curl_easy_setopt(t->easy, CURLOPT_CAINFO, file) == CURLE_OK &&
           (code == CURLE_OK || !folder);
}

bool emqxi_trust_bundle(emqxi_transfer *t, CURLcode result)
{
    emqxi_curl *c = t->curl;
    if (!t->by_folder || t->departed || !c->has_bundle ||
        (result != CURLE_SSL_CACERT_BADFILE && !emqxi_verify_lacks_ca(t, result)))
        return false;
    c->hashed[0] = '\0';
    return emqxi_trust_set(t) && emqxi_transfer_shorten(t);
}
