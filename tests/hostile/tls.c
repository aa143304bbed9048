/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * TLS itself: certificates, versions, handshakes that break off. What a request then meets, if it
 * comes so far, is a good answer.
 */
#include "http1.h"
#include "tls_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"                                                \
    "{\"status\":\"pending\"}"
#define HOUR 3600

/* What a row's server has of its own. */
typedef struct kind {
    const char *san;  /* NULL: the address that the client asks for */
    long from, until; /* of its certificate, in hours from now; 0: an hour around now */
    bool unknown;     /* nobody trusts it */
    void (*set)(SSL_CTX *);
    unsigned cut; /* the handshake is cut behind so many thousandths of it; 0: not at all */
    bool (*before)(loopback_connection *); /* the answer */
    bool raw;                              /* the row's bytes and no handshake */
} kind;

/* -- settings ---------------------------------------------------------------------------------- */

static void only(SSL_CTX *tls, int version)
{
    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_min_proto_version(tls, version);
    SSL_CTX_set_max_proto_version(tls, version);
}

static void only_1_0(SSL_CTX *tls)
{
    only(tls, TLS1_VERSION);
}

static void only_1_1(SSL_CTX *tls)
{
    only(tls, TLS1_1_VERSION);
}

static void only_1_2(SSL_CTX *tls)
{
    only(tls, TLS1_2_VERSION);
}

static void only_1_3(SSL_CTX *tls)
{
    only(tls, TLS1_3_VERSION);
}

