/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "redis/tls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/tls_socket.h"

const bool emqxi_tls_available = true;

struct emqxi_tls {
    BIO_METHOD *method;
    SSL_CTX *context;
    SSL *ssl;
    unsigned long reason; /* of the last failure, as OpenSSL has it; 0: none */
};

/* -- whom to trust, and as whom ---------------------------------------------------------------- */

static int never_ask(char *to, int size, int writing, void *user)
{
    (void)to, (void)size, (void)writing, (void)user;
    return -1; /* OpenSSL's own would ask on the terminal */
}

static const char *load_files(SSL_CTX *context, const emqxi_redis_url *url)
{
    struct stat s;
    bool folder = url->ca && stat(url->ca, &s) == 0 && S_ISDIR(s.st_mode);
    SSL_CTX_set_default_passwd_cb(context, never_ask);
    if (!url->ca && SSL_CTX_set_default_verify_paths(context) != 1)
        return "";
    if (url->ca && SSL_CTX_load_verify_locations(context, folder ? NULL : url->ca,
                                                 folder ? url->ca : NULL) != 1)
        return "can't be trusted: the file of ?ca= has no CA certificate, or can't be read";
    if (url->cert && SSL_CTX_use_certificate_chain_file(context, url->cert) != 1)
        return "wants us to know ourselves: the file of ?cert= has no certificate, or can't be "
               "read";
    if (url->key && SSL_CTX_use_PrivateKey_file(context, url->key, SSL_FILETYPE_PEM) != 1)
        return "wants us to know ourselves: the file of ?key= can't be read, has a passphrase, or "
               "is not the key of ?cert=";
    return NULL;
}

/* The name, or the address, that the certificate must be for. */
static bool expect(SSL *ssl, const char *host)
{
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_set_connect_state(ssl);
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ||
           (SSL_set1_host(ssl, host) == 1 &&
            SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)host) == 1);
}

emqxi_tls *emqxi_tls_new(const emqxi_redis_url *url, const int *fd, const char **problem)
{
    emqxi_tls *t = calloc(1, sizeof *t);
    *problem = "";
    if (t && (t->context = SSL_CTX_new(TLS_client_method())) &&
        SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) == 1 &&
        !(*problem = load_files(t->context, url)) && (*problem = "") &&
        (t->ssl = SSL_new(t->context)) && expect(t->ssl, url->host) &&
        emqxi_tls_use_socket(t->ssl, fd, &t->method))
        return t;
    ERR_clear_error();
    emqxi_tls_free(t);
    return NULL;
}

void emqxi_tls_free(emqxi_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    SSL_CTX_free(t->context);
    BIO_meth_free(t->method);
    free(t);
}

/* -- steps ------------------------------------------------------------------------------------- */

ssize_t emqxi_tls_step(emqxi_tls *t, enum emqxi_tls_step step, void *data, size_t len,
                       short *events)
{
    const int size = (int)EMQXI_MIN(len, 1u << 30);
    ERR_clear_error();
    int n = step == EMQXI_TLS_READ    ? SSL_read(t->ssl, data, size)
            : step == EMQXI_TLS_WRITE ? SSL_write(t->ssl, data, size)
                                      : SSL_do_handshake(t->ssl);
    if (n > 0)
        return n;
    const int error = SSL_get_error(t->ssl, n);
    t->reason = error == SSL_ERROR_SSL ? ERR_peek_error() : 0;
    ERR_clear_error();
    *events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    errno = error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
    return -1;
}

static const char *distrust(long why)
{
    switch (why) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "shows a certificate for another name or address: use one that it is for";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "shows a certificate that has expired (or this machine's clock is wrong)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "shows a certificate that is not valid yet (or this machine's clock is wrong)";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "shows a certificate of a CA that is not known here: name the CA's file with ?ca=";
    default:
        return "shows a certificate that does not verify: look at it with openssl s_client";
    }
}

const char *emqxi_tls_problem(const emqxi_tls *t)
{
    if (t->reason == 0)
        return NULL;
    switch (ERR_GET_REASON(t->reason)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return distrust(SSL_get_verify_result(t->ssl));
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "does not speak TLS there: use redis://, or its TLS port";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "wants a client certificate: give ?cert= and ?key=";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "does not accept our certificate of ?cert=";
    default:
        return "does not agree with us on TLS: it must speak TLS 1.2 or newer";
    }
}
