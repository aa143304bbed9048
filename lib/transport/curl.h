/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the files of the libcurl transport share.
 */
#ifndef EMQXI_CURL_H
#define EMQXI_CURL_H

#include "base/list.h"
#include "transport/transport.h"

#include <curl/curl.h>

#define EMQXI_HEADERS_MAX 8 /* of one exchange, two of our own among them */

#define EMQXI_HASH_ROOM 11 /* "5ad8a5d6.0" */

#define EMQXI_VALUE_ROOM 40 /* a date has 29 to 33 characters */

/* -- libcurl as a whole (global.c) ------------------------------------------------------------- */

typedef struct emqxi_libcurl {
    bool ready, openssl;
    /* The system's CA certificates as it was built to find them, with OpenSSL and its kin; NULL:
     * none. insists: since 8.17 it takes them wherever it is given NULL. */
    const char *bundle, *ca_folder;
    bool insists;
    /* Is a head over HTTP/2 not passed on if the stream was reset in the same record
     * (lib/http2.c, cf_h2_recv)? Else RST_STREAM(NO_ERROR) looks like the answer's end. */
    bool drops_reset_heads;
    /* Before 8.1 what it holds of an answer wakes nobody: where a stream's buffer is full it stops
     * reading the connection (lib/http2.c, on_data_chunk_recv), and goes on when it is run. */
    bool sleeps_on_answers;
    /* Before 8.1 a handle that is used again writes into freed memory where the first header of an
     * answer is a folded one: it goes on with the last header of the answer before (lib/headers.c,
     * unfold_value). */
    bool folds_into_freed;
    /* 7.87 does not watch the socket while a proxy is asked for a tunnel. */
    bool loses_tunnels;
} emqxi_libcurl;

/* Sets libcurl up, once in a process. */
const emqxi_libcurl *emqxi_libcurl_get(void);

/* The proxy and its exceptions in the environment, as libcurl would look them up for https; NULL:
 * none. */
const char *emqxi_proxy_env(const char **no_proxy);

/* -- the sockets of one multi handle (sockets.c) ----------------------------------------------- */

typedef struct emqxi_sockets {
    CURLM *multi;
    int epoll, wake;
    int timer;        /* -1: nobody else watches the set */
    int64_t due_ms;   /* libcurl's timer, on CLOCK_MONOTONIC as libcurl's own; -1: none */
    int64_t armed_ms; /* what the timer descriptor is set to */
} emqxi_sockets;

bool emqxi_sockets_init(emqxi_sockets *s, CURLM *multi);
void emqxi_sockets_free(emqxi_sockets *s);

/* Runs what is due without waiting. */
CURLMcode emqxi_sockets_run(emqxi_sockets *s);

/* Runs all transfers, whether libcurl has said which sockets they wait for or not. */
CURLMcode emqxi_sockets_run_all(const emqxi_sockets *s);

/* Runs the transfers of a socket as if something had come on it. */
CURLMcode emqxi_sockets_run_one(const emqxi_sockets *s, curl_socket_t fd, int what);

/* Waits for at most timeout_ms (negative: for ever) and runs what came. */
CURLMcode emqxi_sockets_wait(emqxi_sockets *s, int timeout_ms);

int64_t emqxi_sockets_next_ms(const emqxi_sockets *s);
int emqxi_sockets_fd(emqxi_sockets *s);
/* After every step: the timer descriptor follows libcurl's timer. */
void emqxi_sockets_arm(emqxi_sockets *s);
void emqxi_sockets_wake(const emqxi_sockets *s);

/* -- one exchange (easy.c) --------------------------------------------------------------------- */

typedef struct emqxi_curl emqxi_curl;

/* What the TLS connection told behind a head without a length (closure.c). */
typedef struct emqxi_closure {
    bool told;                  /* it was closed, and not just cut off */
    bool known;                 /* what follows is */
    uint64_t bytes, head_bytes; /* that have come over it, and those up to the head's end */
} emqxi_closure;

/* Where a transfer is; there is a list for each. DELIVERED: inside done. */
typedef enum emqxi_stage {
    EMQXI_IDLE,
    EMQXI_HELD,
    EMQXI_RUNNING,
    EMQXI_FINISHED,
    EMQXI_DELIVERED,
    EMQXI_STAGES
} emqxi_stage;

