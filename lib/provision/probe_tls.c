/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The probe with OpenSSL: resolve, connect, shake hands. The leaf is kept as soon as the server has
 * shown it: what follows may fail, since a two-way port refuses us without a client certificate.
 */
#include "provision/probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/tls_socket.h"
#include "check/x509.h"

const bool emqxi_probe_available = true;

enum state { RESOLVE, CONNECT, HANDSHAKE };

struct emqxi_probe {
    const emqx_tls_allocator *allocator;
    enum state state;
    emqxi_probe_target target;
    int64_t next_at; /* when the next address gets its turn */
    emqxi_resolver *resolver;
    const struct addrinfo *address; /* the one that is tried, or is next */
    bool numeric;
    int fd;
    short events; /* what the socket is waited for */
    SSL_CTX *context;
    SSL *ssl;
    BIO_METHOD *socket;
    bool seen;
    emqxi_identity leaf;
};

/* -- the leaf ---------------------------------------------------------------------------------- */

/* Called with the server's chain in place of verification, which a probe does not do. */
static int keep_leaf(X509_STORE_CTX *store, void *context)
{
    emqxi_probe *p = context;
    X509 *x = X509_STORE_CTX_get0_cert(store);
    emqxi_identity_of_x509(x, &p->leaf);
    p->seen = p->leaf.readable;
    emqxi_text_clean(p->leaf.common_name); /* it is only shown */
    return 1;
}

/* SNI is without the dot that ends an absolute name. */
static bool set_server_name(emqxi_probe *p)
{
    const emqxi_probe_target *t = &p->target;
    char name[EMQXI_PROBE_NAME_MAX + 1] = "";
    if (t->server_name || !p->numeric)
        strcpy(name, t->server_name ? t->server_name : t->host);
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        name[len - 1] = '\0';
    return !name[0] || SSL_set_tlsext_host_name(p->ssl, name) == 1;
}

static bool set_up_tls(emqxi_probe *p)
{
    p->context = SSL_CTX_new(TLS_client_method());
    if (!p->context)
        return false;
    SSL_CTX_set_min_proto_version(p->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(p->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(p->context, keep_leaf, p);
    p->ssl = SSL_new(p->context);
    if (!p->ssl || !emqxi_tls_use_socket(p->ssl, &p->fd, &p->socket))
        return false;
    SSL_set_connect_state(p->ssl);
    return set_server_name(p);
}

/* -- steps ------------------------------------------------------------------------------------- */

/* Over, without a leaf. */
static bool fail(const emqxi_probe *p, emqx_tls_code code, const char *what, emqxi_error *error)
{
    emqxi_fail(error, code, "probe of %s port %u: %s", p->target.host, (unsigned)p->target.port,
               what);
    return true;
}

static void drop_connection(emqxi_probe *p)
{
    int saved = errno;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    errno = saved;
}

/* Tries addresses until one is being connected to. False: there is none left. */
static bool connect_next(emqxi_probe *p, int64_t now_ms)
{
    drop_connection(p);
    for (; p->address; p->address = p->address->ai_next) {
        int64_t left = 0;
        for (const struct addrinfo *a = p->address; a; a = a->ai_next)
            left++;
        p->next_at = now_ms + EMQXI_MAX((p->target.deadline_ms - now_ms) / left, 1);
        p->fd = socket(p->address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (p->fd >= 0 && (connect(p->fd, p->address->ai_addr, p->address->ai_addrlen) == 0 ||
                           errno == EINPROGRESS)) {
            p->address = p->address->ai_next;
            p->state = CONNECT;
            p->events = POLLOUT;
            return true;
        }
        drop_connection(p);
    }
    return false;
}

static bool step_resolve(emqxi_probe *p, int64_t now_ms, emqxi_error *error)
{
    const char *problem;
    if (!emqxi_resolver_over(p->resolver, &p->address, &problem))
        return false;
    if (!problem && connect_next(p, now_ms))
        return false;
    return fail(p, EMQX_TLS_E_TRANSPORT, problem ? problem : strerror(errno), error);
}

static bool step_connect(emqxi_probe *p, int64_t now_ms, emqxi_error *error)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
    int problem = 0;
    socklen_t size = sizeof problem;
    if (poll(&ready, 1, 0) <= 0) {
        if (now_ms < p->next_at || !p->address)
            return false;
        problem = ETIMEDOUT;
    } else if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) {
        problem = errno;
    }
    if (problem == 0) {
        p->state = HANDSHAKE;
        return false;
    }
    errno = problem;
    if (connect_next(p, now_ms))
        return false;
    return fail(p, EMQX_TLS_E_TRANSPORT, strerror(errno), error);
}

static bool step_handshake(emqxi_probe *p, emqxi_error *error)
{
    ERR_clear_error();
    int done = SSL_do_handshake(p->ssl), why = SSL_get_error(p->ssl, done);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        p->events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        return false;
    }
    if (done == 1)
        SSL_shutdown(p->ssl);
    return p->seen ||
           fail(p, EMQX_TLS_E_TRANSPORT, "no TLS handshake there: is it the TLS port?", error);
}

bool emqxi_probe_step(emqxi_probe *p, int64_t now_ms, emqxi_identity *leaf, emqxi_error *error)
{
    bool over = false;
    if (p->state == RESOLVE)
        over = step_resolve(p, now_ms, error);
    if (!over && p->state == CONNECT)
        over = step_connect(p, now_ms, error);
    if (!over && p->state == HANDSHAKE)
        over = step_handshake(p, error);
    if (!over && now_ms >= p->target.deadline_ms) {
        static const char *const late[] = {"the name was not resolved in time",
                                           "no connection in time",
                                           "no TLS handshake in time: is it the TLS port?"};
        over = p->seen || fail(p, EMQX_TLS_E_TIMEOUT, late[p->state], error);
    }
    if (over && error->code == EMQX_TLS_OK)
        *leaf = p->leaf;
    return over;
}

void emqxi_probe_wait(const emqxi_probe *p, int ms)
{
    struct pollfd ready = {.fd = p->fd, .events = p->events};
    /* the resolver has no descriptor */
    poll(&ready, p->fd >= 0, p->fd >= 0 ? ms : EMQXI_MIN(ms, 5));
}

/* -- life -------------------------------------------------------------------------------------- */

emqx_tls_code emqxi_probe_start(const emqx_tls_allocator *a, const emqxi_probe_target *t,
                                emqxi_probe **out, emqxi_error *error)
{
    emqxi_probe *p = emqxi_zalloc(a, sizeof *p);
    *out = NULL;
    if (!p)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory for a probe");
    p->allocator = a;
    p->target = *t;
    p->fd = -1;
    p->resolver = emqxi_resolver_start(t->host, t->port, &p->numeric);
    if (p->resolver && set_up_tls(p)) {
        *out = p;
        return EMQX_TLS_OK;
    }
    emqxi_probe_free(p);
    return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory, or of threads, for a probe");
}

void emqxi_probe_free(emqxi_probe *p)
{
    if (!p)
        return;
    drop_connection(p);
    SSL_free(p->ssl);
    SSL_CTX_free(p->context);
    BIO_meth_free(p->socket);
    emqxi_resolver_free(p->resolver);
    emqxi_free(p->allocator, p);
}