static void want_certificate(SSL_CTX *tls)
{
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void want_certificate_1_2(SSL_CTX *tls)
{
    only_1_2(tls);
    want_certificate(tls);
}

static void ask_for_certificate(SSL_CTX *tls)
{
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
}

static void many_tickets(SSL_CTX *tls)
{
    SSL_CTX_set_num_tickets(tls, 100);
}

static void anonymous(SSL_CTX *tls)
{
    only_1_2(tls);
    SSL_CTX_set_cipher_list(tls, "aNULL:@SECLEVEL=0");
}

static void without_encryption(SSL_CTX *tls)
{
    only_1_2(tls);
    SSL_CTX_set_cipher_list(tls, "eNULL:@SECLEVEL=0");
}

static int choose_nothing_good(SSL *ssl, const unsigned char **out, unsigned char *len,
                               const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl, (void)in, (void)in_len, (void)user;
    *out = (const unsigned char *)"hostile";
    *len = 7;
    return SSL_TLSEXT_ERR_OK;
}

static void odd_alpn(SSL_CTX *tls)
{
    SSL_CTX_set_alpn_select_cb(tls, choose_nothing_good, NULL);
}

/* -- between request and answer ---------------------------------------------------------------- */

static bool new_keys(loopback_connection *c)
{
    for (int i = 0; i < 30; i++)
        if (SSL_key_update(loopback_ssl(c), SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
            SSL_do_handshake(loopback_ssl(c)) != 1)
            return false;
    return true;
}

static bool another_handshake(loopback_connection *c)
{
    return SSL_renegotiate(loopback_ssl(c)) == 1 && SSL_do_handshake(loopback_ssl(c)) == 1;
}

/* Behind the head comes a record that nobody can decrypt. */
static bool garbage_in_the_answer(loopback_connection *c)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{";
    static const char record[] = "\x17\x03\x03\0\x20hostile hostile hostile hostile ";
    return loopback_write(c, head, sizeof head - 1) &&
           write(loopback_fd(c), record, sizeof record - 1) > 0 && false;
}

static bool garbage_before_the_answer(loopback_connection *c)
{
    static const char record[] = "\x17\x03\x03\0\x20hostile hostile hostile hostile ";
    return write(loopback_fd(c), record, sizeof record - 1) > 0 && false;
}

/* -- rows -------------------------------------------------------------------------------------- */

#define HAS(...)                                                                                   \
    .more = &(const kind)                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NO_BYTES "", 0
#define RAW      HAS(.raw = true)

static const behaviour rows[] = {
    /* certificates */
    {"another-address", NO_BYTES, KEEP, IS(not_trusted), HAS(.san = "IP:127.0.0.2")},
    {"another-name", NO_BYTES, KEEP, IS(not_trusted), HAS(.san = "DNS:other.example")},
    {"the-address-as-a-name", NO_BYTES, KEEP, IS(not_trusted), HAS(.san = "DNS:127.0.0.1")},
    {"a-wildcard-for-an-address", NO_BYTES, KEEP, IS(not_trusted), HAS(.san = "DNS:*.0.0.1,DNS:*")},
    {"expired", NO_BYTES, KEEP, IS(not_trusted), HAS(.from = -48, .until = -1)},
    {"not-yet-valid", NO_BYTES, KEEP, IS(not_trusted), HAS(.from = 24, .until = 48)},
    {"signed-by-itself", NO_BYTES, KEEP, IS(not_trusted), HAS(.unknown = true)},
    {"asks-for-a-client-certificate", NO_BYTES, KEEP, IS(taken), HAS(.set = ask_for_certificate)},
    {"wants-a-client-certificate", NO_BYTES, KEEP, IS(lost), HAS(.set = want_certificate)},
    {"wants-a-client-certificate-1.2", NO_BYTES, KEEP, IS(no_handshake),
     HAS(.set = want_certificate_1_2)},
    /* versions and ciphers */
    {"tls-1.0", NO_BYTES, KEEP, IS(no_handshake), HAS(.set = only_1_0)},
    {"tls-1.1", NO_BYTES, KEEP, IS(no_handshake), HAS(.set = only_1_1)},
    {"tls-1.2", NO_BYTES, KEEP, IS(taken), HAS(.set = only_1_2)},
    {"tls-1.3", NO_BYTES, KEEP, IS(taken), HAS(.set = only_1_3)},
    {"ciphers-without-a-certificate", NO_BYTES, KEEP, IS(no_handshake), HAS(.set = anonymous)},
    {"ciphers-without-encryption", NO_BYTES, KEEP, IS(no_handshake),
     HAS(.set = without_encryption)},
    {"a-protocol-that-nobody-offered", NO_BYTES, KEEP, IS(no_handshake), HAS(.set = odd_alpn)},
    {"a-hundred-tickets", NO_BYTES, KEEP, IS(taken), HAS(.set = many_tickets)},
    /* in the middle of a connection */
    {"thirty-new-keys", NO_BYTES, KEEP, IS(taken), HAS(.set = only_1_3, .before = new_keys)},
    {"another-handshake", NO_BYTES, KEEP, IS(careless),
     HAS(.set = only_1_2, .before = another_handshake)},
    {"garbage-in-the-answer", NO_BYTES, CLOSE, IS(broken), HAS(.before = garbage_in_the_answer)},
    {"garbage-before-the-answer", NO_BYTES, CLOSE, IS(lost),
     HAS(.before = garbage_before_the_answer)},
    /* what is no handshake */
    {"silent", NO_BYTES, STALL, IS(silent), RAW},
    {"closed", NO_BYTES, CLOSE, IS(no_handshake), RAW},
    {"reset", NO_BYTES, RESET, IS(no_handshake), RAW},
    {"plain-http", TEXT("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), CLOSE,
     IS(no_handshake), RAW},
    {"ssh-instead", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), STALL, IS(no_handshake), RAW},
    {"garbage", TEXT("\x01\x02\x03\x04\x05\x06\x07\x08hostile"), STALL, IS(no_handshake), RAW},
    {"half-a-hello", TEXT("\x16\x03\x03\0\x5a\x02\0\0\x56\x03\x03hostile"), STALL, IS(silent), RAW},
    {"half-a-hello-and-closed", TEXT("\x16\x03\x03\0\x5a\x02\0\0\x56\x03\x03hostile"), CLOSE,
     IS(no_handshake), RAW},
    {"half-a-record-head", TEXT("\x16\x03"), STALL, IS(silent), RAW},
    {"a-record-of-64-kib", TEXT("\x16\x03\x03\xff\xff"), STALL, IS(no_handshake), RAW},
    {"a-record-of-nothing", TEXT("\x16\x03\x03\0\0"), STALL, IS(not_sent), RAW},
    {"a-record-of-no-kind", TEXT("\x63\x03\x03\0\x01x"), STALL, IS(no_handshake), RAW},
    {"a-fatal-alert", TEXT("\x15\x03\x03\0\x02\x02\x28"), STALL, IS(no_handshake), RAW},
    {"the-alert-of-an-unknown-name", TEXT("\x15\x03\x03\0\x02\x02\x70"), STALL, IS(no_handshake),
     RAW},
    {"a-closing-alert", TEXT("\x15\x03\x03\0\x02\x01\0"), STALL, IS(no_handshake), RAW},
    {"warnings",
     TEXT("\x15\x03\x03\0\x02\x01\x5a\x15\x03\x03\0\x02\x01\x5a\x15\x03\x03\0\x02\x01\x5a\x15\x03"
          "\x03\0\x02\x01\x5a"
          "\x15\x03\x03\0\x02\x01\x5a\x15\x03\x03\0\x02\x01\x5a"),
     STALL, IS(not_sent), RAW},
    {"sslv3", TEXT("\x16\x03\0\0\x2a\x02\0\0\x26\x03\0hostilehostilehostilehostilehost\0\0\x05\0"),
     STALL, IS(no_handshake), RAW},
    {"sslv2", TEXT("\x80\x0b\x04\0\x01\0\x02\0\0\0\0\0\0"), STALL, IS(no_handshake), RAW},
    {"data-before-the-handshake", TEXT("\x17\x03\x03\0\x07hostile"), STALL, IS(no_handshake), RAW},
    {"a-hello-of-the-clients-kind", TEXT("\x16\x03\x03\0\x0b\x01\0\0\x07hostile"), STALL,
     IS(no_handshake), RAW},
    /* handshakes cut, at each flight */
    {"cut-in-the-first-record-1.3", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_3, .cut = 5)},
    {"cut-at-a-tenth-1.3", NO_BYTES, CLOSE, IS(no_handshake), HAS(.set = only_1_3, .cut = 100)},
    {"cut-at-a-quarter-1.3", NO_BYTES, CLOSE, IS(no_handshake), HAS(.set = only_1_3, .cut = 250)},
    {"cut-at-a-half-1.3", NO_BYTES, CLOSE, IS(no_handshake), HAS(.set = only_1_3, .cut = 500)},
    {"cut-at-three-quarters-1.3", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_3, .cut = 750)},
    {"cut-in-the-last-record-1.3", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_3, .cut = 980)},
    {"cut-in-the-first-record-1.2", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_2, .cut = 5)},
    {"cut-at-a-quarter-1.2", NO_BYTES, CLOSE, IS(no_handshake), HAS(.set = only_1_2, .cut = 250)},
    {"cut-at-a-half-1.2", NO_BYTES, CLOSE, IS(no_handshake), HAS(.set = only_1_2, .cut = 500)},
    {"cut-at-three-quarters-1.2", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_2, .cut = 750)},
    {"cut-in-the-second-flight-1.2", NO_BYTES, CLOSE, IS(no_handshake),
     HAS(.set = only_1_2, .cut = 980)},
    {"stalls-at-a-half-1.3", NO_BYTES, STALL, IS(silent), HAS(.set = only_1_3, .cut = 500)},
    {"stalls-in-the-last-record-1.3", NO_BYTES, STALL, IS(silent),
     HAS(.set = only_1_3, .cut = 980)},
    {"stalls-at-a-half-1.2", NO_BYTES, STALL, IS(silent), HAS(.set = only_1_2, .cut = 500)},
    {"stalls-in-the-second-flight-1.2", NO_BYTES, STALL, IS(silent),
     HAS(.set = only_1_2, .cut = 980)},
    {"reset-at-a-half", NO_BYTES, RESET, IS(no_handshake), HAS(.set = only_1_3, .cut = 500)},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* -- the server -------------------------------------------------------------------------------- */

