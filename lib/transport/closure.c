/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How a TLS connection ended. libcurl tells nobody: before 8.16 it takes one that was cut off for
 * one that was closed (lib/vtls/openssl.c, ossl_recv), so OpenSSL is asked.
 */
#include "transport/curl.h"

#include <openssl/ssl.h>

void emqxi_closure_look(CURL *easy, emqxi_closure *closure)
{
    const struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls || !tls->internals)
        return;
    if (tls->backend == CURLSSLBACKEND_GNUTLS) {
        closure->told = true;
    } else if (tls->backend == CURLSSLBACKEND_OPENSSL) {
        SSL *ssl = tls->internals;
        closure->told = (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
        closure->bytes = BIO_number_read(SSL_get_rbio(ssl));
        closure->known = true;
    }
}
