/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP as libcurl reads it, over socket pairs. The first line has the calls: g c u d, at most four.
 * The rest is what the server sends: a reply to each request in turn, over one connection or more.
 * In it a byte 1 lets the client go on with what it has got, 2 ends the connection, 3 ends the
 * reply: what follows is sent when the next request has come. Behind the end connections end.
 * Held: no write leaves twice, what is told of the delivery is so, and every call ends.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <emqxtls/emqxtls.h>
#include <emqxtls/test.h>

#define KEY  "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
#define CERT "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

enum { TURNS_MAX = 400, CONNECTIONS_MAX = 64, REQUEST_MAX = 32 * 1024 };

/* Our ends of the pairs, by the client's descriptor; -1: closed. */
static struct {
    int client, server;
} pairs[CONNECTIONS_MAX];
static size_t pair_count;

static fuzz_input replies;
static char request[REQUEST_MAX]; /* all that has come in this call */
static size_t request_len;
static bool asked; /* something has come since the last reply ended */

/* -- the network, in place of the C library's: libcurl connects a socket that is a pair's end ------ */

int play_socket(int domain, int type, int protocol) __asm__("socket");
int play_connect(int fd, const struct sockaddr *address, socklen_t len) __asm__("connect");
int play_name(int fd, struct sockaddr *address, socklen_t *len) __asm__("getsockname");
int play_peer(int fd, struct sockaddr *address, socklen_t *len) __asm__("getpeername");

int play_socket(int domain, int type, int protocol)
{
    int ends[2];
    (void)protocol;
    if ((domain != AF_INET && domain != AF_INET6) || pair_count == CONNECTIONS_MAX) {
        errno = EMFILE;
        return -1;
    }
    int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends) != 0)
        return -1;
    pairs[pair_count].client = ends[0];
    pairs[pair_count++].server = ends[1];
    return ends[0];
}

int play_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    (void)fd, (void)address, (void)len;
    return 0;
}

/* Each has a port of its own, as connections from one machine to one server do. */
int play_name(int fd, struct sockaddr *address, socklen_t *len)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(10000 + fd))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = *len < sizeof a ? *len : (socklen_t)sizeof a;
    memcpy(address, &a, n);
    *len = sizeof a;
    return 0;
}

int play_peer(int fd, struct sockaddr *address, socklen_t *len)
{
    return play_name(fd, address, len);
}

/* -- the server ---------------------------------------------------------------------------------- */

static bool take_request(int fd)
{
    char bytes[4096];
    bool any = false;
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        size_t room = REQUEST_MAX - request_len, taken = (size_t)n < room ? (size_t)n : room;
        memcpy(request + request_len, bytes, taken);
        request_len += taken;
        asked = any = true;
    }
    return any;
}

static void end_connection(size_t i)
{
    close(pairs[i].server);
    pairs[i].server = -1;
}

/* One turn: true where something has moved. */
static bool serve(void)
{
    bool moved = false;
    size_t last = CONNECTIONS_MAX;
    for (size_t i = 0; i < pair_count; i++)
        if (pairs[i].server >= 0) {
            moved |= take_request(pairs[i].server);
            last = i;
        }
    if (last == CONNECTIONS_MAX || !asked)
        return moved;
    if (!fuzz_more(&replies))
        return end_connection(last), true;
    const uint8_t *from = replies.at;
    while (fuzz_more(&replies) && *replies.at > 3)
        replies.at++;
    if (replies.at > from)
        (void)!send(pairs[last].server, from, (size_t)(replies.at - from),
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    uint8_t control = fuzz_byte(&replies);
    if (control == 2)
        end_connection(last);
    asked = control < 2;
    return true;
}

/* -- the client ------------------------------------------------------------------------------------ */

typedef struct outcome {
    int count;
    emqx_tls_status status;
    emqx_tls_error error;
} outcome;

static void done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    outcome *o = user;
    emqx_tls_call_result(call, &o->status, &o->error);
    HOLDS(o->error.code == code);
    o->count++;
}