static tls_server good, servers[ROWS];

static bool shake_hands(loopback_connection *c, const behaviour *row, SSL_CTX *tls)
{
    const kind *k = row->more;
    if (k->raw) {
        ssize_t sent = write(loopback_fd(c), row->bytes, row->len);
        loopback_end(c, row->end);
        return sent < 0;
    }
    if (k->cut == 0)
        return loopback_handshake(c, tls);
    tls_cut(loopback_fd(c), tls, k->cut);
    loopback_end(c, row->end);
    return false;
}

static void answer_all(loopback_connection *c, peer *p)
{
    const kind *k = p->row->more;
    char head[HTTP1_HEAD_MAX];
    while (http1_read_head(c, head) && http1_read_body(c, head)) {
        bool behaves = atomic_load(&p->good);
        const char *text = behaves ? HTTP1_GOOD : ANSWER;
        http1_note(c, head);
        if (!behaves && k->before && !k->before(c))
            return;
        if (!loopback_write(c, text, strlen(text)))
            return;
    }
}

static void serve(loopback_connection *c)
{
    peer *p = loopback_user(c);
    bool behaves = atomic_load(&p->good);
    if (behaves ? loopback_handshake(c, good.tls)
                : shake_hands(c, p->row, servers[p->row - rows].tls))
        answer_all(c, p);
}

/* -- certificates ------------------------------------------------------------------------------ */

static void trust(FILE *cas, const tls_server *s)
{
    char text[4096];
    FILE *file = fopen(s->ca_path, "r");
    fwrite(text, 1, fread(text, 1, sizeof text, file), cas);
    fclose(file);
}

static void make_servers(FILE *cas)
{
    tls_server_make(&good, "IP:127.0.0.1");
    trust(cas, &good);
    for (size_t i = 0; i < ROWS; i++) {
        const kind *k = rows[i].more;
        bool dated = k->from || k->until;
        tls_server_make_dated(&servers[i], k->san ? k->san : "IP:127.0.0.1",
                              dated ? k->from * HOUR : -HOUR, dated ? k->until * HOUR : HOUR);
        if (k->set)
            k->set(servers[i].tls);
        if (k->cut)
            tls_cut_prepare(servers[i].tls);
        if (!k->unknown)
            trust(cas, &servers[i]);
    }
}

int main(void)
{
    char ca_file[] = "/tmp/emqxtls-cas-XXXXXX";
    FILE *cas = fdopen(mkstemp(ca_file), "w");
    if (!cas)
        abort();
    make_servers(cas);
    fclose(cas);
    hostile_suite suite = {"TLS", rows, ROWS, serve, ca_file, NULL, NULL};
    int failed = hostile_run(&suite);
    for (size_t i = 0; i < ROWS; i++)
        tls_server_free(&servers[i]);
    tls_server_free(&good);
    unlink(ca_file);
    return failed;
}
