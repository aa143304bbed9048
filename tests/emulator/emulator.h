/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The parts of emqxtls-emulator, a program that plays the TLS part of the EMQX Platform API on
 * loopback. It shares no code with the library: what it counts and checks is a second opinion. A
 * thread a connection; one lock around the platform, the quota, the faults and the log, so that the
 * log's order is the order in which requests were carried out.
 */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "real_clock.h"

/* -- settings (options.c): times in milliseconds ----------------------------------------------- */

enum { KIND_SLIDING, KIND_FIXED };
enum { RETRY_AFTER_NONE, RETRY_AFTER_SECONDS, RETRY_AFTER_DATE };
enum { EXPIRE_TIME, EXPIRE_DATE, EXPIRE_ISO };
enum { ABSENT_EMPTY, ABSENT_404 };
enum { OUTCOME_RUNNING, OUTCOME_FAILED };

struct settings {
    char *address, *base_path;
    int64_t port, control_port;
    bool http;
    char *tls_dir, *tls_cert, *tls_key;
    char *credentials_file;
    char **credentials; /* "key:secret", NULL-terminated */
    char *deployments, *forbidden;
    int64_t absent, outcome, pending, stale, lag, terminated;
    char *cn, *omit;
    int64_t expire_format, expire_zone_s, min_days;
    int64_t reads, writes, window, window_kind, window_offset, retry_after;
    bool count_rejected, per_method, per_deployment;
    int64_t latency, lifetime, max_requests;
    char *log, *ready_file, *serve_dir;
    char **faults;       /* JSON, NULL-terminated */
    char **program;      /* NULL-terminated; NULL: none is run */
    bool tls_dir_is_own; /* made for the program, and removed after it */
};

/* Reads the command line and the environment. Explains what is wrong on stderr and ends the program
 * if they can't be used. */
void options_read(struct settings *, int argc, char **argv);
void options_free(struct settings *);

/* Is `id` in a list such as "ge6a1a75,test-*"? */
bool list_has(const char *list, const char *id);

/* -- a program that is run against the emulator (program.c) ------------------------------------ */

bool program_prepare(struct settings *); /* a key and a folder for the CA where none is given */
/* 0, or 127 if it can't be run */
int program_start(struct settings *, const char *endpoint, const char *control, pid_t *pid);
int program_end(struct settings *, pid_t pid); /* its exit status */
void program_forget(struct settings *);        /* removes the folder */

/* -- streams (stream.c): plain or TLS, non-blocking, given up when the program stops ----------- */

enum stream_end {
    END_KEEP,
    END_CLOSE, /* a proper end, close_notify and FIN */
    END_DROP,  /* FIN without a word of TLS */
    END_RESET, /* RST */
    END_STALL  /* nothing more is said; the connection stays */
};

struct stream {
    int fd, stop_fd;
    SSL *ssl; /* NULL: plain */
    size_t start, end;
    unsigned char in[8192];
};

bool stream_handshake(struct stream *, SSL_CTX *, int64_t deadline);
/* Is there a first byte of data? Does not take it */
bool stream_waiting(struct stream *, int64_t deadline);
int stream_getc(struct stream *, int64_t deadline); /* -1: end, error, deadline or stop */
bool stream_read(struct stream *, void *to, size_t n, int64_t deadline);
bool stream_write(struct stream *, const void *from, size_t n, int64_t deadline);
void stream_sleep(struct stream *, int64_t ms); /* until then, or the peer has gone, or stop */
void stream_close(struct stream *, enum stream_end);

/* -- TLS (tls.c) ------------------------------------------------------------------------------- */

/* A server context for the settings: the files given, or a CA and a certificate of its own. NULL:
 * told on stderr. */
SSL_CTX *tls_context(const struct settings *);

/* -- HTTP (http.c) ----------------------------------------------------------------------------- */

struct request {
    char *head, *body; /* as they arrived, with a NUL behind */
    size_t head_len, body_len;
    char method[16];
    char *path;          /* as sent, percent-encoded */
    char *authorization; /* NULL: none */
    bool keep_alive;
};

struct answer {
    int status;
    char *body; /* NULL: empty */
    size_t body_len;
    char headers[1024]; /* further lines, each with its CRLF */
};