static size_t requests_seen(void)
{
    static const char mark[] = " HTTP/1.1\r\nHost:";
    size_t n = 0;
    for (const char *at = request;
         (at = memmem(at, request_len - (size_t)(at - request), mark, strlen(mark))); at++)
        n++;
    return n;
}

static void held(uint32_t op, const outcome *o)
{
    const emqx_tls_error *e = &o->error;
    size_t seen = requests_seen();
    bool writes = op != EMQX_TLS_OP_GET;
    HOLDS(o->count == 1);
    HOLDS(!writes || seen <= 1);
    HOLDS(seen <= e->attempts);
    HOLDS(!writes || e->delivery != EMQX_TLS_DELIVERY_NOT_SENT || request_len == 0);
    HOLDS(e->delivery != EMQX_TLS_DELIVERY_ANSWERED || (e->http_status >= 100 && seen > 0));
    HOLDS(e->code != EMQX_TLS_OK || (e->http_status >= 200 && e->http_status < 300));
    HOLDS((e->code == EMQX_TLS_OK) == (e->message[0] == '\0'));
    HOLDS(emqxi_utf8_ok(e->message, strlen(e->message)) && !strstr(e->message, "a-secret"));
    HOLDS(strlen(o->status.state_text) < sizeof o->status.state_text);
}

static void call(emqx_tls_client *client, emqx_tls_test_clock *clock, uint32_t op)
{
    outcome o = {0};
    emqx_tls_request r;
    emqx_tls_status_init(&o.status);
    emqx_tls_error_init(&o.error);
    emqx_tls_request_init(&r);
    r.type = EMQX_TLS_TYPE_ONE_WAY;
    r.cert = CERT;
    r.cert_len = strlen(CERT);
    r.key = KEY;
    r.key_len = strlen(KEY);
    bool body = op == EMQX_TLS_OP_CREATE || op == EMQX_TLS_OP_UPDATE;
    request_len = 0;
    asked = false;
    HOLDS(emqx_tls_submit(client, op, "d1", body ? &r : NULL, done, &o, NULL, NULL) == EMQX_TLS_OK);
    for (int idle = 0, turns = 0; !o.count; turns++) {
        HOLDS(turns < TURNS_MAX);
        HOLDS(emqx_tls_client_run(client, 0, NULL) == EMQX_TLS_OK);
        idle = serve() ? 0 : idle + 1;
        int64_t next = emqx_tls_client_next_ms(client);
        if (idle > 4 && next > 0) /* a pause before it is tried again */
            emqx_tls_test_clock_advance(clock, next);
        for (size_t i = 0; idle > 8 && i < pair_count; i++)
            if (pairs[i].server >= 0)
                end_connection(i);
    }
    held(op, &o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size}, calls = fuzz_line(&in);
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_test_clock *clock = emqx_tls_test_clock_new(1000000, 1767225600000);
    HOLDS(clock);
    emqx_tls_config_init(&config);
    config.endpoint = "http://127.0.0.1:8080/v1";
    config.api_key = "a-key";
    config.api_secret = "a-secret";
    config.flags = EMQX_TLS_ALLOW_HTTP_LOOPBACK | EMQX_TLS_SKIP_CHECK;
    config.clock = emqx_tls_test_clock_vtable(clock);
    HOLDS(emqx_tls_client_new(&config, &client, NULL) == EMQX_TLS_OK);
    replies = in;
    pair_count = 0;
    for (int n = 0; n < 4 && fuzz_more(&calls); n++) {
        const char *letters = "gcud", *at = strchr(letters, fuzz_byte(&calls));
        if (at && *at)
            call(client, clock, EMQX_TLS_OP_GET + (uint32_t)(at - letters));
    }
    emqx_tls_client_free(client);
    for (size_t i = 0; i < pair_count; i++)
        if (pairs[i].server >= 0)
            end_connection(i);
    emqx_tls_test_clock_free(clock);
    return 0;
}
