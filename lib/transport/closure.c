/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How a TLS connection ended. libcurl tells nobody: before 8.16 it takes one that was cut off for
 * one that was closed (lib/vtls/openssl.c, ossl_recv), so OpenSSL is asked.
 */
#include "transport/curl.h"

#include <openssl/ssl.h>

static void *tls_of(CURL *easy, curl_sslbackend *backend)
{
    const struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls)
        return NULL;
    *backend = tls->backend;
    return tls->internals;
}

void emqxi_closure_look(CURL *easy, emqxi_closure *closure)
{
    curl_sslbackend backend;
    void *tls = tls_of(easy, &backend);
    if (tls && backend == CURLSSLBACKEND_GNUTLS) {
        closure->told = true; /* libcurl itself takes a missing closure for an error */
    } else if (tls && backend == CURLSSLBACKEND_OPENSSL) {
        closure->told = (SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN) != 0;
        closure->bytes = BIO_number_read(SSL_get_rbio(tls));
        closure->known = true;
    }
}

bool emqxi_closure_pending(CURL *easy)
{
    curl_sslbackend backend;
    void *tls = tls_of(easy, &backend);
    return tls && backend == CURLSSLBACKEND_OPENSSL && SSL_has_pending(tls);
}