enum { HTTP_OK = 0, HTTP_GONE = -1, HTTP_CUT = -2 }; /* or the status with which to refuse it */
int http_read(struct stream *, struct request *, int64_t deadline);
void http_request_free(struct request *); /* wipes */
void answer_text(struct answer *, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* False: there is no room for the line. */
bool answer_header(struct answer *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void answer_free(struct answer *);
char *http_format(const struct answer *, bool keep_alive, time_t date, size_t *len,
                  size_t *head_len);
void http_date(char to[40], time_t);

/* -- what the platform takes as a certificate (check.c) ---------------------------------------- */

struct material {
    int type; /* 1 one-way, 2 two-way */
    char *cert, *key, *cacert;
    char *common_name; /* NULL: none */
    int64_t expire;    /* seconds since 1970 */
    char sha256[65];   /* of cert and cacert */
};

/* Reads a request body. False: answer says why (422, or 400 if it is no JSON). */
bool material_read(const struct request *, int64_t min_days, time_t now, struct material *,
                   struct answer *);
void material_free(struct material *); /* wipes */

/* -- quota (quota.c) --------------------------------------------------------------------------- */

struct quota;
struct quota *quota_new(const struct settings *);
void quota_free(struct quota *);
/* Counts a request at `now`. 0: it may pass, else milliseconds until one of its kind may. */
int64_t quota_take(struct quota *, const char *api_key, const char *method, const char *deployment,
                   int64_t now);

/* -- faults (fault.c) -------------------------------------------------------------------------- */

struct fault {
    struct fault *next;
    char *name, *method, *deployment;
    bool at_connect, reused_only;
    int64_t skip, times; /* times 0: always */
    int64_t read;        /* bytes of the request to read; -1 all */
    int carry_out;       /* -1: unless the answer is replaced */
    int64_t latency, stall;
    bool hold;  /* the answer waits for a release */
    int status; /* 0: the platform's own answer */
    char *headers, *body, *raw;
    size_t body_len, raw_len;
    bool echo;
    int64_t cut, cut_body; /* -1: all */
    int64_t piece, piece_ms;
    enum stream_end end;
};

enum fault_place { FAULT_AT_CONNECT, FAULT_AT_FIRST_BYTE, FAULT_AT_REQUEST };
struct faults;
struct faults *faults_new(void);
void faults_free(struct faults *);
/* Queues the fault, or the array of faults, in `json`; NULL, or what is wrong (to be freed). */
char *faults_add(struct faults *, const char *json, size_t len);
void faults_clear(struct faults *);
size_t faults_left(const struct faults *);
/* The fault for what happens now, to be freed with fault_free; NULL: none. method and deployment
 * only at FAULT_AT_REQUEST. */
struct fault *faults_take(struct faults *, enum fault_place, uint64_t nr, const char *method,
                          const char *deployment);
void fault_free(struct fault *);

/* -- the log of what arrived (log.c) ----------------------------------------------------------- */

struct arrival {
    uint64_t connection, nr; /* nr: of the request on its connection, from 1 */
    bool read;               /* the whole request */
    const struct request *request;
    char sha256[65];
    int status; /* answered, or that would have been; 0 none */
    bool carried_out;
    const char *fault; /* its name, NULL none */
};

struct log;
/* NULL path: a log that writes nothing; NULL: told on stderr */
struct log *log_open(const char *path);
void log_write(struct log *, int64_t ms, const struct arrival *);
void log_close(struct log *);

/* -- the platform (platform.c, deployment.c) --------------------------------------------------- */

struct platform;
struct platform *platform_new(const struct settings *);
void platform_free(struct platform *);
/* Answers a request as the platform does. `carry_out` false: says what it would, changes nothing
 * but the quota. */
void platform_answer(struct platform *, const struct request *, bool carry_out, struct answer *,
                     struct arrival *);
/* The deployment that the path names, without decoding; NULL: none. To be freed. */
char *platform_deployment(const struct platform *, const char *path);
/* Sets the status of a deployment that has a certificate. */
bool platform_set_status(struct platform *, const char *deployment, const char *status);
int64_t platform_ms(const struct platform *);  /* since start, with what was added */
time_t platform_wall(const struct platform *); /* the same for the wall clock */
void platform_advance(struct platform *, int64_t ms);
struct platform_counts {
    uint64_t requests, unauthorized, over_quota, refused, reads, writes;
};
struct platform_counts platform_counts(const struct platform *);

/* -- the program (main.c), its connections (connection.c) and the control channel (control.c)
 * --- */

struct emulator {
    struct settings settings;
    SSL_CTX *tls;
    pthread_mutex_t lock; /* around what follows */
    pthread_cond_t idle;  /* no connection is left */
    struct platform *platform;
    struct faults *faults;
    struct log *log;
    uint64_t connections, open, answered;
    uint64_t releases;       /* of answers that a fault holds */
    pthread_cond_t released; /* one of them, or the program stops */
    bool stopped;
    int stop_fd; /* readable for good once the program stops */
};

void emulator_stop(struct emulator *);
void emulator_release(struct emulator *); /* the lock is held */
/* Serves a new connection in a thread of its own and takes over the descriptor. */
void connection_start(struct emulator *, int fd, bool control);
void control_serve(struct emulator *, struct stream *);

#endif