/* Kept with its easy handle and reply buffer, and used again. */
typedef struct emqxi_transfer {
    emqxi_node node;
    emqxi_stage stage;
    emqxi_curl *curl;
    CURL *easy;
    CURLU *origin; /* scheme, host and port: so many bytes of url */
    size_t origin_len;
    const emqx_tls_exchange *exchange; /* the library's, valid until done or cancel; NULL: idle */
    int64_t deadline_ms;
    CURLcode result;
    bool stale; /* the kept connection had something to read: on a fresh one, then */
    bool asks_names, by_folder;
    bool anew; /* the handle is set to a fresh connection */
    bool connecting, departed, again, late, too_long, no_memory, head_whole;
    bool http2, unread; /* bytes of it came since the last look */
    bool framed;        /* the head tells where the body ends */
    emqxi_closure closure;
    bool reused;
    int local_port; /* of the connection on which it departed */
    size_t body_sent;
    char *reply;
    size_t reply_len, reply_room, head_len;
    char date[EMQXI_VALUE_ROOM], retry_after[EMQXI_VALUE_ROOM];
    /* nodes of our own that point to the exchange's text: no copies */
    struct curl_slist headers[EMQXI_HEADERS_MAX];
    /* what the easy handle is set to */
    char *url;
    size_t url_room;
    char method[8];
    bool fresh;
    uint32_t timeout_ms, connect_timeout_ms;
    size_t body_len;
} emqxi_transfer;

/* A socket that libcurl has opened, and its port on our side; 0: not looked up yet. */
typedef struct emqxi_opened {
    int fd, port;
    bool run;
} emqxi_opened;

struct emqxi_curl {
    emqx_tls_allocator allocator;
    emqx_tls_clock clock;
    CURLM *multi;
    emqxi_sockets sockets;
    emqxi_list at[EMQXI_STAGES];
    emqxi_opened *opened; /* opened.c */
    size_t opened_count, opened_room;
    size_t reads;          /* that are not over */
    emqxi_transfer *scout; /* the first of several reads */
    size_t connecting;     /* reads that run and have not departed */
    char why[256];         /* a certificate did not verify */
    bool look_again;       /* at all that run, before waiting */
    bool host_known;       /* a read has departed since the last time that none was in flight */
    char *ca_file, *proxy, *no_proxy;
    const emqxi_libcurl *libcurl;
    bool has_bundle;
    char hashed[EMQXI_HASH_ROOM]; /* a file in libcurl's folder of CAs; "": that is not used */
};

emqxi_transfer *emqxi_transfer_new(emqxi_curl *curl, const char *url);
void emqxi_transfer_free(emqxi_transfer *t);

/* Is it for the host of this URL? It is made for one. */
bool emqxi_transfer_suits(const emqxi_transfer *t, const char *url);

/* Sets what differs from the handle's last exchange. False: no memory, or more headers than the
 * library sends. */
bool emqxi_transfer_prepare(emqxi_transfer *t, const emqx_tls_exchange *exchange);

/* Has it to go out on another connection than the one that was kept? True once, and then it can. */
bool emqxi_transfer_renew(emqxi_transfer *t);

/* It does not connect any longer. */
void emqxi_transfer_connected(emqxi_transfer *t);

/* Leaves a transfer that had to wait only the time that is left. False: none is. */
bool emqxi_transfer_shorten(emqxi_transfer *t);

/* -- the sockets that libcurl has opened (opened.c) ------------------------------------------- */

/* For libcurl: they are close-on-exec, and known by their ports. */
curl_socket_t emqxi_on_open(void *transfer, curlsocktype purpose, struct curl_sockaddr *address);
int emqxi_on_close(void *curl, curl_socket_t fd);

/* The one with this port on our side; -1: none. */
int emqxi_opened_find(const emqxi_curl *curl, int local_port);

/* Runs the transfers of all of them as if something had come. */
CURLMcode emqxi_opened_run(const emqxi_curl *curl);

/* -- and what comes back (reply.c) ------------------------------------------------------------- */

size_t emqxi_on_header(char *line, size_t size, size_t count, void *transfer);
size_t emqxi_on_body(char *data, size_t size, size_t count, void *transfer);

/* libcurl's progress: after each look at the connection. */
int emqxi_on_progress(void *transfer, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                      curl_off_t up);

/* What became of it, for done. */
void emqxi_transfer_reply(emqxi_transfer *t, emqx_tls_reply *reply);

/* Forgets the exchange and wipes the reply. */
void emqxi_transfer_reset(emqxi_transfer *t);

/* Notes what its TLS connection has told up to now. */
void emqxi_closure_look(CURL *easy, emqxi_closure *closure);

/* -- trust (trust.c, verify.c) ----------------------------------------------------------------- */

void emqxi_trust_choose(emqxi_curl *c);  /* once ca_file is set */
bool emqxi_trust_set(emqxi_transfer *t); /* false: no memory */

/* Is it to be tried once more, with the system's bundle, since the folder lacks what it needs? */
bool emqxi_trust_bundle(emqxi_transfer *t, CURLcode result);

/* Was there no CA for the server's certificate? */
bool emqxi_verify_lacks_ca(const emqxi_transfer *t, CURLcode result);

/* Is it to be tried once more, for the names that a certificate has? */
bool emqxi_verify_ask_names(emqxi_transfer *t, CURLcode result);

/* Why a certificate does not verify; valid until the next one. */
const char *emqxi_verify_why(const emqxi_transfer *t);

/* Has its TLS connection bytes that were read and not asked for? */
bool emqxi_closure_pending(CURL *easy);

#endif
